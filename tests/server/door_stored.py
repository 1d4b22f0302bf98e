"""What a server of :mod:`tests.server.door_world` has stored and logged, in the form of the model."""

import json
from typing import Any

from sqlalchemy import select

from tests.server.door_model import BLANK, LINK, RELATIONS, Row
from tests.server.door_world import ENTITIES, DoorWorld
from xrm_core.storage.change_tables import CHANGE


def made_in(world: DoorWorld, ids: list[str | None]) -> dict[str, Any]:
    """What was created as a part of these companies, as nested answers have it: nobody is told its ids."""
    parts = {"contact": ("n_contacts", "name"), "contract": ("n_contracts", "title")}
    found: dict[str, Any] = {id_: {name: {"nodes": []} for name, _ in parts.values()} for id_ in ids if id_}
    with world.client.database.read() as connection:
        made = CHANGE.c.entity.in_(parts), CHANGE.c.operation == "create"
        entries = connection.execute(select(CHANGE.c.entity, CHANGE.c.record_id, CHANGE.c.fields).where(*made)).all()
    for entry in entries:
        fields, (name, title) = json.loads(entry.fields), parts[entry.entity]
        if fields["company"] in found:
            found[fields["company"]][name]["nodes"].append({"id": str(entry.record_id), title: fields.get(title)})
    return found


def what_is_stored(world: DoorWorld) -> Any:
    """As the summary of a model."""
    live = {
        entity: {
            key_of(entity, row): values_of(entity, row) | {"version": row["version"]} for row in world.rows(entity)
        }
        for entity in ENTITIES
    }
    with world.client.database.read() as connection:
        mine = CHANGE.c.entity == "company", CHANGE.c.operation == "create"
        entries = connection.execute(select(CHANGE.c.record_id, CHANGE.c.fields).where(*mine))
        return live, {str(entry.record_id): json.loads(entry.fields)["number"] for entry in entries}


def replayed(world: DoorWorld) -> tuple[dict[tuple[str, str], Row], dict[tuple[str, str], list[tuple[str, int]]]]:
    """What the change log says that there is, and what it says of each record; each entry fits those before it."""
    with world.client.database.read() as connection:
        entries = connection.execute(select(CHANGE).order_by(CHANGE.c.id)).all()
    states: dict[tuple[str, str], Row] = {}
    told: dict[tuple[str, str], list[tuple[str, int]]] = {}
    for entry in entries:
        key, fields = (entry.entity, str(entry.record_id)), json.loads(entry.fields)
        before = told.setdefault(key, [])
        assert entry.version == (before[-1][1] + 1 if before else 1), key
        before.append((entry.operation, entry.version))
        match entry.operation:
            case "create" | "restore":
                assert key not in states
                states[key] = fields
            case "delete":
                had = {name: value for name, value in fields.items() if name in BLANK[entry.entity]}
                assert states.pop(key) == had  # beside what all records have
            case "update":
                for name, (old, new) in fields.items():
                    assert states[key].get(name) == old != new
                    states[key][name] = new
                    if new is None:
                        del states[key][name]
    return states, told


def as_told(entity: str, row: Row) -> Row:
    """A stored record as the log has it: without what is empty, and without what all records have."""
    return {name: value for name, value in values_of(entity, row).items() if value is not None}


def values_of(entity: str, row: Row) -> Row:
    return {name: row[f"{name}_id" if name in RELATIONS[entity] else name] for name in BLANK[entity]}


def of_entity(log: Any, entity: str) -> Any:
    """What a log says of the records of an entity."""
    return {key: entries for key, entries in log.items() if key[0] == entity}


def key_of(entity: str, row: Row) -> str:
    return f"{row['project_id']}/{row['contact_id']}" if entity == LINK else str(row["id"])


def id_of(entity: str, row: Row) -> str:
    """The model's id of a record that was answered."""
    return f"{row['project']}/{row['contact']}" if entity == LINK else str(row["id"])
