"""Fields in formats of plugins: one form of each text, checked, and the same for whoever looks for it."""

import json
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest

from xrm_core.api import On, TextFormat, hookimpl
from xrm_core.errors import RefusedByPlugin, SchemaFilesInvalid, ValidationFailed
from xrm_core.metadata.keywords import Keywords
from xrm_core.metadata.layers import LayerSource
from xrm_core.metadata.loader import load
from xrm_core.metadata.writer import files_of
from xrm_core.permissions.caller import system
from xrm_core.plugins import InstalledPlugin, Plugins
from xrm_core.records.door import Records
from xrm_core.storage.apply import apply
from xrm_core.storage.engines import Database
from xrm_core.storage.tables import Tables

FILES: Mapping[str, Any] = {
    "account.json": {
        "x-entity": "account",
        "type": "object",
        "required": ["iban"],
        "properties": {
            "iban": {"type": "string", "format": "bank-iban", "x-unique": True},
            "note": {"type": "string"},
        },
    }
}


def check(text: str) -> str | None:
    if text == "CRASH":
        raise ZeroDivisionError
    return None if text.startswith("DE") else "is not a German account"


class _Plugin(SimpleNamespace):
    __hash__ = object.__hash__  # type: ignore[assignment]


def plugins(*hooks: On) -> Plugins:
    found = [TextFormat("bank-iban", check, lambda text: "".join(text.split()).upper(), max_length=22)]
    plugin = _Plugin(register_text_formats=hookimpl(lambda: found), register_record_hooks=hookimpl(lambda: list(hooks)))
    return Plugins([InstalledPlugin("bank", plugin, "xrm-bank", "1.0")])


def layer(files: Mapping[str, Any] = FILES, words: tuple[str, ...] = ()) -> LayerSource:
    return LayerSource("core", "core", texts=[(name, json.dumps(text)) for name, text in files.items()], words=words)


def test_a_field_has_the_format_in_the_model_and_where_it_is_written_again() -> None:
    model = load([layer()], Keywords(plugins()))
    field = model["account"].fields["iban"]
    assert (field.text_format, field.type, field.max_length) == ("bank-iban", "text", 22)
    again = LayerSource("core", "core", texts=tuple(files_of(model).items()))
    assert load([again], Keywords(plugins())).fingerprint == model.fingerprint
    # without the plugin it is a mistake, unless the pack allows for it
    with pytest.raises(SchemaFilesInvalid, match=r"account\.json.*/properties/iban/format"):
        load([layer()])
    assert load([layer(words=("x-bank",))])["account"].fields["iban"].text_format == "bank-iban"


def test_one_form_is_stored_found_and_checked(database: Database) -> None:
    told: list[Any] = []
    asked = On("account", ("create", "update"), before=lambda change: told.append(change.changes.get("iban")))
    installed = plugins(asked)
    model = load([layer()], Keywords(installed))
    apply(database, model)
    records = Records(model, Tables(model), installed)
    with database.begin() as connection:
        caller = system(model, "test")
        one = records.create(connection, caller, "account", {"iban": "de89 3704"})
        known, created = records.upsert(connection, caller, "account", ["iban"], {"iban": "DE 89 3704", "note": "seen"})
        assert (known, created) == (one, False)
        records.update(connection, caller, "account", one, {"iban": "de90"})
        records.update_bulk(connection, caller, "account", [one], {"iban": "de 91"})
        rows = [{"id": one, "iban": "de 92"}, {"id": one[:-1] + ("0" if one[-1] != "0" else "1"), "iban": "de 93"}]
        records.upsert_bulk(connection, caller, "account", ["id"], rows)
        stored = [tuple(row) for row in connection.exec_driver_sql("SELECT iban, note FROM account ORDER BY iban")]
    assert stored == [("DE92", "seen"), ("DE93", None)]
    assert told == ["DE893704", None, "DE90", "DE91", "DE92", "DE93"]
    with pytest.raises(ValidationFailed) as refused, database.begin() as connection:
        records.create(connection, caller, "account", {"iban": "fr 1"})
    assert [dict(each) for each in refused.value.problems] == [
        {"field": "iban", "rule": "format", "message": "is not a German account"}
    ]
    with pytest.raises(RefusedByPlugin, match="The plugin bank failed"), database.begin() as connection:
        records.update(connection, caller, "account", one, {"iban": "crash"})
    with pytest.raises(ValidationFailed, match="too long"), database.begin() as connection:
        records.update(connection, caller, "account", one, {"iban": "DE" + "1" * 30})
