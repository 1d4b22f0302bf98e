"""The examples of the page on permissions: its pack with the entities that it names, its commands run in order."""

import json
import shlex
from pathlib import Path

import pytest

from tests.docs.pages import DOCS, REPOSITORY, marked
from tests.plain_logs import plain
from xrm_core.cli.main import main
from xrm_core.metadata.loader import load_texts
from xrm_core.permissions.caller import system
from xrm_core.plugins import Plugins
from xrm_core.records.door import Records
from xrm_core.storage.engines import Database
from xrm_core.storage.tables import Tables

PAGE = DOCS / "permissions.md"
TEXT = {"type": "string"}
ENTITIES = {
    "user": {"email": {"type": "string", "format": "email", "x-unique": True}, "last_name": TEXT},
    "product": {"name": TEXT, "cost_price": {"type": "integer"}},
    "customer": {
        **dict.fromkeys(("name", "city", "country", "phone", "notes"), TEXT),
        "owner": {"x-relation": {"to": "user", "inverse": "customers", "on_delete": "set_null"}, "default": "$user"},
    },
}
ID = "01980000-0000-7000-8000-000000000007"


def test_the_commands_print_what_the_page_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    def xrm(*words: str) -> str:
        capsys.readouterr()
        with pytest.raises(SystemExit):
            main(words)
        plain()  # or others would go on to log to what captures here
        done = capsys.readouterr()
        assert done.err == ""
        return done.out

    # given the pack of the page, Eva with its roles, and a customer that is not hers
    monkeypatch.chdir(tmp_path)
    pack = tmp_path / "schemas"
    (pack / "permissions").mkdir(parents=True)
    for name, properties in ENTITIES.items():
        entity = {"x-entity": name, "type": "object", "properties": properties}
        (pack / f"{name}.json").write_text(json.dumps(entity))
    for block in marked(PAGE, "pack"):
        (pack / "permissions" / block.label).write_text(block.text, "utf-8")
    xrm("schema", "apply")
    xrm("user", "create", "--email", "eva@example.com", "--last-name", "Kern", "--role", "sales")
    model = load_texts([(each.name, each.read_text(), "core") for each in sorted(pack.glob("*.json"))])
    database = Database(f"sqlite:///{tmp_path}/xrm-data/xrm.db")
    with database.begin() as connection:
        caller = system(model, "test", sets_system_fields=True)
        Records(model, Tables(model), Plugins([])).create(connection, caller, "customer", {"id": ID, "country": "DE"})
    database.close()

    # when each command of the page is run, then it says what stands below it
    shown = list(marked(PAGE, "run"))
    assert shown
    for block in shown:
        program, *words = shlex.split(block.text)
        assert program == "xrm"
        assert xrm(*words) == block.following[0]


def test_the_page_shows_the_casbin_model_as_it_is() -> None:
    [block] = marked(PAGE, "casbin")
    assert block.text.strip() == (REPOSITORY / "xrm_core" / "permissions" / "casbin_model.conf").read_text().strip()
