"""Settings come from the environment and the command line; a wrong one is named without a traceback or a secret."""

from pathlib import Path

import pytest

from xrm_core.errors import SettingsError
from xrm_core.settings import Settings, load_settings


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """No XRM_ variables of the developer, and an empty folder of our own to stand in."""
    for field in Settings.model_fields:
        monkeypatch.delenv(f"XRM_{field.upper()}", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_defaults():
    settings = load_settings()

    assert settings.database_url == "sqlite:///xrm-data/xrm.db"
    assert (settings.host, settings.port, settings.demo) == ("127.0.0.1", 8000, False)
    assert (settings.default_page_size, settings.max_page_size) == (50, 1000)
    assert (settings.max_depth, settings.max_tokens, settings.max_aliases) == (15, 20_000, 100)
    assert (settings.statement_timeout, settings.max_body_bytes) == (30, 1_048_576)
    assert settings.disabled_plugins == ()


def test_the_database_lies_in_the_data_folder_unless_a_url_is_given(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("XRM_DATA_DIR", "/srv/xrm")
    assert load_settings().database_url == "sqlite:////srv/xrm/xrm.db"

    monkeypatch.setenv("XRM_DATABASE_URL", "postgresql://xrm@db/xrm")
    assert load_settings().database_url == "postgresql://xrm@db/xrm"


def test_command_line_wins_over_environment_and_none_means_not_given(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("XRM_PORT", "9000")
    monkeypatch.setenv("XRM_HOST", "")

    assert load_settings(port=None).port == 9000
    assert load_settings(port=9001).port == 9001
    assert load_settings().host == "127.0.0.1"


def test_plugins_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("XRM_DISABLED_PLUGINS", "fleet, sales,")
    monkeypatch.setenv("XRM_PLUGINS", "sales,marketing")

    assert load_settings().disabled_plugins == ("fleet", "sales")
    assert load_settings().plugins == ("sales", "marketing")


def test_schemas_are_those_here_if_there_are_any_else_the_core_pack(clean: Path):
    assert any(load_settings().schemas.glob("*.json"))
    assert load_settings().schemas != Path("schemas")

    (clean / "schemas").mkdir()
    assert load_settings().schemas != Path("schemas")

    (clean / "schemas" / "ship.json").write_text("{}")
    assert load_settings().schemas == Path("schemas")


def test_all_wrong_settings_are_named_at_once(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("XRM_PORT", "eighty")
    monkeypatch.setenv("XRM_STATEMENT_TIMEOUT", "0")

    with pytest.raises(SettingsError) as caught:
        load_settings(schemas="no-such-folder")

    message = caught.value.message
    assert "XRM_PORT: " in message
    assert "(given: eighty)" in message
    assert "XRM_STATEMENT_TIMEOUT: Input should be greater than 0" in message
    assert "XRM_SCHEMAS: there is no folder no-such-folder" in message


@pytest.mark.parametrize(
    ("overrides", "reason"),
    [
        ({"default_page_size": 20, "max_page_size": 10}, "default_page_size is greater than max_page_size"),
        ({"data_dir": "what?"}, "XRM_DATA_DIR: a folder name with"),
        ({"prot": 1}, "XRM_PROT: Extra inputs are not permitted"),
        *(
            ({"tracking_hosts": f"click.example.com,{wrong}"}, "XRM_TRACKING_HOSTS: .* is no name of a host")
            for wrong in ("https://t.example.com", "t.example.com/open", "*.example.com", "a b", "t.example.com:443")
        ),
    ],
)
def test_settings_that_do_not_fit(overrides: dict[str, object], reason: str):
    with pytest.raises(SettingsError, match=reason):
        load_settings(**overrides)


def test_a_database_password_is_neither_in_the_error_nor_in_the_repr():
    with pytest.raises(SettingsError) as caught:
        load_settings(database_url=["postgresql://xrm:geheim@db/xrm"], port=-1)

    assert "XRM_DATABASE_URL" in caught.value.message
    assert "geheim" not in str(caught.value)
    assert "geheim" not in repr(load_settings(database_url="postgresql://xrm:geheim@db/xrm"))
