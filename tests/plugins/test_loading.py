"""Plugins are found by entry point, in the order of their names, and a wrong one is named."""

import pytest

from tests.plugins.conftest import MakeDistribution
from xrm_core.errors import PluginLoadError, SettingsError
from xrm_core.plugins import InstalledPlugin, Plugins, load_plugins
from xrm_core.records.hooks import RecordHooks

HOOK = """
from xrm_core.api import hookimpl

@hookimpl
def before_record_delete(entity, before):
    pass
"""


def test_plugins_load_in_the_order_of_their_names_not_of_their_distributions(make_distribution: MakeDistribution):
    make_distribution(HOOK, plugin="b", distribution="first")
    make_distribution(HOOK, plugin="a", distribution="second", version="2.1")

    infos = load_plugins().infos

    assert [(info.order, info.name, info.distribution, info.version, info.hooks) for info in infos] == [
        (1, "a", "second", "2.1", ("before_record_delete",)),
        (2, "b", "first", "0.3", ("before_record_delete",)),
    ]


def test_the_platforms_own_plugins_are_loaded_where_they_are_asked_for():
    assert "sales" not in [info.name for info in load_plugins().infos]
    assert "sales" in [info.name for info in load_plugins(enabled=["sales"]).infos]
    assert "sales" not in [info.name for info in load_plugins(enabled=["sales"], disabled=["sales"]).infos]
    with pytest.raises(SettingsError, match=r"Enabled plugins that are not installed: marketting\."):
        load_plugins(enabled=["marketting"])


def test_what_needs_a_plugin_that_nobody_has_asked_for_says_so(make_distribution: MakeDistribution):
    make_distribution(
        """
from xrm_core.api import Needs, hookimpl

@hookimpl
def register_needs():
    return Needs(plugins={"sales": ""})
""",
        plugin="addon",
    )

    with pytest.raises(PluginLoadError, match="it needs the plugin sales, which is switched off"):
        load_plugins()


def test_a_disabled_plugin_is_not_even_imported(make_distribution: MakeDistribution):
    make_distribution("raise RuntimeError('imported')", plugin="bad")
    make_distribution(HOOK, plugin="good", distribution="good-dist")

    assert [info.name for info in load_plugins(disabled=["bad"]).infos] == ["good"]


def test_disabling_a_plugin_that_is_not_installed_is_an_error(make_distribution: MakeDistribution):
    make_distribution(HOOK, plugin="good")

    with pytest.raises(SettingsError, match=r"not installed: godo\. Installed are: dsgvo, good, sales\."):
        load_plugins(disabled=["godo"])


@pytest.mark.parametrize(
    ("source", "cause"),
    [
        ("raise RuntimeError('no licence')", "RuntimeError: no licence"),
        ("import xrm_no_such_module", "No module named 'xrm_no_such_module'"),
        ("def broken(:", "SyntaxError"),
        ("import sys; sys.exit('bye')", "SystemExit: bye"),
    ],
)
def test_a_plugin_that_fails_at_import_is_named_with_distribution_version_and_cause(
    source: str, cause: str, make_distribution: MakeDistribution
):
    make_distribution(source, plugin="bad", distribution="bad-dist", version="4.2")

    with pytest.raises(PluginLoadError, match=f"The plugin bad of bad-dist 4.2 cannot be loaded: .*{cause}") as caught:
        load_plugins()

    assert caught.value.details == {"plugin": "bad", "distribution": "bad-dist", "version": "4.2"}
    assert "XRM_DISABLED_PLUGINS=bad" in caught.value.hint


def test_two_plugins_of_one_name_are_both_named(make_distribution: MakeDistribution):
    make_distribution(HOOK, plugin="twin", distribution="one-dist", version="1")
    make_distribution(HOOK, plugin="twin", distribution="two-dist", version="2")

    with pytest.raises(PluginLoadError, match="'twin'") as caught:
        load_plugins()

    assert "one-dist 1" in caught.value.message
    assert "two-dist 2" in caught.value.message


@pytest.mark.parametrize(
    ("source", "cause"),
    [
        (
            "@hookimpl\ndef before_record_crate(entity): pass",
            "unknown hook 'before_record_crate'.*before_record_create",
        ),
        ("@hookimpl\ndef before_record_create(entity, rec): pass", "'rec'"),
        ("@hookimpl\nasync def before_record_create(entity): pass", "before_record_create is async"),
        ("@hookimpl\nasync def before_record_create(entity): yield", "before_record_create is async"),
        ("@hookimpl\ndef before_record_create(entity): yield", "is a generator"),
        ("@hookimpl(wrapper=True)\ndef before_record_create(entity): return (yield)", "asks to be a wrapper"),
        ("@hookimpl(tryfirst=True)\ndef before_record_create(entity): pass", "asks to be a wrapper, first or last"),
        ("def before_record_create(entity, record): pass", "not marked with @hookimpl"),
    ],
)
def test_a_wrong_hook_is_found_at_load(source: str, cause: str, make_distribution: MakeDistribution):
    make_distribution(f"from xrm_core.api import hookimpl\n{source}\n", plugin="bad")

    with pytest.raises(PluginLoadError, match=f"The plugin bad of sample-dist 0.3 cannot be loaded: .*{cause}"):
        load_plugins()


def test_a_class_or_a_second_name_for_the_same_object_is_refused():
    class Sample:
        pass

    sample = Sample()

    with pytest.raises(PluginLoadError, match="names a class"):
        Plugins([InstalledPlugin("sample", Sample)])
    with pytest.raises(PluginLoadError, match="The plugin second cannot be loaded: another entry point"):
        Plugins([InstalledPlugin("first", sample), InstalledPlugin("second", sample)])
    with pytest.raises(PluginLoadError, match="another plugin has the same name"):
        Plugins([InstalledPlugin("first", sample), InstalledPlugin("first", Sample())])
    with pytest.raises(PluginLoadError, match="belongs to the core pack"):
        Plugins([InstalledPlugin("core", sample)])


def test_two_applications_do_not_share_plugins(make_distribution: MakeDistribution):
    make_distribution(HOOK, plugin="sample")

    with_plugin, without = load_plugins(), load_plugins(disabled=["sample"])

    assert len(with_plugin.infos) == 1
    assert without.infos == ()


def test_trace_prints_each_call(capsys: pytest.CaptureFixture[str], make_distribution: MakeDistribution):
    make_distribution(HOOK, plugin="sample")

    RecordHooks(load_plugins(trace=True)).before_delete("customer", {})

    assert capsys.readouterr().err == "hook before_record_delete customer -> sample\n"
