"""Annotations, facts and a day → a plan. No I/O in here.

The first that fits counts: a legal hold, a period that the law demands, a reason to keep it, a text that somebody has
to look at; what is left goes. The same for a person's request and for what is due, so that both agree.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date

from xrm_dsgvo.erasure.actions import CUTTING, action_of
from xrm_dsgvo.erasure.facts import Found, Trigger, start_key
from xrm_dsgvo.erasure.plan import Decision, Defect, FieldPlan, Plan, RecordAction, RecordPlan
from xrm_dsgvo.privacy import EntityPrivacy, FieldPrivacy, PrivacyModel
from xrm_dsgvo.registers import Registers
from xrm_dsgvo.retention.deadline import end_of

PROOFS = frozenset({"LK-3J-NACHWEIS", "LK-5J-7AUWG"})
"""Löschklassen of what shows that data were handled rightly."""

_OF_ONE_PURPOSE = frozenset({Trigger.WITHDRAWAL, Trigger.OBJECTION})
"""With these the person stays, for all that goes on: what is in use is not put away, also where a law keeps it."""


def plan(
    privacy: PrivacyModel,
    registers: Registers,
    found: Iterable[Found],
    day: date,
    trigger: Trigger = Trigger.REQUEST,
    running: Collection[str] = (),
) -> Plan:
    """What would become of records.

    Args:
        privacy: what annotations say.
        registers: what they name.
        found: each once.
        day: on which it is done.
        trigger: why.
        running: processing activities of the persons that go on, each with a basis of its own.
    """
    planned = []
    every = sorted(found, key=lambda each: (each.entity, each.id))
    for each in every:
        entity = privacy[each.entity]
        start = None if entity.retention is None else start_key(entity.retention.start)
        began = None if start is None else each.starts.get(start)
        case = _Case(entity, each, began, day, trigger, registers, frozenset(running))
        planned.append((_mention(case), []) if each.files or each.texts else _record(case, start))
    return Plan(
        trigger,
        day,
        tuple(_joined([record for record, _ in planned], every)),
        tuple(defect for _, defects in planned for defect in defects),
    )


def mine(field: FieldPrivacy, found: Found, trigger: Trigger) -> bool:
    """Whether a personal field is that of whom the plan is about. What is due goes, whosever it is."""
    return field.personal and (trigger is Trigger.RETENTION or not field.of or bool(found.via & set(field.of)))


@dataclass(frozen=True, slots=True)
class _Case:
    """What is asked of each field of a record."""

    entity: EntityPrivacy
    found: Found
    began: date | None
    day: date
    trigger: Trigger
    registers: Registers
    running: frozenset[str]


def _joined(records: Sequence[RecordPlan], found: Sequence[Found]) -> Iterator[RecordPlan]:
    """What is anonymised stays with the person's record if that names nobody any more either: no way leads to a name.

    What names the person is cut off in any case.
    """
    reached = zip(records, found, strict=True)
    own = [
        record
        for record, each in reached
        if (each.own or not (each.via or each.files or each.texts)) and not each.stays
    ]
    nameless = all(record.action in (RecordAction.ANONYMIZE, RecordAction.DELETE) for record in own)
    for record in records:
        stays = nameless and record.action is RecordAction.ANONYMIZE
        yield replace(record, cut=()) if stays else record


def _record(case: _Case, start: str | None) -> tuple[RecordPlan, list[Defect]]:
    entity, found = case.entity, case.found
    fields = tuple(
        _stays(case, each.name, each.retention_class, each.purposes) or _goes(case, each)
        for each in sorted(entity.personal(), key=lambda each: each.name)
        if mine(each, found, case.trigger)
    )
    action = action_of(entity, found, case.trigger, fields, _stays(case, "", None, ()))
    cut = tuple(sorted(found.via)) if action in CUTTING and not found.own else ()
    defects = [] if start is None or case.began else [Defect(found.entity, found.id, "START_MISSING", start)]
    return RecordPlan(found.entity, found.id, entity.datenart, action, fields, cut, found.own), defects


def _mention(case: _Case) -> RecordPlan:
    """A record about somebody else of which files or texts name the person: it stays, and somebody says of each file
    whether that does, and of each text whether what names the person goes black in it.
    """
    files = [_mentioning(case, name, "delete_file") for name in sorted(case.found.files)]
    texts = [_mentioning(case, name, "redact_text") for name in sorted(case.found.texts)]
    fields = tuple(sorted([*files, *texts], key=lambda each: each.name))
    whole = FieldPlan("", Decision.KEEP, "OTHERS")
    action = action_of(case.entity, case.found, case.trigger, fields, whole)
    return RecordPlan(case.found.entity, case.found.id, case.entity.datenart, action, fields, mention=True)


def _mentioning(case: _Case, name: str, strategy: str) -> FieldPlan:
    said = case.entity.fields[name]
    if (stays := _stays(case, name, said.retention_class, said.purposes)) is not None:
        return stays
    goes = case.found.reviewed.get(name)
    if goes is None:
        return FieldPlan(name, Decision.REVIEW, "MENTION", strategy)
    if goes:
        return FieldPlan(name, Decision.ERASE, "MENTION", strategy)
    return FieldPlan(name, Decision.KEEP, "REVIEWED", "delete_file" if strategy == "delete_file" else None)


def _stays(case: _Case, name: str, own_class: str | None, purposes: Sequence[str]) -> FieldPlan | None:
    """Why a field stays, or, without a name, the record itself; None: nothing keeps it."""
    retention, began, trigger = case.entity.retention, case.began, case.trigger
    key = own_class or (retention.class_ if retention is not None else None)
    if case.found.stays is not None:
        return FieldPlan(name, Decision.KEEP, case.found.stays)
    if case.found.holds:
        return FieldPlan(name, Decision.HOLD, "LEGAL_HOLD", basis="; ".join(case.found.holds), class_=key)
    if disputes := [each for each in case.found.suspensions if not each.tax and each.lasts(case.day)]:
        until = (
            None if any(each.until is None for each in disputes) else max(each.until or case.day for each in disputes)
        )
        basis = "Art. 17(3)(e) DSGVO"
        return FieldPlan(name, Decision.RESTRICT, "DISPUTE", basis=basis, until=until, class_=key)
    needed = () if trigger is Trigger.RETENTION else _covering(case, purposes)
    if needed and trigger in _OF_ONE_PURPOSE:
        return FieldPlan(name, Decision.KEEP, "OTHER_BASIS", basis=", ".join(needed), class_=key)
    if key is not None:
        class_ = case.registers.retention_classes[key]
        until = None if began is None else end_of(class_, began, case.found.suspensions)
        if until is None or until >= case.day:
            law = class_.legal_ref
            if key in PROOFS:
                return FieldPlan(name, Decision.KEEP, "PROOF", basis=law, until=until, class_=key)
            code = "STATUTORY" if began else "START_MISSING"
            if class_.statutory:
                basis = f"Art. 17(3)(b) DSGVO; {law}"
                return FieldPlan(name, Decision.RESTRICT, code, basis=basis, until=until, class_=key)
            if trigger is Trigger.RETENTION:
                code = "NOT_DUE" if began else "START_MISSING"
                return FieldPlan(name, Decision.KEEP, code, basis=law, until=until, class_=key)
    if needed:
        return FieldPlan(name, Decision.KEEP, "OTHER_BASIS", basis=", ".join(needed), class_=key)
    return None


def _covering(case: _Case, purposes: Sequence[str]) -> tuple[str, ...]:
    """The activities that go on and for which something is needed."""
    on = sorted(case.running & set(case.entity.activities))
    if not purposes:
        return tuple(on)
    return tuple(key for key in on if set(case.registers.activities[key].purposes) & set(purposes))


def _goes(case: _Case, field: FieldPrivacy) -> FieldPlan:
    """What nothing keeps: a strategy, unless somebody has to look at it first."""
    class_ = field.retention_class or (case.entity.retention and case.entity.retention.class_) or None
    strategy = "null" if field.erase is None else field.erase.strategy
    if _unsure(case, field):
        goes = case.found.reviewed.get(field.name)
        if goes is None:
            return FieldPlan(field.name, Decision.REVIEW, "THIRD_PARTY", strategy, class_=class_)
        if not goes:
            # it stays for others: what names the person goes from it
            return FieldPlan(field.name, Decision.KEEP, "REVIEWED", "redact_text", class_=class_)
    if strategy == "keep":
        why = field.erase.why if field.erase is not None else ""
        return FieldPlan(field.name, Decision.KEEP, "ANNOTATED", strategy, basis=why, class_=class_)
    return FieldPlan(field.name, Decision.ERASE, "NOTHING_KEEPS_IT", strategy, class_=class_)


def _unsure(case: _Case, field: FieldPrivacy) -> bool:
    if case.trigger is Trigger.RETENTION:
        return case.entity.retention is not None and case.entity.retention.then == "review"
    return field.free_text and field.third_party != "none"
