"""The plugin comes with the platform and is loaded where it is asked for."""

from xrm_core.plugins import load_plugins


def test_it_is_loaded_where_it_is_asked_for():
    assert "dsgvo" in {info.name for info in load_plugins(enabled=("dsgvo",)).infos}


def test_it_is_not_loaded_by_itself():
    assert "dsgvo" not in {info.name for info in load_plugins().infos}
