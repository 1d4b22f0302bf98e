"""Records that are created together with another: each as if it were alone, all or none."""

from collections.abc import Mapping
from typing import Any

import pytest
from sqlalchemy import select

from tests.records.conftest import wipe
from tests.records.kit import Pack, World, build
from tests.records.test_bulk import codes
from xrm_core.api import hookimpl
from xrm_core.changes.reading import logged
from xrm_core.errors import Forbidden, QueryTooLarge, Refuse, RefusedByPlugin, ValidationFailed
from xrm_core.records.bulk import BulkRefused, Outcome
from xrm_core.records.nested_input import MOST, MOST_DEEP
from xrm_core.storage.engines import Database

TEXT = {"type": "string", "maxLength": 20}


def relation(to: Any, inverse: str, **more: Any) -> dict[str, Any]:
    return {"x-relation": {"to": to, "inverse": inverse, "on_delete": "cascade"}, **more}


FILES: dict[str, dict[str, Any]] = {
    "user": {"properties": {"name": TEXT}},
    "customer": {
        "required": ["name"],
        "properties": {
            "name": TEXT,
            "number": {**TEXT, "x-unique": True},
            "owner": relation("user", "customers", default="$user"),
            "parent": relation("customer", "children"),
        },
    },
    "contact": {
        "required": ["last_name", "customer"],
        "properties": {
            "last_name": TEXT,
            "email": {**TEXT, "format": "email", "x-unique": True},
            "level": {"type": "integer", "default": 3},
            "customer": relation("customer", "contacts"),
        },
    },
    "activity": {
        "required": ["subject"],
        "properties": {"subject": TEXT, "regarding": relation(["customer", "contact"], "activities")},
    },
    "project": {
        "properties": {
            "name": TEXT,
            "customer": relation("customer", "projects"),
            "members": {
                "x-relation": {"to": "contact", "many": True, "inverse": "projects", "attributes": {"role": TEXT}}
            },
        }
    },
}
ROLES = {
    "roles": {"admin": {}, "rep": {}, "social": {}, "blind": {}},
    "rules": {
        "own": {"owner": {"id": {"eq": "$user"}}},
        "of_own": {"customer": {"owner": {"id": {"eq": "$user"}}}},
        "reached": {"contacts": {"some": {"email": {"isNull": False}}}},
    },
}
POLICIES = """role,entity,action,fields,rule,effect
admin,*,*,*,,allow
rep,user,read,*,,allow
rep,customer,*,*,own,allow
rep,contact,read,*,of_own,allow
rep,contact,create,last_name customer,of_own,allow
social,customer,read,*,,allow
social,customer,create,*,reached,allow
social,contact,*,*,,allow
blind,customer,create,*,,allow
blind,contact,*,*,,allow
"""


class Listening:
    """Refuses what is called «refused», and remembers what it was asked about."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, Any]] = []

    @hookimpl
    def before_record_create(self, entity: str, record: Mapping[str, Any]) -> dict[str, Any]:
        self.asked.append((entity, record.get("customer") or record.get("regarding")))
        if record.get("last_name") == "refused":
            raise Refuse("not this one", field="last_name")
        return {"subject": record["subject"].upper()} if entity == "activity" else {}


PLUGIN = Listening()


@pytest.fixture(scope="module")
def made(database_of_module: Database, tmp_path_factory: pytest.TempPathFactory) -> World:
    return build(database_of_module, tmp_path_factory.mktemp("world"), PLUGIN, Pack(FILES, ROLES, POLICIES))


@pytest.fixture
def nest(made: World) -> World:
    PLUGIN.asked.clear()
    return wipe(made)


def bulk(world: World, role: str, rows: list[dict[str, Any]], *, skip: bool = False) -> Outcome:
    with world.database.begin() as connection:
        return world.records.create_bulk(connection, world.caller(role), "customer", rows, skip=skip)


def rows(world: World, entity: str, *names: str) -> list[tuple[Any, ...]]:
    table = world.records.tables[entity]
    with world.database.read() as connection:
        return [
            tuple(row) for row in connection.execute(select(*(table.c[name] for name in names)).order_by(table.c.id))
        ]


def problems(error: ValidationFailed) -> list[tuple[str, str]]:
    return [(each["field"], each["rule"]) for each in error.problems]


WHOLE = {
    "name": "A",
    "owner": {"create": {"name": "Zoe"}},
    "parent": {"create": {"name": "Holding", "activities": {"create": [{"subject": "found"}]}}},
    "contacts": {
        "create": [
            {"last_name": "Ada", "activities": {"create": [{"subject": "call"}, {"subject": "mail"}]}},
            {"last_name": "Bob", "email": "bob@example.com"},
        ]
    },
    "activities": {"create": [{"subject": "visit"}]},
    "projects": {
        "create": [
            {
                "name": "P",
                "members": {
                    "create": [{"record": {"last_name": "Cid", "customer": {"create": {"name": "B"}}}, "role": "lead"}]
                },
            }
        ]
    },
}


def test_a_whole_tree_is_created_each_record_as_if_alone(nest: World) -> None:
    id_ = nest.create("admin", "customer", WHOLE)
    anna = nest.users["anna"]
    [zoe] = [user for user, name in rows(nest, "user", "id", "name") if name == "Zoe"]
    customers = {
        name: (of, owner, parent)
        for of, name, owner, parent in rows(nest, "customer", "id", "name", "owner_id", "parent_id")
    }
    assert customers["A"] == (id_, zoe, customers["Holding"][0])
    assert customers["Holding"][1:] == customers["B"][1:] == (anna, None)  # by their own default
    contacts = {
        name: (of, customer, level)
        for of, name, customer, level in rows(nest, "contact", "id", "last_name", "customer_id", "level")
    }
    assert contacts["Ada"][1:] == contacts["Bob"][1:] == (id_, 3)
    assert contacts["Cid"][1] == customers["B"][0]
    [(project, of)] = rows(nest, "project", "id", "customer_id")
    assert of == id_
    assert rows(nest, "project_member", "project_id", "contact_id", "role") == [(project, contacts["Cid"][0], "lead")]
    done = rows(nest, "activity", "subject", "regarding_customer_id", "regarding_contact_id")
    assert sorted(done, key=str) == sorted(
        [
            ("FOUND", customers["Holding"][0], None),
            ("CALL", None, contacts["Ada"][0]),
            ("MAIL", None, contacts["Ada"][0]),
            ("VISIT", id_, None),
        ],
        key=str,
    )  # what the hook makes of them
    with nest.database.read() as connection:
        found = [each for each in logged(connection) if each.record_id not in nest.users.values()]
    assert sorted(each.entity for each in found) == sorted(
        ["user", *["customer"] * 3, *["contact"] * 3, *["activity"] * 4, "project", "project_member"]
    )
    assert {(each.operation, each.version) for each in found} == {("create", 1)}
    assert ("contact", id_) in PLUGIN.asked


def test_all_problems_are_told_at_once_with_their_places(nest: World) -> None:
    before = nest.state()
    with pytest.raises(ValidationFailed) as refused:
        nest.create(
            "admin",
            "customer",
            {
                "name": "A" * 21,
                "owner": {"create": {"name": "B" * 21}},
                "contacts": {
                    "create": [
                        {"last_name": "Ada"},
                        {"email": "no", "activities": {"create": [{"subject": "x"}, {}]}},
                    ]
                },
                "projects": {"create": [{"members": {"create": [{"record": {"last_name": "C"}}]}}]},
            },
        )
    assert problems(refused.value) == [
        ("name", "maxLength"),
        ("owner.create.name", "maxLength"),
        ("contacts.create.1.last_name", "required"),
        ("contacts.create.1.email", "format"),
        ("contacts.create.1.activities.create.1.subject", "required"),
        ("projects.create.0.members.create.0.record.customer", "required"),
    ]
    assert nest.state() == before


def test_what_only_the_database_finds_has_its_place_too(nest: World) -> None:
    nest.create(
        "admin", "customer", {"name": "A", "contacts": {"create": [{"last_name": "A", "email": "a@example.com"}]}}
    )
    before = nest.state()
    contacts = [{"last_name": name, "email": f"{name}@example.com"} for name in "bac"]
    with pytest.raises(ValidationFailed) as refused:
        nest.create("admin", "customer", {"name": "B", "contacts": {"create": contacts}})
    assert problems(refused.value) == [("contacts.create.1.email", "unique")]
    deep = {"name": "C", "children": {"create": [{"name": "D"}, {"name": "E", "contacts": {"create": contacts}}]}}
    with pytest.raises(ValidationFailed) as refused:
        nest.create("admin", "customer", deep)
    assert problems(refused.value) == [("children.create.1.contacts.create.1.email", "unique")]
    with pytest.raises(ValidationFailed) as refused:
        nest.create("rep", "customer", {"name": "F", "children": {"create": [{"name": "G", "owner": before[:8]}]}})
    assert problems(refused.value)[0][0] == "children.create.0.owner"
    assert nest.state() == before


def test_what_is_wrong_far_below_is_not_looked_for_at_each_level(nest: World) -> None:
    numbers = (str(number) for number in range(2**MOST_DEEP))

    def tree(levels: int) -> dict[str, Any]:
        if not levels:
            return {"name": "x", "number": next(numbers)}
        return {"name": "x", "children": {"create": [tree(levels - 1), tree(levels - 1)]}}

    for number in range(2**MOST_DEEP):
        nest.create("admin", "customer", {"name": "there", "number": str(number)})
    PLUGIN.asked.clear()
    with pytest.raises(ValidationFailed) as refused:
        nest.create("admin", "customer", tree(MOST_DEEP))
    assert len(problems(refused.value)) == 2**MOST_DEEP
    assert len(PLUGIN.asked) == 2 ** (MOST_DEEP + 1) - 1  # each once


def test_each_needs_its_own_right(nest: World) -> None:
    before = nest.state()
    for values, path in (
        ({"activities": {"create": [{"subject": "x"}]}}, ["activities", "create", 0]),
        ({"owner": {"create": {"name": "x"}}}, ["owner", "create"]),
        (
            {"contacts": {"create": [{"last_name": "x"}, {"last_name": "x", "email": "x@example.com"}]}},
            ["contacts", "create", 1],
        ),
        ({"children": {"create": [{"name": "x", "owner": nest.users["ben"]}]}}, ["children", "create", 0]),
        ({"owner": nest.users["ben"], "contacts": {"create": [{"last_name": "x"}]}}, None),
    ):
        with pytest.raises((Forbidden, ValidationFailed)) as refused:
            nest.create("rep", "customer", {"name": "A", **values})
        if path is not None:
            assert refused.value.details["path"] == path
        assert nest.state() == before
    with pytest.raises(ValidationFailed) as unseen:  # what cannot be seen cannot be referred to, not even if it is new
        nest.create("blind", "customer", {"name": "A", "contacts": {"create": [{"last_name": "x"}]}})
    assert problems(unseen.value) == [("contacts.create.0.customer", "relation")]
    assert nest.state() == before
    nest.create("rep", "customer", {"name": "A", "contacts": {"create": [{"last_name": "x"}]}})


def test_a_rule_may_be_about_what_is_created_with_a_record(nest: World) -> None:
    with pytest.raises(Forbidden):
        nest.create("social", "customer", {"name": "A", "contacts": {"create": [{"last_name": "x"}]}})
    reached = [{"last_name": "x", "email": "x@example.com"}]
    assert nest.create("social", "customer", {"name": "A", "contacts": {"create": reached}})


def test_a_hook_refuses_all_of_them(nest: World) -> None:
    before = nest.state()
    with pytest.raises(RefusedByPlugin) as refused:
        nest.create(
            "admin", "customer", {"name": "A", "contacts": {"create": [{"last_name": "x"}, {"last_name": "refused"}]}}
        )
    assert refused.value.details["path"] == ["contacts", "create", 1]
    assert nest.state() == before


def test_they_are_so_many_and_so_deep_at_most(nest: World) -> None:
    deep: dict[str, Any] = {"name": "last"}
    for _ in range(MOST_DEEP):
        deep = {"name": "x", "children": {"create": [deep]}}
    nest.create("admin", "customer", deep)
    before = nest.state()
    with pytest.raises(QueryTooLarge):
        nest.create("admin", "customer", {"name": "x", "children": {"create": [deep]}})
    many = [{"last_name": "x"}] * MOST
    with pytest.raises(QueryTooLarge):
        nest.create("admin", "customer", {"name": "x", "contacts": {"create": many}})
    with pytest.raises(QueryTooLarge):
        bulk(nest, "admin", [{"name": "x", "contacts": {"create": many[: MOST // 2]}}] * 2, skip=True)
    assert nest.state() == before


def test_many_with_what_stands_in_them(nest: World) -> None:
    given = [
        {"name": "A", "contacts": {"create": [{"last_name": "x"}, {"last_name": "y", "email": "y@example.com"}]}},
        {"name": "B", "contacts": {"create": [{"last_name": "x"}, {}]}},
        {"name": "C", "contacts": {"create": [{"last_name": "x"}, {"last_name": "y", "email": "y@example.com"}]}},
        {"name": "D"},
    ]
    before = nest.state()
    with pytest.raises(BulkRefused) as refused:
        bulk(nest, "admin", given)
    [first, second] = refused.value.details["errors"]
    assert (first["index"], first["details"]["problems"][0]["field"]) == (1, "contacts.create.1.last_name")
    assert (second["index"], second["details"]["problems"][0]["field"]) == (2, "contacts.create.1.email")
    assert nest.state() == before
    outcome = bulk(nest, "admin", given, skip=True)
    assert codes(outcome) == dict.fromkeys((1, 2), "VALIDATION_FAILED")
    contacts = rows(nest, "contact", "customer_id")
    assert contacts == [(outcome.ids[0],)] * 2
    assert len(rows(nest, "customer", "id")) == 2


OTHER_FORMS: list[dict[str, Any]] = [
    {"contacts": [{"last_name": "x"}]},
    {"contacts": {"create": {"last_name": "x"}}},
    {"contacts": {"create": ["x"]}},
    {"contacts": {"connect": []}},
    {"contacts": {}},
    {"owner": {"create": "x"}},
    {"owner": {"create": [{"name": "x"}]}},
]


def test_another_form_is_refused(nest: World) -> None:
    for values in OTHER_FORMS:
        with pytest.raises(ValidationFailed) as refused:
            nest.create("admin", "customer", {"name": "A", **values})
        assert (next(iter(values)), "create") in problems(refused.value)
    assert rows(nest, "customer", "id") == []


def test_nothing_is_created_with_a_change(nest: World) -> None:
    id_ = nest.create("admin", "customer", {"name": "A", "contacts": None})
    for values in ({"contacts": {"create": [{"last_name": "x"}]}}, {"owner": {"create": {"name": "x"}}}):
        with pytest.raises((Forbidden, ValidationFailed)):
            nest.update("admin", "customer", id_, values)
