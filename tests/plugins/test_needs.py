"""Plugins that need others come after them; what is missing is named."""

import pytest

from tests.plugins.conftest import MakeDistribution
from xrm_core.errors import PluginLoadError
from xrm_core.hookspecs import Needs
from xrm_core.plugins import load_plugins
from xrm_core.plugins.needs import Needing, NeedsUnmet, ordered

SOURCE = """
from xrm_core.api import Needs, hookimpl

@hookimpl
def register_needs():
    return Needs({needs})
"""


def order(**needs: tuple[str, ...]) -> list[str]:
    return ordered([Needing(name, "1.0", Needs(plugins=dict.fromkeys(needs[name], ""))) for name in sorted(needs)])


def test_each_comes_after_those_that_it_needs_and_else_by_name() -> None:
    assert order(a=(), b=(), c=()) == ["a", "b", "c"]
    assert order(a=("c",), b=(), c=()) == ["c", "a", "b"]
    assert order(a=("d", "c"), b=(), c=("d",), d=()) == ["d", "c", "a", "b"]


@pytest.mark.parametrize(
    ("needs", "circle"), [({"a": ("a",)}, "a → a"), ({"a": ("b",), "b": ("c",), "c": ("a",)}, "a → b → c → a")]
)
def test_a_circle_is_told(needs: dict[str, tuple[str, ...]], circle: str) -> None:
    with pytest.raises(NeedsUnmet, match=f"in a circle: {circle}"):
        order(**needs)


def test_both_are_named_with_what_is_wrong(make_distribution: MakeDistribution) -> None:
    make_distribution(SOURCE.format(needs="plugins={'base': '>=2,<3'}"), plugin="addon", distribution="addon-dist")
    with pytest.raises(PluginLoadError, match=r"The plugin addon of addon-dist 0\.3 .* plugin base >=2,<3, .*not inst"):
        load_plugins()
    make_distribution(SOURCE.format(needs=""), plugin="base", distribution="base-dist", version="1.9")
    with pytest.raises(PluginLoadError, match=r"plugin addon .* plugin base >=2,<3, and the installed one is 1\.9"):
        load_plugins()
    with pytest.raises(PluginLoadError, match=r"plugin addon .* plugin base >=2,<3, which is switched off"):
        load_plugins(disabled=["base"])
    assert load_plugins(disabled=["addon"]).infos[0].name == "base"


@pytest.mark.parametrize(
    ("needs", "cause"),
    [
        ("core='>=2'", r"it needs the platform >=2, and this is 0\."),
        ("core='two'", r"the versions 'two' of the platform that it needs are none \(PEP 440\)"),
        ("plugins={'sample': ''}", "in a circle: sample → sample"),
    ],
)
def test_what_cannot_be_is_told(make_distribution: MakeDistribution, needs: str, cause: str) -> None:
    make_distribution(SOURCE.format(needs=needs))
    with pytest.raises(PluginLoadError, match=cause):
        load_plugins()


def test_what_fits_is_loaded_in_its_order(make_distribution: MakeDistribution) -> None:
    make_distribution(SOURCE.format(needs="core='>=0.1', plugins={'z': '~=2.0'}"), plugin="a", distribution="a-dist")
    make_distribution(SOURCE.format(needs=""), plugin="z", distribution="z-dist", version="2.0.1")

    assert [info.name for info in load_plugins().infos] == ["z", "a"]
