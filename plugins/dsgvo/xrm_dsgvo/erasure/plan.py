"""A plan as values: what becomes of each personal field and of each record, why, and until when. No content."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from xrm_core.api import Entity, Model
from xrm_dsgvo.erasure.facts import Trigger


class Decision(StrEnum):
    """What becomes of a field."""

    HOLD = "hold"
    RESTRICT = "restrict"
    KEEP = "keep"
    REVIEW = "review"
    ERASE = "erase"


class RecordAction(StrEnum):
    """What becomes of a record. ``fields``: only fields change; ``unlink``: it is cut off from the person."""

    HOLD = "hold"
    RESTRICT = "restrict"
    NOTHING = "nothing"
    REVIEW = "review"
    FIELDS = "fields"
    UNLINK = "unlink"
    KEEP_UNLINKED = "keep_unlinked"
    ANONYMIZE = "anonymize"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class FieldPlan:
    """One field. ``code`` says why, ``basis`` by which norm or for what; ``until`` is the last day it stays."""

    name: str
    decision: Decision
    code: str
    strategy: str | None = None
    basis: str = ""
    until: date | None = None
    class_: str | None = None

    @property
    def redacts(self) -> bool:
        """Whether it is a text from which goes what names the person: one that may go, or one of which somebody has
        decided that it stays for others.
        """
        goes = self.decision is Decision.ERASE or self.code == "REVIEWED"
        return goes and self.strategy == "redact_text"


@dataclass(frozen=True, slots=True)
class RecordPlan:
    """One record. ``cut`` are the links to the person that end with the run; ``own``: it is the person; ``mention``: it
    is about somebody else, and only files of it name the person.
    """

    entity: str
    id: str
    datenart: str | None
    action: RecordAction
    fields: tuple[FieldPlan, ...]
    cut: tuple[str, ...] = ()
    own: bool = False
    mention: bool = False


@dataclass(frozen=True, slots=True)
class Defect:
    """Something that somebody has to mend: ``START_MISSING``: nobody knows since when its period runs."""

    entity: str
    id: str
    code: str
    what: str


@dataclass(frozen=True, slots=True)
class Plan:
    """All of it."""

    trigger: Trigger
    day: date
    records: tuple[RecordPlan, ...]
    defects: tuple[Defect, ...] = ()

    def fields(self) -> Iterator[tuple[RecordPlan, FieldPlan]]:
        """Each field with its record."""
        return ((record, each) for record in self.records for each in record.fields)

    @property
    def needs_review(self) -> bool:
        """Whether somebody has to look at something before."""
        return any(each.decision is Decision.REVIEW for _, each in self.fields())

    @property
    def hash(self) -> str:
        """What an approval is bound to. Of another day it is the same, as long as the same is to be done."""
        said = {key: value for key, value in self.exported().items() if key not in ("day", "hash")}
        return hashlib.sha256(json.dumps(said, sort_keys=True, separators=(",", ":")).encode()).hexdigest()

    def exported(self) -> dict[str, Any]:
        """As JSON: names, ids, reasons and days, no values."""
        return {
            "trigger": self.trigger.value,
            "day": self.day.isoformat(),
            "records": [_record(each) for each in self.records],
            "defects": [{"entity": d.entity, "id": d.id, "code": d.code, "what": d.what} for d in self.defects],
        }


def _record(plan: RecordPlan) -> dict[str, Any]:
    return {
        "entity": plan.entity,
        "id": plan.id,
        "datenart": plan.datenart,
        "action": plan.action.value,
        "cut": list(plan.cut),
        "own": plan.own,
        "fields": [_field(each) for each in plan.fields],
        **({"mention": True} if plan.mention else {}),
    }


def _field(plan: FieldPlan) -> dict[str, Any]:
    return {
        "name": plan.name,
        "decision": plan.decision.value,
        "code": plan.code,
        "strategy": plan.strategy,
        "basis": plan.basis,
        "until": plan.until and plan.until.isoformat(),
        "class": plan.class_,
    }


def kept_plan(model: Model, said: Mapping[str, Any]) -> Plan:
    """A plan as it was kept (:meth:`Plan.exported`), as far as the model still has its entities and fields."""
    records = [_kept(model[each["entity"]], each) for each in said["records"] if each["entity"] in model]
    return Plan(Trigger(said["trigger"]), date.fromisoformat(said["day"]), tuple(records))


def _kept(entity: Entity, said: Mapping[str, Any]) -> RecordPlan:
    fields = [_kept_field(each) for each in said["fields"] if each["name"] in entity.fields]
    cut = tuple(name for name in said["cut"] if name in entity.fields)
    what = said["datenart"], RecordAction(said["action"]), tuple(fields), cut, bool(said.get("own", False))
    return RecordPlan(said["entity"], said["id"], *what, mention=bool(said.get("mention", False)))


def _kept_field(said: Mapping[str, Any]) -> FieldPlan:
    until = None if said["until"] is None else date.fromisoformat(said["until"])
    why = Decision(said["decision"]), said["code"], said["strategy"], said["basis"]
    return FieldPlan(said["name"], *why, until, said["class"])
