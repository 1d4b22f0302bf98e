"""Plans and changes of many-to-many relations and relationships: tables come and go like those of entities."""

import json
from typing import Any

from xrm_core.metadata.loader import load_texts
from xrm_core.metadata.model import Model
from xrm_core.storage.apply import apply
from xrm_core.storage.drift import drift
from xrm_core.storage.engines import Database
from xrm_core.storage.plan import plan

TEXT = {"type": "string"}
MEMBERS = {"x-relation": {"to": "person", "many": True, "inverse": "teams", "attributes": {"role": TEXT}}}
LEADS = {"x-relationship": "leads", "x-pairs": [{"from": "person", "to": "team"}]}


def model(*, team: dict[str, Any] | None = None, leads: dict[str, Any] | None = None, name: str = "team") -> Model:
    files: list[dict[str, Any]] = [
        {"x-entity": "person", "properties": {"name": TEXT}},
        {"x-entity": name, "properties": {"name": TEXT, **(team or {})}, **({} if name == "team" else RENAMED)},
    ]
    files += [] if leads is None else [leads]
    return load_texts(
        [(f"{number}.json", json.dumps({"type": "object", **file}), "core") for number, file in enumerate(files)]
    )


RENAMED = {"x-renamed-from": "team"}


def texts(database: Database, old: Model | None, new: Model) -> list[str]:
    with database.read() as connection:
        return [operation.text for operation in plan(connection, old, new).operations]


def change(database: Database, new: Model, accept: list[str] | None = None) -> None:
    apply(database, new, accept or [])
    with database.read() as connection:
        assert list(drift(connection, new)) == []


def test_plans_say_which_relation_the_links_are_of(database: Database) -> None:
    plain, linked = model(), model(team={"members": MEMBERS}, leads=LEADS)
    change(database, plain)
    assert texts(database, plain, linked) == [
        "Create the relationship leads with 4 fields.",
        "Create the links of team.members, team_member with 3 fields.",
    ]
    change(database, linked)
    assert texts(database, linked, plain) == [
        "Drop the relationship leads and its 0 records.",
        "Drop the links of team.members, team_member and its 0 records.",
    ]
    change(database, plain, ["drop_entity:team_member", "drop_entity:leads"])


def test_another_pair_is_a_column_more(database: Database) -> None:
    before = model(leads=LEADS)
    after = model(leads={**LEADS, "x-pairs": [*LEADS["x-pairs"], {"from": "team", "to": "team"}]})
    change(database, before)
    change(database, after)


def test_an_attribute_may_be_called_pairs(database: Database) -> None:
    pairs = {"properties": {"pairs": {"type": "string", "enum": ["one", "two"]}}}
    change(database, model(leads={**LEADS, **pairs}))
    change(database, model(leads=LEADS), ["drop_field:leads.pairs"])


def test_a_renamed_relation_keeps_its_table(database: Database) -> None:
    before = model(team={"members": MEMBERS})
    after = model(team={"guests": {**MEMBERS, "x-renamed-from": "members"}})
    change(database, before)
    assert "Rename the entity team_member to team_guest; its 0 records stay." in texts(database, before, after)
    change(database, after)


def test_a_renamed_owner_keeps_its_links(database: Database) -> None:
    before, after = model(team={"members": MEMBERS}), model(team={"members": MEMBERS}, name="crew")
    change(database, before)
    found = texts(database, before, after)
    assert any("Rename the entity team_member to crew_member" in text for text in found)
    assert not any(text.startswith("Drop") for text in found)
    change(database, after)
