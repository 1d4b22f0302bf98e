"""Documents that were sent at the same moment: is there an order in which the model answers each as it was answered?"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Any

from tests.server.door_model import DoorModel, Refused
from tests.server.door_steps import Step, do, plain

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


def explained(model: DoorModel, sent: Sequence[Sent], stored: Any) -> DoorModel | None:
    """The model after these documents in some order that explains all answers and what is stored; None: there is none.

    Args:
        model: as it was before; stays as it is.
        sent: at the same moment.
        stored: what :func:`summary` is to be afterwards.
    """
    for order in permutations([each for each in sent if not each.in_the_way]):
        tried: DoorModel | None = model
        for each in order:
            tried = None if tried is None else after(tried, each)
        if tried is not None and summary(tried) == stored:
            return tried
    return None


def after(model: DoorModel, sent: Sent) -> DoorModel | None:
    """The model after a document; None: it would have answered something else."""
    tried = model.copy()
    for number, step in enumerate(sent.fields):
        told = (sent.answer["data"] or {}).get(f"a{number}")
        try:
            expected = do(tried, sent.user, step, told)
        except Refused as refused:
            wrong = [(each["extensions"]["code"], each["path"]) for each in sent.answer.get("errors", ())]
            return model.copy() if wrong == [(refused.code, [f"a{number}"])] else None
        if told is not None and (told if step.verb.endswith("_many") else plain(told)) != expected:
            return None
    return None if "errors" in sent.answer else tried


def summary(model: DoorModel) -> Any:
    """Entity → id → version, of all records but links; and the numbers that were given."""
    live = {
        entity: {id_: row["version"] for id_, row in rows.items()}
        for entity, rows in model.live.items()
        if entity != "project_member"
    }
    return live, {row["number"] for row in model.live["company"].values()}
