"""Policy sets in the database: put in force, told apart, taken back; on both databases."""

import json
import threading
import time
from contextlib import closing

import pytest
from sqlalchemy import delete, update

from xrm_core.errors import Busy, PermissionsChanged, PermissionsRefused, PolicyInvalid, VersionConflict
from xrm_core.metadata.loader import load_texts
from xrm_core.permissions.differences import differences
from xrm_core.permissions.fitting import put_along, put_first
from xrm_core.permissions.in_force import apply_set, in_force, plan_set, undo_set
from xrm_core.permissions.policy import parse_files
from xrm_core.permissions.policy_files import digest
from xrm_core.storage import policy_sets as sets
from xrm_core.storage.apply import apply
from xrm_core.storage.engines import Database
from xrm_core.storage.policy_sets import POLICY_SET, policy_sets, require_current

FIELDS = {"name": {"type": "string"}, "note": {"type": "string"}, "rank": {"type": "integer"}}
MODEL = load_texts([("firm.json", json.dumps({"x-entity": "firm", "type": "object", "properties": FIELDS}), "core")])
HEAD = "role,entity,action,fields,rule,effect\n"
RULES = {"good": {"rank": {"gt": 5}}}


def files(*rows: str, roles: str = "a b", rules: object = RULES, **inherits: list[str]) -> dict[str, str]:
    """The two texts of a set."""
    named = {name: {"inherits": inherits.get(name, [])} for name in roles.split()}
    return {
        "roles.json": json.dumps({"roles": named, "rules": rules}),
        "policies.csv": HEAD + "".join(f"{row}\n" for row in rows),
    }


ONE = files("a,firm,read,name,,allow")
TWO = files("a,firm,read,name note,,allow")
THREE = files("b,firm,*,*,,allow")


@pytest.fixture
def firms(database: Database) -> Database:
    """A database with the model and no policies."""
    apply(database, MODEL)
    return database


def rows_in_force(database: Database) -> list[str]:
    with database.read() as connection:
        return in_force(connection, MODEL).files["policies.csv"].splitlines()[1:]


def test_the_newest_counts_and_undo_walks_back(firms: Database) -> None:
    for number, each in enumerate((ONE, TWO, THREE), 1):
        assert apply_set(firms, each, note=f"no. {number}").number == number
    assert rows_in_force(firms) == ["b,firm,*,*,,allow"]

    # the same again is no version
    assert apply_set(firms, THREE).is_empty

    assert undo_set(firms).number == 4
    assert rows_in_force(firms) == ["a,firm,read,name note,,allow"]
    assert undo_set(firms).number == 5
    assert rows_in_force(firms) == ["a,firm,read,name,,allow"]
    with pytest.raises(PermissionsRefused):
        undo_set(firms)

    # another change goes on from there, and can be taken back
    apply_set(firms, THREE)
    undo_set(firms)
    assert rows_in_force(firms) == ["a,firm,read,name,,allow"]
    with firms.read() as connection:
        found = [(each.number, each.reverts, each.note) for each in policy_sets(connection)]
    assert found[:4] == [(1, None, "no. 1"), (2, None, "no. 2"), (3, None, "no. 3"), (4, 3, "")]
    assert found[4:] == [(5, 2, ""), (6, None, ""), (7, 6, "")]


def test_who_has_read_another_version_is_refused(firms: Database) -> None:
    apply_set(firms, ONE, version=0)
    apply_set(firms, TWO, version=1)
    with pytest.raises(VersionConflict) as refused:
        apply_set(firms, THREE, version=1)
    assert refused.value.details == {"currentVersion": 2}
    assert rows_in_force(firms) == ["a,firm,read,name note,,allow"]


BAD = {
    "an effect that Casbin would take for allow": files("a,firm,read,*,,Deny"),
    "an effect of an object that is no entity": files("a,xrm_permissions,read,*,,Deny"),
    "a line that Casbin would drop": files("\u200ba,firm,read,*,,allow"),
    "a second policy in a line break": files('a,firm,read,"name\na,firm,*,*,,allow",,allow'),
    "a role with a comma": {**ONE, "roles.json": json.dumps({"roles": {"a": {}, "b,c": {}}})},
    "a role like a user": {**ONE, "roles.json": json.dumps({"roles": {"a": {}, "u:1": {}}})},
    "a prefix of entities": files("a,fir*,read,*,,allow"),
    "a path": files("a,firm/../user,read,*,,allow"),
    "a rule to be evaluated": files("a,firm,read,*,eval(1),allow"),
    "no policies": {"roles.json": ONE["roles.json"]},
    "another file": {**ONE, "model.conf": "[matchers]\nm = true"},
    "a NUL": {**ONE, "policies.csv": ONE["policies.csv"] + "\0"},
    "half of a pair": {**ONE, "policies.csv": ONE["policies.csv"] + "\ud800"},
    "no JSON": {**ONE, "roles.json": "{"},
    "nested too deep": {**ONE, "roles.json": '{"a":' * 100_000},
    "fields of a permission object": files("a,xrm_permissions,read,name,,allow"),
    "records of a permission object": files("a,xrm_permissions,read,*,good,allow"),
    "an action that a permission object has not": files("a,xrm_permissions,delete,*,,allow"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_set_with_a_mistake_is_refused_and_the_former_stays(sqlite_url: str, case: str) -> None:
    with closing(Database(sqlite_url)) as database:
        apply(database, MODEL)
        apply_set(database, ONE)
        for refused in (plan_set, apply_set):
            with pytest.raises(PolicyInvalid):
                refused(database, BAD[case])
        assert rows_in_force(database) == ["a,firm,read,name,,allow"]


def test_without_a_set_or_with_a_damaged_one_there_is_none(firms: Database) -> None:
    with firms.read() as connection, pytest.raises(PolicyInvalid, match="nobody may do anything"):
        in_force(connection, MODEL)
    apply_set(firms, ONE)
    for change in ({"files": "{"}, {"files": "[]"}, {"files": '{"a": 1}'}, {"files": json.dumps(TWO)}):
        with firms.begin() as connection:
            connection.execute(update(POLICY_SET).values(change))
        with firms.read() as connection, pytest.raises(PolicyInvalid):
            in_force(connection, MODEL)

    # and it can be replaced
    apply_set(firms, THREE)
    assert rows_in_force(firms) == ["b,firm,*,*,,allow"]


def test_a_write_goes_on_under_its_policies_only(firms: Database) -> None:
    apply_set(firms, ONE)
    with firms.read() as connection:
        digest = in_force(connection, MODEL).version
    with firms.begin() as connection:
        require_current(connection, MODEL, digest)
    apply_set(firms, TWO)
    with firms.begin() as connection, pytest.raises(PermissionsChanged):
        require_current(connection, MODEL, digest)
    with firms.begin() as connection:
        connection.execute(delete(POLICY_SET))
        with pytest.raises(PermissionsChanged):
            require_current(connection, MODEL, digest)


def test_a_change_waits_for_writes_under_the_former_policies(firms: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was authorised is done before the change is, or not at all: never after it."""
    held = apply_set(firms, ONE).after.version
    ends: list[str] = []

    def change() -> None:
        apply_set(firms, TWO)
        ends.append("change")

    with firms.begin() as connection:
        require_current(connection, MODEL, held)
        changing = threading.Thread(target=change, daemon=True)
        changing.start()
        time.sleep(0.6)
        require_current(connection, MODEL, held)
        ends.append("write")
    changing.join()
    assert ends == ["write", "change"]

    # one that never ends is told, and nothing is changed
    monkeypatch.setattr(sets, "_PATIENCE_SECONDS", 0.0)
    monkeypatch.setattr("xrm_core.storage.one_writer.WAIT_SECONDS", 0.2)
    with firms.begin() as connection:
        require_current(connection, MODEL, digest(TWO))
        with pytest.raises(Busy):
            apply_set(firms, THREE)
    assert rows_in_force(firms) == ["a,firm,read,name note,,allow"]


def told(before: dict[str, str] | None, after: dict[str, str]) -> set[str]:
    old = None if before is None else parse_files(before, MODEL)
    return {each.text for each in differences(MODEL, old, parse_files(after, MODEL)) if each.subject == "right"}


SYSTEM = "created_at, created_by, id, name, note, rank and 3 more"


def test_a_plan_says_what_each_role_gains_and_loses() -> None:
    assert told(None, ONE) == {"a gains read on firm: id, name."}
    assert told(ONE, TWO) == {"a gains read on firm: note."}
    assert told(TWO, ONE) == {"a loses read on firm: note."}
    assert told(ONE, files()) == {"a loses read on firm: id, name."}
    # by inheritance
    assert told(files("a,firm,read,name,,allow"), files("a,firm,read,name,,allow", b=["a"])) == {
        "b gains read on firm: id, name."
    }
    # by rules
    ruled = files("a,firm,read,name,good,allow")
    assert told(ONE, ruled) == {"a changes read on firm, which is for other records now."}
    worse = files("a,firm,read,name,good,allow", rules={"good": {"rank": {"gt": 1}}})
    assert told(ruled, worse) == {"a changes read on firm, which is for other records now."}
    mixed = files("a,firm,read,name note,good,allow", "a,firm,read,name,,allow")
    both = files("a,firm,read,name note,,allow")
    assert told(both, mixed) == {"a changes read on firm, where other records show note now."}
    # by what takes away
    assert told(TWO, files("a,firm,read,name note,,allow", "a,firm,read,note,,deny")) == {"a loses read on firm: note."}
    # what is no entity
    assert told(ONE, files("a,firm,read,name,,allow", "b,xrm_permissions,update,*,,allow")) == {
        "b gains update on xrm_permissions."
    }
    assert told(ONE, files("a,firm,read,name,,allow", "b,sales.win,run,*,,allow")) == {"b gains run on sales.win."}
    every = files("a,firm,read,name,,allow", "b,*,run,*,,allow")
    assert told(ONE, every) == {"b gains run on all other actions of plugins."}
    assert told(every, files("a,firm,read,name,,allow", "b,*,run,*,,allow", "b,sales.win,run,*,,deny")) == {
        "b loses run on sales.win."
    }
    # nothing where only the words are others
    assert told(files("a,firm,read,*,,allow"), files("a,*,read,*,,allow")) == {
        "a gains read on xrm_schema.",
        "a gains read on xrm_permissions.",
        "a gains read on xrm_view_as.",
        "a gains read on xrm_log.",
        "a gains read on xrm_scim.",
        "a gains read on xrm_users.",
        "a gains read on xrm_jobs.",
        "a gains read on xrm_messages.",
        "a gains read on xrm_workflows.",
        "a gains read on xrm_webhooks.",
    }


def test_a_plan_names_roles_rules_and_policies() -> None:
    after = files("b,firm,read,name,fine,allow", roles="b c", rules={"fine": {"rank": {"gt": 5}}})
    found = differences(MODEL, parse_files(ONE, MODEL), parse_files(after, MODEL))
    assert [each.text for each in found if each.subject != "right"] == [
        "The role a goes: who has it can do nothing by it any more.",
        "The role c is new.",
        "The rule fine is new.",
        "The rule good goes.",
        "- a,firm,read,name,,allow",
        "+ b,firm,read,name,fine,allow",
    ]


def test_the_policies_of_a_pack_are_put_in_force_if_they_are_others(firms: Database) -> None:
    one, two = parse_files(ONE, MODEL), parse_files(TWO, MODEL)
    with firms.begin() as connection:
        put_first(connection, one)
        put_first(connection, two)
        put_along(connection, one, note="the same")
        put_along(connection, two, note="others")
        put_first(connection, None)
        assert [(each.number, each.note) for each in policy_sets(connection)] == [
            (1, "the first of this database"),
            (2, "others"),
        ]
