"""What CONTRIBUTING.md says of tests."""

import re
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]


def test_the_tests_that_it_names_are_there() -> None:
    rows = re.findall(r"^\|.*`(tests/.*?\.py)`: (.*) \|$", (REPOSITORY / "CONTRIBUTING.md").read_text(), re.MULTILINE)
    named = [(file, name) for file, names in rows for name in re.findall(r"`(test_\w+)`", names)]
    assert len(named) > 10
    for file, name in named:
        assert f"\ndef {name}(" in (REPOSITORY / file).read_text(), (file, name)
