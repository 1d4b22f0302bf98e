"""Documents that were sent at the same moment: is there an order in which the model answers each as it was answered?"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations
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
        return "errors" in self.answer and self.answer["errors"][0]["extensions"]["code"] == "BUSY"


def explained(model: DoorModel, sent: Sequence[Sent], stored: Any) -> DoorModel | str:
    """The model after these documents in some order that explains all answers and what is stored; else why none does.

    Args:
        model: as it was before; stays as it is.
        sent: at the same moment.
        stored: what :func:`summary` is to be afterwards.
    """
    why = []
    for order in permutations([each for each in sent if not each.in_the_way]):
        told = ", then ".join(str(sent.index(each)) for each in order)
        tried: DoorModel | str = model
        for each in order:
            tried = after(tried, each)
            if isinstance(tried, str):
                why.append(f"{told}: {sent.index(each)} would be answered {tried}")
                break
        else:
            assert not isinstance(tried, str)
            if summary(tried) == stored:
                return tried
            why.append(f"{told}: there would be {_differing(summary(tried), stored)}")
    return "\n".join(why)


def after(model: DoorModel, sent: Sent) -> DoorModel | str:
    """The model after a document; or what it would have answered."""
    tried = model.copy()
    for number, step in enumerate(sent.fields):
        told = (sent.answer["data"] or {}).get(f"a{number}")
        try:
            expected = do(tried, sent.user, step, told)
        except Refused as refused:
            wrong = [(each["extensions"]["code"], each["path"]) for each in sent.answer.get("errors", ())]
            return model.copy() if wrong == [(refused.code, [f"a{number}"])] else f"{refused.code} at a{number}"
        if told is not None and comparable(step, told) != expected:
            return f"{expected} at a{number}"
    return "well" if "errors" in sent.answer else tried


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
