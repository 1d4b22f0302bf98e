"""Fields that have another name now, or none: what the change log and the trash have of them is erased, and moved away,
with what it is of.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from tests.records.kit import CUSTOMERS, Pack, World, build
from xrm_core.api import erase_values, former_values
from xrm_core.changes.keys import ChainKeys
from xrm_core.changes.verifying import verify
from xrm_core.metadata.loader import load_texts
from xrm_core.metadata.model import Model
from xrm_core.records.context import Context
from xrm_core.records.door import Records
from xrm_core.records.vault.moving import move_to_vault
from xrm_core.records.vault.returning import bring_back
from xrm_core.sealed.key_store import KeyStore
from xrm_core.storage.apply import apply
from xrm_core.storage.change_tables import CHANGE
from xrm_core.storage.engines import Database
from xrm_core.storage.tables import Tables
from xrm_core.storage.trash_tables import TRASH

SUBJECT, SECRET = "01a21e32-b621-734e-9829-05c2e3018e0a", "a key of the tests 0123456789 abcdefgh"
TEXT = {"type": "string"}
VALUES = {"fax": "0221 Albatros", "mobile": "0170 Bussard", "nick": "Canary"}
"""``fax`` is dropped, ``mobile`` is renamed to ``cell``, ``nick`` stays."""


def _model(more: dict[str, Any]) -> Model:
    customer = CUSTOMERS.files["customer"]
    files = {**CUSTOMERS.files, "customer": {**customer, "properties": {**customer["properties"], **more}}}
    bodies = {name: {"x-entity": name, "type": "object", **body} for name, body in files.items()}
    return load_texts([(f"{name}.json", json.dumps(body), "core") for name, body in bodies.items()])


@dataclass
class Changed:
    """A world after its schema has changed, with one record and one in the trash of before."""

    world: World
    id: str
    trashed: str

    def context(self, connection: Any) -> Context:
        """Of an action."""
        return Context(self.world.records, connection, self.world.caller("admin"), ("action", "mk.forget"))

    def kept(self) -> set[str]:
        """Which values stand in the log or the trash."""
        with self.world.database.read() as connection:
            rows = [*connection.execute(select(CHANGE)), *connection.execute(select(TRASH))]
        said = json.dumps([[str(value) for value in row] for row in rows], ensure_ascii=False)
        return {name for name, value in VALUES.items() if value in said}


@pytest.fixture
def changed(database: Database, tmp_path: Path) -> Iterator[Changed]:
    """Its schema is changed."""
    customer = CUSTOMERS.files["customer"]
    former = {**customer, "properties": {**customer["properties"], **dict.fromkeys(VALUES, TEXT)}}
    files = {**CUSTOMERS.files, "customer": former}
    before = build(database, tmp_path, None, Pack(files, CUSTOMERS.roles, CUSTOMERS.policies))
    ids = [before.create("admin", "customer", {"name": name, **VALUES}) for name in "AB"]
    before.update("admin", "customer", ids[0], dict.fromkeys(VALUES, "x"))
    before.delete("admin", "customer", ids[1])
    model = _model({"nick": TEXT, "cell": {**TEXT, "x-renamed-from": "mobile"}})
    apply(before.database, model, ["drop_field:customer.fax"])
    store = KeyStore(f"sqlite:///{tmp_path / 'keys' / 'sealed.db'}", SECRET)
    records = Records(model, Tables(model), before.records.plugins, key_store=store)
    yield Changed(replace(before, model=model, records=records), *ids)
    store.close()


@pytest.mark.parametrize(
    ("fields", "left"), [(["cell"], {"nick"}), (["nick"], {"mobile"}), (["name"], {"mobile", "nick"})]
)
def test_what_is_erased_goes_by_whatever_name_it_had(changed: Changed, fields: list[str], left: set[str]) -> None:
    assert changed.kept() == VALUES.keys()

    # when
    with changed.world.database.begin() as connection:
        for id_ in (changed.id, changed.trashed):
            erase_values(changed.context(connection), "customer", id_, fields)

    # then nothing of a field that is gone is there: nobody says any more what it was about; and what stays stays
    assert changed.kept() == left
    with changed.world.database.read() as connection:
        assert verify(connection, ChainKeys("")).findings == ()


def test_a_renamed_field_has_its_former_values(changed: Changed) -> None:
    with changed.world.database.read() as connection:
        found = former_values(changed.context(connection), changed.id, ["cell"])

    assert found == [VALUES["mobile"], "x"]


def test_what_is_moved_away_goes_by_whatever_name_it_had_and_is_back_when_it_is(changed: Changed) -> None:
    # given one record alone
    with changed.world.database.begin() as connection:
        erase_values(changed.context(connection), "customer", changed.trashed)
    assert changed.kept() == VALUES.keys()

    # when
    with changed.world.database.begin() as connection:
        context = changed.context(connection)
        deposit = move_to_vault(context, SUBJECT, [], {("customer", changed.id): {"cell": None}})

    # then
    assert changed.kept() == {"nick"}

    # when
    with changed.world.database.begin() as connection:
        bring_back(changed.context(connection), deposit.id)

    # then
    assert changed.kept() == VALUES.keys()
    with changed.world.database.read() as connection:
        assert verify(connection, ChainKeys("")).findings == ()
