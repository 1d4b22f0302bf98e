"""What an upsert should do with the records of :mod:`tests.server.door_world`, in plain Python."""

from collections.abc import Mapping, Sequence
from typing import Any

from tests.server.door_model import LINK, DoorModel, Refused, Row

INVALID = Refused("VALIDATION_FAILED")
Item = tuple[int, Row]
"""Place and values."""


def upsert(
    model: DoorModel, user: str, entity: str, by: Sequence[str], values: Row, new: str, links: Mapping[str, Any]
) -> tuple[str, bool]:
    """The record with this key gets these values, or is created; answers its id, and whether it was created.

    Raises:
        Refused: the model is spoilt.
    """
    _key(entity, by, values)
    id_ = _there(model, user, entity, by, values)
    if id_ is not None:
        model.update(user, entity, id_, _without(values, by), links=links, touch=False)
        return id_, False
    id_ = _new_id(by, values, new)
    if _taken(model, by, values):
        raise INVALID
    model.create(user, entity, _without(values, ["id"]), id_, links)
    return id_, True


def upsert_many(
    model: DoorModel, user: str, entity: str, by: Sequence[str], rows: Sequence[Row], new: Sequence[str], *, skip: bool
) -> tuple[list[str | None], list[bool | None], dict[int, Refused]]:
    """Many; answers ids, whether they were created, and what is wrong, by their places.

    Raises:
        Refused: not all can be written, and none shall be left out.
    """
    wrong: dict[int, Refused] = {}
    done: dict[int, tuple[str, bool]] = {}
    items: dict[Any, Item] = {}
    for place, values in enumerate(rows):
        try:
            key = _key(entity, by, values)
        except Refused as refused:
            wrong[place] = refused
            continue
        if key in items:
            wrong[place] = INVALID
        else:
            items[key] = place, values

    def work(tried: DoorModel, some: Sequence[Item]) -> None:
        for place, _ in some:
            wrong.pop(place, None)
            done.pop(place, None)
        there = {place: _there(tried, user, entity, by, values) for place, values in some}
        known = [(place, id_, values) for place, values in some if (id_ := there[place]) is not None]
        if len(known) == 1:
            tried.update(user, entity, known[0][1], _without(known[0][2], by), touch=False)
        else:
            _change(tried, user, entity, by, known, wrong)
        done.update({place: (id_, False) for place, id_, _ in known if place not in wrong})
        fresh = [(place, values) for place, values in some if there[place] is None]
        ready = []
        for place, values in sorted(fresh, key=lambda item: repr(tuple(item[1][name] for name in by))):
            try:
                if _taken(tried, by, values):
                    raise INVALID
                tried.valid(user, entity, _without(values, ["id"]))
                ready.append((place, values))
            except Refused as refused:
                wrong[place] = refused
        for place, values in ready:
            id_ = _new_id(by, values, new[place])
            tried.create(user, entity, _without(values, ["id"]), id_)
            done[place] = id_, True

    if skip or not wrong:
        left = list(items.values())
        wrong |= {left[number][0]: refused for number, refused in model.each(left, work, skip=True).items()}
    if wrong and not skip:
        raise Refused("BULK_REFUSED", errors={place: each.code for place, each in wrong.items()})
    told = [done.get(place) if place not in wrong else None for place in range(len(rows))]
    return [each and each[0] for each in told], [None if each is None else each[1] for each in told], wrong


def _change(
    model: DoorModel,
    user: str,
    entity: str,
    by: Sequence[str],
    known: Sequence[tuple[int, str, Row]],
    wrong: dict[int, Refused],
) -> None:
    """All that can be said of each by itself is said before any is written."""
    ready = []
    for place, id_, values in known:
        try:
            changes = _without(values, by)
            model.check(entity, {**model.live[entity][id_], **changes})
            model.targets(user, entity, changes)
            ready.append((id_, changes))
        except Refused as refused:
            wrong[place] = refused
    for id_, changes in ready:
        model.update(user, entity, id_, changes, touch=False)


def _key(entity: str, by: Sequence[str], values: Row) -> Any:
    if any(values.get(name) is None for name in by) or ("name" in by and not 1 <= len(values["name"]) <= 8):
        raise INVALID
    return tuple(values[name] for name in by)


def _there(model: DoorModel, user: str, entity: str, by: Sequence[str], values: Row) -> str | None:
    rows = model.live[entity].items()
    mine = (id_ for id_, row in rows if all(row[name] == values[name] for name in by) and model.sees(user, entity, row))
    return next(mine, None)


def _taken(model: DoorModel, by: Sequence[str], values: Row) -> bool:
    """Whether it is by an id that some record, of whatever entity, has or has had."""
    return list(by) == ["id"] and any(id_ == values["id"] for _, id_ in model.log)


def _new_id(by: Sequence[str], values: Row, new: str) -> str:
    if "contact" in by:
        return f"{values['project']}/{values['contact']}"
    return str(values["id"]) if list(by) == ["id"] else new


def _without(values: Row, names: Sequence[str]) -> Row:
    return {name: value for name, value in values.items() if name not in names}


KEYS: dict[str, list[list[str]]] = {
    "company": [["id"], ["code"], ["city", "name"]],
    **{entity: [["id"]] for entity in ("contact", "contract", "project")},
    LINK: [["project", "contact"]],
}
