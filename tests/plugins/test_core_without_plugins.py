"""The platform's own tests run with all of its plugins off: none of them asks for one."""

import re

from tests.plugins.conftest import REPOSITORY
from xrm_core.plugins import load_plugins

OF_PLUGINS = ("sales", "dsgvo")
ABOUT_PLUGINS = {
    "docs/test_dsgvo_pages.py",  # pages of plugins
    "docs/test_sales_pages.py",
    "metadata/test_writer.py",  # all files that are shipped, those of plugins among them
    "plugins/test_loading.py",  # that they are loaded where they are asked for
}
ASKS = re.compile(
    r"\bxrm_(?:sales|dsgvo)\b|tests\.(?:sales|dsgvo)\b"
    r"|(?:plugins|enabled)=[\[(]?[\"'](?:sales|dsgvo)|XRM_PLUGINS[\"']?[,\]:=]+ ?[\"'](?:sales|dsgvo)[\"']"
)


def test_no_test_of_the_core_imports_or_loads_one():
    tests = REPOSITORY / "tests"
    own = {each.relative_to(tests).as_posix(): each for each in tests.rglob("*.py")}
    core = {name: file for name, file in own.items() if not name.startswith(tuple(f"{each}/" for each in OF_PLUGINS))}

    asking = {name for name, file in core.items() if ASKS.search(file.read_text("utf-8"))}

    assert len(core) > 300
    assert asking == ABOUT_PLUGINS


def test_and_none_is_loaded_unasked():
    assert {each.name for each in load_plugins().infos} & set(OF_PLUGINS) == set()
