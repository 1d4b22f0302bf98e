"""Sealed fields over GraphQL: written like any other, in nothing that is read, opened and destroyed by a plugin."""

from dataclasses import dataclass, field
from typing import Any

import pytest
from sqlalchemy import inspect, text

from xrm_core.api import Action, ActionContext, QueryContext, QueryField, Record, destroy_keys, hookimpl
from xrm_core.records import read_log
from xrm_core.testing import Setup, Xrm

TEXT: dict[str, Any] = {"type": "string"}
SECRET, OTHER = "Zöliakie seit 1999", "Kreuzallergie 2001"
FILES = {
    "user": {
        "x-entity": "user",
        "type": "object",
        "required": ["name", "email"],
        "properties": {
            "name": TEXT,
            "email": {**TEXT, "format": "email", "x-unique": True},
            "active": {"type": "boolean", "default": True},
        },
    },
    "person": {
        "x-entity": "person",
        "type": "object",
        "properties": {
            "name": {**TEXT, "x-unique": True},
            "faith": {**TEXT, "enum": ["none", "lutheran"], "x-sealed": {}},
            "born": {**TEXT, "format": "date", "x-sealed": {}},
            "health": {**TEXT, "x-sealed": {"class": "art9", "blind": {"bits": 20, "form": "folded"}}},
        },
    },
}
CREATE = "mutation($name: String!, $health: String) { createPerson(input: {name: $name, health: $health}) { id } }"
UPDATE = "mutation($id: ID!, $health: String) { updatePerson(id: $id, input: {health: $health}) { id } }"
OPENED = "query($id: String!) { careOpened(id: $id) { text destroyed } }"
KEY = {"Idempotency-Key": "8e03978e-40d5-43e8-bc93-6894a57f9324"}


@dataclass
class Which:
    """A person, or a value."""

    id: str | None = None
    health: str | None = None


@dataclass
class Answer:
    """What is in the field, or who has a value."""

    text: str | None = None
    destroyed: bool = False
    ids: list[str] = field(default_factory=list)


class Plugin:
    """Opens, finds and destroys."""

    @hookimpl
    def register_query_fields(self) -> list[QueryField]:
        return [QueryField("care.opened", _opened, input=Which, answers=Answer)]

    @hookimpl
    def register_actions(self) -> list[Action]:
        return [Action("care.forget", _forget, entity="person")]


def _opened(context: QueryContext, given: Which) -> Answer:
    if given.health is not None:
        return Answer(ids=context.find_sealed("person", "health", given.health))
    found = context.open_sealed("person", given.id or "", ["health"])["health"]
    return Answer(found.text, found.destroyed)


def _forget(context: ActionContext, person: Record) -> None:
    destroy_keys(context.connection, str(person["id"]), ["art9"])


@pytest.fixture(scope="session")
def xrm_setup() -> Setup:
    return Setup(
        {"care": Plugin()},
        pack=None,
        files=FILES,
        roles={"roles": {"admin": {}, "nurse": {}}},
        policies=[
            "admin,*,*,*,,allow",
            "nurse,person,read,*,,allow",
            "nurse,xrm_sealed,read,*,,allow",
            "nurse,care.opened,run,*,,allow",
        ],
    )


def _everything(xrm: Xrm) -> str:
    found: list[str] = []
    with xrm.database.read() as connection:
        for name in inspect(connection).get_table_names():
            for row in connection.execute(text(f'SELECT * FROM "{name}"')):
                found += [
                    bytes(each).decode("latin-1") if isinstance(each, bytes | memoryview) else str(each) for each in row
                ]
    return "\n".join(found)


def test_it_is_in_nothing_that_is_read_for_nobody(xrm: Xrm) -> None:
    for role in ("admin", "nurse"):
        client = xrm.as_role(role)
        types = client.query(
            "{ __schema { types { name kind fields { name } inputFields { name } enumValues { name } } } }"
        )
        having = {
            each["name"]
            for each in types["__schema"]["types"]
            for part in ("fields", "inputFields", "enumValues")
            if "health" in [entry["name"].lower() for entry in each[part] or ()]
        }
        written = {name for name in having if "Person" in name}
        assert all("Input" in name or "Create" in name or "Update" in name for name in written), written
        assert bool(written) == (role == "admin")
        for document in (
            "{ persons { nodes { health } } }",
            '{ persons(where: {health: {eq: "a"}}) { totalCount } }',
            "{ persons(orderBy: [{health: ASC}]) { totalCount } }",
            "{ personsAggregate(groupBy: [{health: VALUE}]) { count } }",
        ):
            client.refused(document, "BAD_QUERY")
            client.query(document.replace("health", "name"))  # which shows that it could be


def test_it_is_written_opened_found_and_destroyed(xrm: Xrm) -> None:
    # given
    admin, nurse = xrm.as_role("admin"), xrm.as_role("nurse")
    first, again = (
        admin.post(CREATE, headers=KEY, name="Anna", health=SECRET).json()["data"]["createPerson"] for _ in range(2)
    )
    assert first == again
    anna = first["id"]
    ben = admin.query(CREATE, name="Ben", health=OTHER)["createPerson"]["id"]
    assert nurse.query(OPENED, id=anna)["careOpened"] == {"text": SECRET, "destroyed": False}

    # when
    admin.query(UPDATE, id=ben, health=SECRET)
    found = nurse.query("query($t: String!) { careOpened(health: $t) { ids } }", t="zöliakie  SEIT 1999")

    # then
    assert found["careOpened"]["ids"] == sorted([anna, ben])
    assert admin.post(OPENED, id=anna).json()["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    stored = _everything(xrm)
    assert "Anna" in stored
    for form in (SECRET, OTHER, "liakie", "Kreuz"):
        assert form not in stored

    # when its key is destroyed by a job, after the commit
    admin.query("mutation($id: ID!) { forgetPerson(id: $id) { id } }", id=anna)
    assert nurse.query(OPENED, id=anna)["careOpened"]["text"] == SECRET
    xrm.work()

    # then
    assert nurse.query(OPENED, id=anna)["careOpened"] == {"text": None, "destroyed": True}
    assert nurse.query(OPENED, id=ben)["careOpened"]["text"] == SECRET
    assert admin.refused(UPDATE, "SEALED_KEY_DESTROYED", id=anna, health="again")


def test_other_types_are_written_as_what_they_are(xrm: Xrm) -> None:
    # given a choice by a variable of its own type, and a date
    admin = xrm.as_role("admin")
    document = """mutation($f: PersonFaith, $b: Date) {
      createPerson(input: {name: "Cora", faith: $f, born: $b}) { id } }"""
    cora = admin.query(document, f="lutheran", b="1999-01-02")["createPerson"]["id"]

    # then it is checked, and kept sealed
    assert "1999-01-02" not in _everything(xrm)
    stored = xrm.get("person", cora) or {}
    assert all(str(stored[name]).startswith("xs1.") for name in ("faith", "born"))
    admin.query("mutation($id: ID!) { updatePerson(id: $id, input: {faith: none}) { id } }", id=cora)
    for wrong in ("jedi", '"none"'):
        answer = admin.post(f"mutation {{ createPerson(input: {{faith: {wrong}}}) {{ id }} }}").json()
        assert answer["errors"][0]["extensions"]["code"] == "BAD_QUERY"
    assert "Cannot query field" in admin.post("{ people { nodes { faith } } }").json()["errors"][0]["message"]


def test_each_opening_is_in_the_log_of_reads(xrm: Xrm) -> None:
    # given
    anna = xrm.create("person", name="Anna", health=SECRET)
    nurse = xrm.as_role("nurse")

    # when
    nurse.query(OPENED, id=anna)

    # then
    with xrm.database.read() as connection:
        [line] = read_log.logged(connection, record_id=anna)
    assert (line.entity, line.fields, line.user_id) == ("person", ("health",), nurse.user_id)


def test_no_document_that_anybody_may_ask_has_it_in_clear_or_sealed(xrm: Xrm) -> None:
    # given what was created, changed, deleted and brought back, and a record in the trash
    admin = xrm.as_role("admin")
    ids = [admin.query(CREATE, name=name, health=SECRET)["createPerson"]["id"] for name in ("Anna", "Ben")]
    for id_ in ids:
        admin.query(UPDATE, id=id_, health=OTHER)
    admin.query("mutation($id: ID!) { deletePerson(id: $id) { id } }", id=ids[1])
    types = {each["name"]: each for each in admin.query(TYPES)["__schema"]["types"]}
    documents = [
        f"{{ {each['name']}{selected} }}"
        for each in types["Query"]["fields"]
        if not each["name"].startswith("care") and (selected := _selected(types, each, 6)) is not None
    ]

    # when all of it is asked for that needs no arguments, of records, their history, the trash and the log
    answers = [admin.post(document).text for document in documents]

    # then
    assert len(documents) > 5
    assert any("Anna" in each for each in answers)
    for answer in answers:
        for form in ("xs1.", SECRET, OTHER, "Z\\u00f6liakie"):
            assert form not in answer


TYPES = """{ __schema { types { name fields { name args { type { kind } defaultValue }
  type { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name } } } } } } } } }"""


def _selected(types: dict[str, Any], offered: dict[str, Any], depth: int) -> str | None:
    """All that can be selected in a field without arguments; None: it cannot be asked, or has nothing."""
    if any(each["type"]["kind"] == "NON_NULL" and each["defaultValue"] is None for each in offered["args"]):
        return None
    found = offered["type"]
    while found["ofType"] is not None if "ofType" in found else False:
        found = found["ofType"]
    if found["kind"] in ("SCALAR", "ENUM"):
        return ""
    fields = types[found["name"]]["fields"] if found["kind"] == "OBJECT" and depth else None
    parts = [(each["name"], _selected(types, each, depth - 1)) for each in fields or ()]
    inner = " ".join(f"{name}{part}" for name, part in parts if part is not None)
    return f" {{ {inner} }}" if inner else None
