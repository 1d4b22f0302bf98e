"""What changes of the schema have put aside is erased and moved away with what it is of: no undo brings it back."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from tests.records.kit import CUSTOMERS, Pack, World, build
from xrm_core.api import erase_values
from xrm_core.metadata.loader import load_texts
from xrm_core.metadata.model import Model
from xrm_core.records.context import Context
from xrm_core.records.door import Records
from xrm_core.records.vault.moving import move_to_vault
from xrm_core.records.vault.returning import bring_back
from xrm_core.sealed.key_store import KeyStore
from xrm_core.storage.apply import apply, undo
from xrm_core.storage.engines import Database
from xrm_core.storage.tables import Tables

SUBJECT, SECRET = "01a21e32-b621-734e-9829-05c2e3018e0a", "a key of the tests 0123456789 abcdefgh"
FORMER: dict[str, Any] = {
    "fax": {"type": "string"},
    "born": {"type": "string", "format": "date"},
    "paid": {"type": "number", "x-type": "decimal", "x-precision": 10, "x-scale": 2},
    "code": {"type": "string"},
}
VALUES = {"fax": "0221 4711", "born": "1970-01-31", "paid": "12.50", "code": "a17"}


def _files(more: dict[str, Any]) -> dict[str, dict[str, Any]]:
    customer = CUSTOMERS.files["customer"]
    properties = {**customer["properties"], **more}
    return {**CUSTOMERS.files, "customer": {**customer, "properties": properties}}


def _model(more: dict[str, Any]) -> Model:
    bodies = {name: {"x-entity": name, "type": "object", **body} for name, body in _files(more).items()}
    return load_texts([(f"{name}.json", json.dumps(body), "core") for name, body in bodies.items()])


@dataclass
class Changed:
    """A world before and after three fields are dropped and a fourth is made a number; two customers of before."""

    before: World
    after: World
    ids: list[str]

    def undone(self) -> list[dict[str, Any] | None]:
        """What the fields of the customers hold once the schema is as it was."""
        undo(self.after.database)
        stored = [self.before.stored("customer", id_) for id_ in self.ids]
        return [each and {name: each[name] and str(each[name]) for name in VALUES} for each in stored]

    def context(self, connection: Any) -> Context:
        """Of an action in the changed world."""
        return Context(self.after.records, connection, self.after.caller("admin"), ("action", "mk.forget"))


@pytest.fixture
def changed(database: Database, tmp_path: Path) -> Iterator[Changed]:
    """Its schema is changed."""
    before = build(database, tmp_path, None, Pack(_files(FORMER), CUSTOMERS.roles, CUSTOMERS.policies))
    ids = [before.create("admin", "customer", {"name": name, **VALUES}) for name in "AB"]
    model = _model({"code": {"type": "integer"}})
    dropped = [f"drop_field:customer.{name}" for name in ("fax", "born", "paid")]
    apply(before.database, model, [*dropped, "change_type:customer.code"])
    store = KeyStore(f"sqlite:///{tmp_path / 'keys' / 'sealed.db'}", SECRET)
    records = Records(model, Tables(model), before.records.plugins, key_store=store)
    yield Changed(before, replace(before, model=model, records=records), ids)
    store.close()


@pytest.mark.parametrize(
    ("fields", "left"),
    [(None, {}), (["code"], {}), (["city"], {"code": VALUES["code"]})],
)
def test_no_undo_brings_back_what_was_erased(changed: Changed, fields: list[str] | None, left: dict[str, str]) -> None:
    # when
    with changed.after.database.begin() as connection:
        erase_values(changed.context(connection), "customer", changed.ids[0], fields)

    # then nothing of a field that is gone is there, and of those that are there what was not erased
    assert changed.undone() == [{**dict.fromkeys(VALUES), **left}, VALUES]


@pytest.mark.parametrize("whole", [True, False])
def test_no_undo_brings_back_what_lies_in_the_vault(changed: Changed, whole: bool) -> None:
    key = ("customer", changed.ids[0])
    with changed.after.database.begin() as connection:
        move_to_vault(changed.context(connection), SUBJECT, [key] if whole else [], {key: {"code": None}})

    assert changed.undone() == [None if whole else dict.fromkeys(VALUES), VALUES]


@pytest.mark.parametrize("whole", [True, False])
def test_it_is_back_when_all_is(changed: Changed, whole: bool) -> None:
    # given
    key = ("customer", changed.ids[0])
    with changed.after.database.begin() as connection:
        context = changed.context(connection)
        deposit = move_to_vault(context, SUBJECT, [key] if whole else [], {key: {"code": None}})

    # when
    with changed.after.database.begin() as connection:
        bring_back(changed.context(connection), deposit.id)

    # then
    assert changed.undone() == [VALUES, VALUES]
