"""A relation to one record that becomes one to many keeps its values as links, and the other way round."""

from typing import Any

import pytest
from sqlalchemy import delete

from tests.storage.test_undo import data_of, no_drift, planned_back, undone
from tests.storage.worlds import add_rows, model_of_files, record_id, rows_of
from xrm_core.errors import SchemaChangeRefused
from xrm_core.metadata.model import Model
from xrm_core.storage.apply import apply, undo
from xrm_core.storage.engines import Database
from xrm_core.storage.plan import plan
from xrm_core.storage.tables import Tables

CONTACT = {"x-entity": "contact", "type": "object", "properties": {"name": {"type": "string"}}}


def world(name: str, **relation: Any) -> Model:
    more = relation.pop("more", {})
    members = {name: {"x-relation": {"to": "contact", "inverse": "projects", **relation}, **more}}
    return model_of_files(CONTACT, {"x-entity": "project", "type": "object", "properties": members})


ONE = world("member")
SAME = world("member", many=True, through="membership")
RENAMED = world("members", many=True, more={"x-renamed-from": "member"})


def given(database: Database) -> None:
    apply(database, ONE)
    add_rows(database, ONE, "contact", {"name": "A"}, {"name": "B"})
    add_rows(database, ONE, "project", {"member_id": record_id(1)}, {}, {"member_id": record_id(2)})


@pytest.mark.parametrize(("after", "links"), [(SAME, "membership"), (RENAMED, "project_member")])
def test_one_becomes_many_and_one_again(database: Database, after: Model, links: str) -> None:
    # Given records with a relation to one
    given(database)
    data = data_of(database, ONE)
    [relation] = after["project"].links
    # When it becomes a relation to many
    with database.read() as connection:
        found = {one.key: (one.risk, one.rows) for one in plan(connection, ONE, after).operations}
    assert found == {f"create_entity:{links}": ("safe", 0), f"change_type:project.{relation}": ("safe", 0)}
    apply(database, after)
    # Then each value is a link
    assert no_drift(database, after)
    assert rows_of(database, after, links, "project_id", "contact_id") == [
        (record_id(1), record_id(1)),
        (record_id(3), record_id(2)),
    ]
    # And going back it is a value again
    undone(database)
    assert no_drift(database, ONE)
    assert data_of(database, ONE) == data


def test_links_of_today_come_back_as_far_as_there_is_one(database: Database) -> None:
    given(database)
    apply(database, RENAMED)
    # When a link goes, one comes, and a record gets a second one
    links = Tables(RENAMED)["project_member"]
    with database.begin() as connection:
        connection.execute(delete(links).where(links.c.project_id == record_id(1)))
    add_rows(
        database,
        RENAMED,
        "project_member",
        {"id": 12, "project_id": record_id(2), "contact_id": record_id(1)},
        {"id": 13, "project_id": record_id(3), "contact_id": record_id(1)},
    )
    # Then the plan of the way back tells the record that has several
    [change] = [one for one in planned_back(database).operations if one.op == "change_type"]
    assert (change.key, change.risk, change.rows) == ("change_type:project.member", "lossy", 1)
    assert [sample["id"] for sample in change.samples] == [record_id(3)]
    with pytest.raises(SchemaChangeRefused):
        undo(database)
    undone(database)
    # And it keeps the one that it had
    assert rows_of(database, ONE, "project", "member_id") == [None, record_id(1), record_id(2)]


def test_links_that_must_have_more_than_the_value_are_blocked(database: Database) -> None:
    given(database)
    role: dict[str, Any] = {"attributes": {"role": {"type": "string"}}, "required": ["role"]}
    with pytest.raises(SchemaChangeRefused, match="The links must have role"):
        apply(database, world("members", many=True, more={"x-renamed-from": "member"}, **role))
    # With a default it can be done
    role["attributes"] = {"role": {"type": "string", "default": "guest"}}
    after = world("members", many=True, more={"x-renamed-from": "member"}, **role)
    apply(database, after)
    assert rows_of(database, after, "project_member", "role") == ["guest", "guest"]
