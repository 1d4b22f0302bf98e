"""What a merge should do with the records of :mod:`tests.server.door_world`, in plain Python."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.server.door_model import LINK, RELATIONS, DoorModel, Refused, Row


@dataclass(frozen=True)
class Merge:
    """``take``: names of fields by the record out of which they are taken; ``versions``: of the others."""

    into: str
    sources: Sequence[str]
    take: Mapping[str, Sequence[str]] = field(default_factory=dict)
    values: Row = field(default_factory=dict)
    version: int | None = None
    versions: Sequence[int] | None = None
    links: Mapping[str, Any] = field(default_factory=dict)


def merge(model: DoorModel, user: str, entity: str, wanted: Merge) -> list[dict[str, Any]]:
    """Records become part of another; answers what was moved to it.

    Raises:
        Refused: the model is spoilt.
    """
    asked = [(wanted.into, wanted.version), *zip(wanted.sources, wanted.versions or [None] * 9, strict=False)]
    for id_, _ in asked:
        model.found(user, entity, id_, None)
    for id_, version in asked:
        model.found(user, entity, id_, version)
    changes = dict(wanted.values)
    for source in wanted.sources:
        seen = model.shown(user, entity, model.live[entity][source])
        for name in wanted.take.get(source, ()):
            to_itself = entity == RELATIONS[entity].get(name, ("",))[0] and seen[name] in (wanted.into, *wanted.sources)
            changes[name] = None if to_itself else seen[name]
    moves = _moves(model, entity, wanted, changes)
    if not all(model.sees(user, owner, model.live[owner][id_]) for owner, id_, _ in moves):
        raise Refused("FORBIDDEN")
    told: dict[str, dict[str, Any]] = {}
    for owner, id_, values in moves:
        counts = told.setdefault(owner, {"entity": owner, "moved": 0, "dropped": 0})
        counts["moved" if values is not None else "dropped"] += 1
        if values is None:
            model.delete(user, owner, [id_])
            continue
        row = {**model.live[owner].pop(id_), **values}
        row |= {"version": row["version"] + 1, "id": f"{row['project']}/{row['contact']}" if owner == LINK else id_}
        model.live[owner][row["id"]] = row
        model.note(owner, row["id"], "update")
    model.delete(user, entity, wanted.sources)
    model.update(user, entity, wanted.into, changes, links=wanted.links)
    for key, into in list(model.merged.items()):
        if key[0] == entity and into in wanted.sources:
            model.merged[key] = wanted.into
    model.merged.pop((entity, wanted.into), None)
    model.merged |= {(entity, source): wanted.into for source in wanted.sources}
    return [told[name] for name in sorted(told)]


def _moves(model: DoorModel, entity: str, wanted: Merge, changes: Row) -> list[tuple[str, str, Row | None]]:
    """Entity, id and new values of what refers to those that go; None: it is dropped."""
    found: list[tuple[str, str, Row | None]] = []
    for owner, relations in RELATIONS.items():
        for name, (target, then) in relations.items():
            referring = [row for row in model.live[owner].values() if target == entity and row[name] in wanted.sources]
            there = {_other(row, name) for row in model.live[owner].values() if row.get(name) == wanted.into}
            for row in sorted(referring, key=lambda row: wanted.sources.index(row[name])):
                if owner == LINK and _other(row, name) in there:
                    found.append((owner, row["id"], None))
                elif owner == entity and row["id"] in wanted.sources and then != "restrict":
                    continue
                elif owner == entity and row["id"] == wanted.into:
                    found.append((owner, row["id"], {name: changes.get(name)}))
                else:
                    found.append((owner, row["id"], {name: wanted.into}))
                    there.add(_other(row, name))
    return found


def _other(row: Row, name: str) -> Any:
    return row.get("contact" if name == "project" else "project")
