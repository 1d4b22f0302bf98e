"""Libraries are not older than the versions in which their known weaknesses were mended (S-108)."""

import re
from pathlib import Path

import pytest

PINS = dict(
    line.lower().split("==")
    for line in (Path(__file__).parents[1] / "constraints.txt").read_text().splitlines()
    if "==" in line
)
FLOORS = {
    "authlib": "1.7.1",
    "python-multipart": "0.0.30",
    "sqlalchemy": "1.3",
    "starlette": "1.3.1",
    "strawberry-graphql": "0.315.7",
}


def numbers(version: str) -> list[int]:
    return [int(number) for number in re.findall(r"[0-9]+", version)]


@pytest.mark.parametrize("name", FLOORS)
def test_a_library_is_new_enough(name: str) -> None:
    assert numbers(PINS[name]) >= numbers(FLOORS[name])


def test_none_is_one_that_only_has_the_name() -> None:
    assert PINS.keys().isdisjoint({"casbin", "graphw00f"})
    assert "pycasbin" in PINS
