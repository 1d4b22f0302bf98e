"""Settings of plugins: read from the environment, all mistakes told at once, secrets told to nobody."""

import datetime as dt
import enum
import pickle
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Literal

import pytest

from xrm_core.api import Secret, hookimpl
from xrm_core.errors import PluginLoadError, SettingsError
from xrm_core.plugins import InstalledPlugin, Plugins


class Colour(enum.Enum):
    RED = 1
    GREEN = 2


@dataclass(frozen=True)
class Settings:
    api_key: Secret
    months: int
    rate: Decimal = Decimal("0.5")
    share: float = 0.1
    strict: bool = False
    since: dt.date | None = None
    folder: Path = Path("x")
    mode: Literal["fast", "slow"] = "fast"
    colour: Colour = Colour.RED
    plates: tuple[str, ...] = ()
    sizes: tuple[int, ...] = (1,)
    spare: Secret | None = None
    built: str = field(default="", init=False)

    def __post_init__(self) -> None:
        if self.months < 1:
            raise ValueError("inspections are monthly at most")


def plugins(environment: dict[str, str], **registered: Any) -> Plugins:
    def plugin(kind: Any) -> Any:
        @hookimpl
        def register_settings() -> Any:
            return kind

        return SimpleNamespace(register_settings=register_settings)

    found = [InstalledPlugin(name, plugin(kind), f"{name}-dist", "1.0") for name, kind in registered.items()]
    return Plugins(found, environment=environment)


GIVEN = {"XRM_FLEET_API_KEY": "s3cret-value", "XRM_FLEET_MONTHS": "12"}


def test_settings_are_read_with_their_types():
    given = {
        **GIVEN,
        "XRM_FLEET_RATE": "1.10",
        "XRM_FLEET_SHARE": "0.25",
        "XRM_FLEET_STRICT": "Yes",
        "XRM_FLEET_SINCE": "2026-11-27",
        "XRM_FLEET_FOLDER": "/tmp/a",
        "XRM_FLEET_MODE": "slow",
        "XRM_FLEET_COLOUR": "Green",
        "XRM_FLEET_PLATES": "M-AB 12, B-XR 666,",
        "XRM_FLEET_SIZES": "3,4",
        "XRM_FLEET_SPARE": "",
    }
    read = plugins(given, fleet=Settings).settings_of("fleet")
    expected = Settings(
        Secret("s3cret-value"),
        12,
        Decimal("1.10"),
        0.25,
        True,
        dt.date(2026, 11, 27),
        Path("/tmp/a"),
        "slow",
        Colour.GREEN,
        ("M-AB 12", "B-XR 666"),
        (3, 4),
    )
    assert read == expected
    assert read.rate.as_tuple() == Decimal("1.10").as_tuple()
    assert plugins(given, fleet=Settings).settings_of("other") is None


def test_all_mistakes_of_all_plugins_are_told_at_once_and_no_secret():
    @dataclass
    class Other:
        size: int
        key: Secret | None = None

    wrong = {
        "XRM_FLEET_MONTHS": "a dozen",
        "XRM_FLEET_STRICT": "maybe",
        "XRM_FLEET_RATE": "NaN",
        "XRM_FLEET_MODE": "warp",
        "XRM_FLEET_SIZES": "1,x",
        "XRM_FLEET_SINCE": "soon",
    }
    with pytest.raises(SettingsError) as refused:
        plugins(wrong, fleet=Settings, other=Other)
    for said in (
        "XRM_FLEET_API_KEY: is not set",
        "XRM_FLEET_MONTHS: is no whole number (given: a dozen)",
        "XRM_FLEET_STRICT: is neither true nor false (given: maybe)",
        "XRM_FLEET_RATE: is no number (given: NaN)",
        "XRM_FLEET_MODE: is none of fast, slow (given: warp)",
        "XRM_FLEET_SIZES: is no whole number (given: 1,x)",
        "XRM_FLEET_SINCE: is no date such as 2026-11-27 (given: soon)",
        "XRM_OTHER_SIZE: is not set",
    ):
        assert said in refused.value.message
    with pytest.raises(SettingsError, match="inspections are monthly at most") as refused:
        plugins({**GIVEN, "XRM_FLEET_MONTHS": "0"}, fleet=Settings)
    assert "s3cret" not in str(refused.value.to_json())


def test_secrets_are_shown_nowhere():
    found = plugins(GIVEN, fleet=Settings)
    settings = found.settings_of("fleet")
    assert settings.api_key.reveal() == "s3cret-value"
    shown = [repr(settings), str(settings.api_key), f"{settings.api_key}", repr(found.infos)]
    assert not any("s3cret" in each for each in shown)
    with pytest.raises(TypeError):
        pickle.dumps(settings)
    [info] = found.infos
    states = {each.variable: (each.is_secret, each.is_required, each.is_set) for each in info.settings}
    assert states["XRM_FLEET_API_KEY"] == (True, True, True)
    assert states["XRM_FLEET_SPARE"] == (True, False, False)
    assert "XRM_FLEET_BUILT" not in states


def test_variables_that_clash_are_named_with_both_owners():
    @dataclass
    class Tokens:
        tokens: int = 1

    @dataclass
    class Car:
        wash_key: str = ""

    @dataclass
    class Wash:
        key: str = ""

    with pytest.raises(PluginLoadError, match=r"max of max-dist 1\.0 .*XRM_MAX_TOKENS, which is the platform's"):
        plugins({}, max=Tokens)
    both = r"car_wash of car_wash-dist 1\.0 .*XRM_CAR_WASH_KEY, which is that of the plugin car of car-dist 1\.0"
    with pytest.raises(PluginLoadError, match=both):
        plugins({}, car=Car, car_wash=Wash)


@pytest.mark.parametrize("kind", [dict[str, str], list[str], int | str, object])
def test_a_type_that_cannot_be_read_from_text_is_found_at_the_start(kind: Any):
    made = type("Made", (), {"__annotations__": {"odd": kind}})
    with pytest.raises(PluginLoadError, match=r"fleet of fleet-dist .*the setting odd"):
        plugins({}, fleet=dataclass(made))
