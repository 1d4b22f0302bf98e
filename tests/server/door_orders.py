"""Documents that were sent at the same moment: is there an order in which the model answers each as it was answered?

A document of one field is done at one moment, after some of the others and before the rest. One of several fields is
done field by field: each sees what was committed when it begins, beside what those before it have done, and all of it
is committed at the end. So is one field that writes many and leaves out what cannot be written: what it leaves out may
have been tried before others came, and the rest after that. What was written, and what row rules have looked at, stays
as it is from then to the end: so what others have committed meanwhile is never what this one has written, and takes
none of that out of reach.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from itertools import combinations_with_replacement, permutations, product
from typing import Any

from tests.server.door_model import DoorModel, Refused, Row
from tests.server.door_steps import comparable, do
from tests.server.door_values import Step

Fields = list[Step]


@dataclass(frozen=True)
class Sent:
    """A document and what came back."""

    user: str
    fields: Fields
    answer: Any

    @property
    def in_the_way(self) -> bool:
        """Whether another one was in its way, so that it was not done at all."""
        return self._code == "BUSY"

    @property
    def under_way(self) -> bool:
        """Whether the same was under way with the same key, so that it was not tried."""
        return self._code == "IDEMPOTENCY_IN_PROGRESS"

    @property
    def _code(self) -> str:
        errors = self.answer.get("errors")
        return str(errors[0]["extensions"]["code"]) if errors else ""


class Impossible(Exception):
    """It cannot have been like this; says why."""


def explained(model: DoorModel, sent: Sequence[Sent], stored: Any) -> DoorModel | str:
    """The model after these documents in some order that explains all answers and what is stored; else why none does.

    Args:
        model: as it was before; stays as it is.
        sent: at the same moment.
        stored: what :func:`summary` is to be afterwards.
    """
    why: dict[str, None] = {}
    for order in permutations([each for each in sent if not each.in_the_way]):
        for seen in _moments(order):
            states = [model]
            try:
                for each, moments in zip(order, seen, strict=True):
                    states.append(after(states, each, moments))
                if summary(states[-1]) == stored:
                    return states[-1]
                wrong = f"there would be {_differing(summary(states[-1]), stored)}"
            except Impossible as reason:
                wrong = f"{sent.index(each)} would be answered {reason}"
            why[f"{', then '.join(str(sent.index(each)) for each in order)} {seen}: {wrong}"] = None
    return "\n".join(why)


def _moments(order: Sequence[Sent]) -> Iterator[tuple[tuple[int, ...], ...]]:
    """For each document and each of its fields, how many of those before it were committed when the field began; first
    what happens as if each document was done at once.
    """
    choices: list[list[tuple[int, ...]]] = []
    for place, each in enumerate(order):
        count = len(each.fields)
        some = combinations_with_replacement(range(place + 1), count) if count > 1 else [(place,)]
        choices.append(sorted(some, reverse=True))
    yield from product(*choices)


def after(states: Sequence[DoorModel], sent: Sent, moments: Sequence[int]) -> DoorModel:
    """The model when a document is committed.

    Args:
        states: what there was before each document, the last one being what there is when this is committed.
        sent: the document.
        moments: which of these states each of its fields found, beside what those before it had done.

    Raises:
        Impossible: it would have been answered otherwise, or somebody has changed what it holds.
    """
    found = states[moments[0]]
    tried = found.copy()
    for number, (step, moment) in enumerate(zip(sent.fields, moments, strict=True)):
        tried, found = _seeing(sent.user, found, tried, states[moment]), states[moment]
        told = (sent.answer["data"] or {}).get(f"a{number}")
        former = tried.copy() if told and step.given.get("skip") else None
        try:
            expected = do(tried, sent.user, step, told)
        except Refused as refused:
            wrong = [(each["extensions"]["code"], each["path"]) for each in sent.answer.get("errors", ())]
            if wrong == [(refused.code, [f"a{number}"])]:
                return states[-1].copy()
            raise Impossible(f"{refused.code} at a{number}") from None
        if told is not None and (answered := comparable(step, told)) != expected:
            apart = None if former is None else _apart(states, former, sent.user, step, answered)
            if apart is None:
                raise Impossible(f"{expected} at a{number}")
            tried = apart
    if "errors" in sent.answer:
        raise Impossible("well")
    return _seeing(sent.user, found, tried, states[-1])


def _apart(states: Sequence[DoorModel], now: DoorModel, user: str, step: Step, told: Any) -> DoorModel | None:
    """The model after those of many that were written, if each that was left out had to be at one of these moments."""
    kind = next((word for word in ("rows", "ids") if word in step.given), None)
    if kind is None or "below" in step.given:
        return None
    wrong = {each["index"]: each["code"] for each in told["errors"]}
    for state in (*states, now):
        try:
            found = do(state.copy(), user, step, None)
        except Refused:
            continue
        wrong = {
            place: code
            for place, code in wrong.items()
            if (place, code) not in {(e["index"], e["code"]) for e in found["errors"]}
        }
    left_out = {each["index"] for each in told["errors"]}
    kept = [place for place in range(len(step.given[kind])) if place not in left_out]
    those = replace(step, given={**step.given, kind: [step.given[kind][place] for place in kept]})
    lists = {name: [value[place] for place in kept] for name, value in told.items() if name in ("ids", "created")}
    try:
        done = do(now, user, those, {**told, **lists, "errors": []})
    except Refused:
        return None
    return now if not wrong and done == {**told, **lists, "errors": []} else None


def _seeing(user: str, before: DoorModel, mine: DoorModel, now: DoorModel) -> DoorModel:
    """What somebody has made of a state, beside what others have made of it by now."""
    both = together(before, mine, now)
    _require_within_reach(user, before, mine, both)
    return both


def together(before: DoorModel, mine: DoorModel, theirs: DoorModel) -> DoorModel:
    """What two have made of the same state, neither having seen the other.

    Raises:
        Impossible: both have changed the same.
    """
    if theirs is before:
        return mine
    made = {each.name: getattr(before, each.name) for each in fields(DoorModel)}
    for name, value in made.items():
        made[name] = _merged(name, value, getattr(mine, name), getattr(theirs, name))
    return DoorModel(**made).copy()


def _merged(name: str, before: Any, mine: Any, theirs: Any, depth: int = 2) -> Any:
    if mine == before:
        return theirs
    if theirs == before:
        return mine
    if depth and isinstance(before, dict) and isinstance(mine, dict) and isinstance(theirs, dict):
        # Records by entity and id; a record is changed as a whole.
        deeper = depth - 1 if name == "live" else 0
        found = {
            key: _merged(name, before.get(key), mine.get(key), theirs.get(key), deeper)
            for key in dict.fromkeys([*theirs, *mine])
        }
        return {key: value for key, value in found.items() if value is not None}
    raise Impossible(f"though {name} was changed by both: {before}, {mine}, {theirs}")


def _require_within_reach(user: str, before: DoorModel, mine: DoorModel, done: DoorModel) -> None:
    """What somebody has written, and may write, is still theirs beside what others have done."""
    for entity in ("company", "contact"):
        for id_, row in mine.live[entity].items():
            written = row != before.live[entity].get(id_) and mine.sees(user, entity, row)
            if written and not done.sees(user, entity, done.live[entity][id_]):
                raise Impossible(f"though {user} no longer sees {entity} {id_}")


def summary(model: DoorModel) -> Any:
    """Entity → id → values of all records (of links: who is joined), and the numbers that were given to which.

    All of it: two orders may answer the same, and differ in what nobody was answered.
    """
    live = {entity: {id_: _without_id(row) for id_, row in rows.items()} for entity, rows in model.live.items()}
    created = {id_: entries[0][2]["number"] for (entity, id_), entries in model.log.items() if entity == "company"}
    return live, created


def _without_id(row: Row) -> Row:
    return {name: value for name, value in row.items() if name != "id"}


def _differing(one: Any, other: Any) -> str:
    (live, numbers), (there, given) = one, other
    found = {name: (sorted(live[name].items()), sorted(there[name].items())) for name in live}
    return str({name: pair for name, pair in found.items() if pair[0] != pair[1]} or (numbers, given))
