"""Whether a record that may be due goes, with what belongs to it, or why it stays.

The plan is that of erasures: each record that is reached decides by its own period. What a person's record is needed
for keeps it: as long as something that belongs to it is kept longer (a contract that runs, an invoice that the law
demands), it stays as it is. What is kept as a proof of data protection keeps nobody.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum

from xrm_dsgvo.discovery.graph import Key
from xrm_dsgvo.discovery.sources import target_of
from xrm_dsgvo.erasure.facts import Found, Trigger, start_key
from xrm_dsgvo.erasure.plan import Decision, Plan, RecordAction, RecordPlan
from xrm_dsgvo.erasure.planning import PROOFS, plan
from xrm_dsgvo.erasure.reach import reach
from xrm_dsgvo.own import Writing
from xrm_dsgvo.points import POINT
from xrm_dsgvo.privacy import PrivacyModel, privacy_of
from xrm_dsgvo.registers import Registers
from xrm_dsgvo.retention.deadline import end_of
from xrm_dsgvo.retention.persons import above, held, restricted
from xrm_dsgvo.subjects import SUBJECT

OURS = frozenset({SUBJECT, POINT})
"""Persons and addresses as the plugin keeps them: they end with the record that is the person."""

_WHOLE = (RecordAction.DELETE, RecordAction.ANONYMIZE)
_FREE = frozenset({"PROOF", "ANNOTATED", "REVIEWED"})
_PERSONAL = ("owner", "participant", "recipient")


class Outcome(StrEnum):
    """What becomes of a record that may be due."""

    DUE = "due"
    FIELDS = "fields"
    HELD = "held"
    SUSPENDED = "suspended"
    RESTRICTED = "restricted"
    NEEDED = "needed"
    REVIEW = "review"
    NOT_DUE = "not_due"


@dataclass(frozen=True)
class Decided:
    """The outcome; what is to be done; of what records periods have begun when; whose data it is.

    ``ended`` is the last day of its period, whatever suspends it; None: that has not begun.
    """

    outcome: Outcome
    todo: Plan
    starts: Mapping[Key, date] = field(default_factory=dict)
    persons: frozenset[Key] = frozenset()
    ended: date | None = None


def decide(context: Writing, registers: Registers, key: Key, day: date) -> Decided:
    """Look at a record. Nothing is changed."""
    privacy = privacy_of(context.records.model)
    found = list(_with_starts(privacy, key, reach(context, privacy, *key, {}, aside=False)))
    planned = plan(privacy, registers, found, day, Trigger.RETENTION)
    root = next(each for each in planned.records if (each.entity, each.id) == key)
    own = [(each.entity, each.id) for each in found if each.own or not each.via]
    persons = {each for one in own for each in above(context, privacy, one)}
    starts = {
        (each.entity, each.id): each.starts[name] for each in found if (name := _start(privacy, each)) in each.starts
    }
    whole = root.action in _WHOLE
    todo = _whole(context, privacy, planned, root) if whole else replace(planned, records=(root,))
    outcome = _outcome(privacy, planned, root, todo)
    ended = _ended(privacy, registers, next(each for each in found if (each.entity, each.id) == key))
    if outcome is Outcome.NOT_DUE and ended is not None and ended < day:
        outcome = Outcome.SUSPENDED
    if outcome is not Outcome.NOT_DUE:
        if held(context, persons) or any(each.holds for each in found):
            outcome = Outcome.HELD
        elif restricted(context, persons | {(each.entity, each.id) for each in found}):
            outcome = Outcome.RESTRICTED
    return Decided(outcome, todo, starts, frozenset(persons), ended)


def _ended(privacy: PrivacyModel, registers: Registers, root: Found) -> date | None:
    retention, began = privacy[root.entity].retention, root.starts.get(_start(privacy, root))
    if retention is None or began is None:
        return None
    return end_of(registers.retention_classes[retention.class_], began)


def _outcome(privacy: PrivacyModel, planned: Plan, root: RecordPlan, todo: Plan) -> Outcome:
    if root.action is RecordAction.HOLD:
        return Outcome.HELD
    if root.action is RecordAction.REVIEW:
        return Outcome.REVIEW
    if root.action not in _WHOLE:
        going = any(each.decision is Decision.ERASE for each in root.fields)
        return Outcome.FIELDS if going else Outcome.NOT_DUE
    if any(_needs(privacy, each) for each in planned.records):
        return Outcome.NEEDED
    return Outcome.REVIEW if todo.needs_review else Outcome.DUE


def _needs(privacy: PrivacyModel, record: RecordPlan) -> bool:
    """Whether a record that is reached is kept longer."""
    retention = privacy[record.entity].retention
    if record.action in (RecordAction.RESTRICT, RecordAction.HOLD):
        return True
    if retention is not None and retention.class_ in PROOFS:
        return False
    stays = [each for each in record.fields if each.decision in (Decision.KEEP, Decision.RESTRICT)]
    bare = record.action is RecordAction.NOTHING and not record.fields
    return bare or any(each.code not in _FREE for each in stays)


def _with_starts(privacy: PrivacyModel, key: Key, found: list[Found]) -> Iterator[Found]:
    """What ends with a relationship, and has no start of its own, ends with that of the person to whom it belongs."""
    root = next(each for each in found if (each.entity, each.id) == key)
    began = root.starts.get(_start(privacy, root))
    retention = privacy[key[0]].retention
    relation = retention is not None and retention.start.type == "relationship_end"
    for each in found:
        own = privacy[each.entity]
        ends = own.retention is not None and own.retention.start.type == "relationship_end"
        by_event = own.retention is not None and own.retention.start.event is not None
        inherits = own.role != "is_subject" or each.entity in OURS
        if relation and began and ends and by_event and inherits and not each.starts:
            yield replace(each, starts={_start(privacy, each): began})
        else:
            yield each


def _start(privacy: PrivacyModel, found: Found) -> str:
    retention = privacy[found.entity].retention
    return "" if retention is None else start_key(retention.start)


def _whole(context: Writing, privacy: PrivacyModel, planned: Plan, root: RecordPlan) -> Plan:
    """What is anonymised loses its ways to persons; to whom proofs refer stays, without a name."""
    proofs = any(each.code == "PROOF" for _, each in planned.fields())
    records = []
    for each in planned.records:
        record = each
        if proofs and each.entity in OURS and each.action is RecordAction.DELETE:
            record = replace(each, action=RecordAction.ANONYMIZE)
        if record is root and root.action is RecordAction.ANONYMIZE and privacy[root.entity].role != "is_subject":
            record = replace(record, cut=tuple(_ways(context, privacy, root)))
        records.append(record)
    return replace(planned, records=tuple(records))


def _ways(context: Writing, privacy: PrivacyModel, root: RecordPlan) -> Iterator[str]:
    stored = context.read(root.entity, root.id) or {}
    entity = context.records.model[root.entity]
    for each in privacy[root.entity].links():
        link, relation = each.link, entity[each.name]
        if link is None or link.role not in _PERSONAL or link.on_erase in ("keep", "block") or relation.required:
            continue
        target = target_of(relation, stored)
        if target is not None and privacy[target[0]].role == "is_subject":
            yield each.name
