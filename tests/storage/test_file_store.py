"""Files whose field a change of the model has put aside stay, so that an undo has them."""

import datetime as dt
import io
import json

import pytest
from sqlalchemy import func, select

from xrm_core.metadata.loader import load_texts
from xrm_core.metadata.model import Model
from xrm_core.permissions.caller import system
from xrm_core.plugins import Plugins
from xrm_core.records.door import Records
from xrm_core.storage.applied import current_model
from xrm_core.storage.apply import apply, undo
from xrm_core.storage.contract import contract
from xrm_core.storage.engines import Database
from xrm_core.storage.file_tables import FILE
from xrm_core.storage.plan import plan
from xrm_core.storage.tables import Tables

LATER = dt.datetime.now(dt.UTC) + dt.timedelta(days=2)


def model(**entities: dict[str, object]) -> Model:
    return load_texts(
        [
            (f"{name}.json", json.dumps({"x-entity": name, "type": "object", "properties": properties}), "core")
            for name, properties in entities.items()
        ]
    )


NAME = {"type": "string"}
FULL = model(memo={"name": NAME, "scan": {"x-type": "file"}}, note={"name": NAME, "paper": {"x-type": "file"}})
WITHOUT = model(memo={"name": NAME})


def apply_all(database: Database, new: Model) -> None:
    with database.read() as connection:
        lossy = [
            each.key for each in plan(connection, current_model(connection), new).operations if each.risk == "lossy"
        ]
    apply(database, new, lossy)


def files(database: Database) -> int:
    with database.read() as connection:
        return connection.scalar(select(func.count()).select_from(FILE)) or 0


def test_files_of_what_is_put_aside_stay_until_it_goes(database: Database) -> None:
    # given a file in a field, and one of an entity
    apply(database, FULL)
    records, caller = Records(FULL, Tables(FULL), Plugins([])), system(FULL, "test")
    ids = []
    with database.begin() as connection:
        for entity, field in (("memo", "scan"), ("note", "paper")):
            file = records.files.store(connection, caller, "a.txt", "text/plain", io.BytesIO(b"text"))
            records.create(connection, caller, entity, {field: file.id})
            ids.append(file.id)
    # when both are dropped
    apply_all(database, WITHOUT)
    # then the clean-up leaves the files, and an undo finds them
    after = Records(WITHOUT, Tables(WITHOUT), Plugins([])).files
    assert after.clean(database, LATER) == 0
    undo(database)
    assert records.files.clean(database, LATER) == 0
    table = Tables(FULL)
    with database.read() as connection:
        assert connection.scalar(select(table["memo"].c.scan_id)) == ids[0]
        assert connection.scalar(select(table["note"].c.paper_id)) == ids[1]
    # and once what is put aside has gone, they go
    apply_all(database, WITHOUT)
    contract(database)
    assert (files(database), after.clean(database, LATER), files(database)) == (2, 2, 0)


@pytest.mark.parametrize("other", [{"type": "string"}, {"type": "string", "format": "uuid"}, {"type": "integer"}])
def test_a_file_does_not_become_something_else(database: Database, other: dict[str, object]) -> None:
    apply(database, model(memo={"name": NAME, "scan": {"x-type": "file"}}))
    with database.read() as connection:
        changes = plan(connection, current_model(connection), model(memo={"name": NAME, "scan": other})).operations
    assert [each.risk for each in changes if each.field == "scan"] == ["blocked"]
