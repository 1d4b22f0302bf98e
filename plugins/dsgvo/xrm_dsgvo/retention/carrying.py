"""A batch: records that may be due are looked at, what is due goes, and the deletion protocol says so; one transaction.

A record that refuses to go (something else needs it) is taken back alone. What was done before is found in the
protocol, and not done again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from xrm_dsgvo import own
from xrm_dsgvo.archive.nightly import archive_due, lies_there
from xrm_dsgvo.discovery.graph import Key
from xrm_dsgvo.erasure.plan import Decision, Plan, RecordAction, RecordPlan
from xrm_dsgvo.erasure.running import carry_out
from xrm_dsgvo.erasure.steps import Work, blackens, pending
from xrm_dsgvo.erasure.values import erased
from xrm_dsgvo.own import Writing
from xrm_dsgvo.privacy import EntityPrivacy, privacy_of
from xrm_dsgvo.registers import Registers
from xrm_dsgvo.retention.deadline import end_of
from xrm_dsgvo.retention.deciding import Decided, Outcome, decide
from xrm_dsgvo.retention.persons import names_of
from xrm_dsgvo.retention.tally import Tally

ENTRY = "deletion_entry"
_HOW = {RecordAction.DELETE: "deleted", RecordAction.ANONYMIZE: "anonymized"}
_SETTLED = ("keep", "recompute")
_TO_GO = (Outcome.DUE, Outcome.REVIEW)
_KEPT_APART = (Outcome.HELD, Outcome.SUSPENDED)
_MONTH = timedelta(days=30)


@dataclass(frozen=True)
class Batch:
    """Where it is done: the day, the run that the protocol names; None: it is only looked. ``refused`` are ids of
    records that stay, since stores of plugins still have something of them.
    """

    registers: Registers
    day: date
    run: str | None = None
    refused: frozenset[str] = frozenset()


def work(context: Writing, batch: Batch, said: EntityPrivacy, ids: Sequence[str], tally: Tally) -> None:
    """Look at records of an entity, and let go what is due."""
    known = {each["record_id"] for each in context.find(ENTRY, {"record_id": {"in": list(ids)}}, 1_000)} if ids else ()
    for id_ in ids:
        if batch.run is not None:
            context.hold(said.name, id_)
        if context.read(said.name, id_) is None or (id_ in known and _spent(context, said, id_)):
            continue
        found = decide(context, batch.registers, (said.name, id_), batch.day)
        if found.outcome is Outcome.FIELDS and id_ in known and not _open(context, found.todo):
            continue
        _one(context, batch, (said.name, id_), found, tally)


def _one(context: Writing, batch: Batch, key: Key, found: Decided, tally: Tally) -> None:
    going = found.outcome in (Outcome.DUE, Outcome.FIELDS)
    if going and key[1] in batch.refused:
        tally.seen(key[0], "refused")
        return
    if not going or batch.run is None:
        if found.outcome is not Outcome.NOT_DUE:
            tally.seen(key[0], "fields_due" if found.outcome is Outcome.FIELDS else found.outcome.value)
        if found.outcome in _TO_GO:
            _overdue(batch, key[0], found, tally)
        if found.outcome in _KEPT_APART and batch.run is not None and _is_over(batch, found):
            _apart(context, key, found, tally)
        return

    def again() -> Plan:
        return decide(context, batch.registers, key, batch.day).todo

    def act() -> None:
        privacy = privacy_of(context.records.model)
        needles = names_of(context, privacy, found.persons) if blackens(found.todo) else frozenset()
        carry_out(context, found.todo, again, key, needles)
        for each in _gone(found.todo):
            _protocol(context, batch, each, found)

    if context.attempt(act) is None:
        for each in _gone(found.todo):
            tally.went(each.entity, _HOW.get(each.action, "fields"))
    else:
        tally.seen(key[0], "refused")
        _overdue(batch, key[0], found, tally)


def _is_over(batch: Batch, found: Decided) -> bool:
    return found.ended is not None and found.ended < batch.day


def _apart(context: Writing, key: Key, found: Decided, tally: Tally) -> None:
    """What a hold or a dispute alone keeps is there for that alone."""
    privacy = privacy_of(context.records.model)
    root = next(each for each in found.todo.records if (each.entity, each.id) == key)
    if context.attempt(lambda: archive_due(context, privacy, root, held=found.outcome is Outcome.HELD)) is not None:
        tally.seen(key[0], "refused")


def _overdue(batch: Batch, entity: str, found: Decided, tally: Tally) -> None:
    """Count what should be gone for a month: nothing that the law or anybody keeps."""
    if found.ended is not None and found.ended + _MONTH < batch.day:
        tally.seen(entity, "overdue")


def _gone(planned: Plan) -> list[RecordPlan]:
    return [
        each
        for each in planned.records
        if each.action in _HOW or any(one.decision is Decision.ERASE for one in each.fields)
    ]


def _protocol(context: Writing, batch: Batch, record: RecordPlan, found: Decided) -> None:
    said = privacy_of(context.records.model)[record.entity]
    class_ = None if said.retention is None else batch.registers.retention_classes[said.retention.class_]
    began = found.starts.get((record.entity, record.id))
    until = None if class_ is None or began is None else end_of(class_, began)
    deleted = record.action is RecordAction.DELETE
    names = [each.name for each in record.fields if each.decision is Decision.ERASE]
    values = {
        "run": batch.run,
        "entity_name": record.entity,
        "record_id": record.id,
        "datenart": record.datenart,
        "retention_class": None if class_ is None else class_.key,
        "legal_ref": None if class_ is None else class_.legal_ref or None,
        "began_on": began and began.isoformat(),
        "kept_until": until and until.isoformat(),
        "how": _HOW.get(record.action, "fields"),
        "field_names": None if deleted else ", ".join(names),
    }
    own.create(context, ENTRY, values)


def _spent(context: Writing, said: EntityPrivacy, id_: str) -> bool:
    """Whether nothing personal is left of a record that went before."""
    if lies_there(context, (said.name, id_)):
        return False
    stored, entity = context.read(said.name, id_) or {}, context.records.model[said.name]
    for each in said.personal():
        rule = each.erase
        if each.name not in stored or entity[each.name].virtual or (rule is not None and rule.strategy in _SETTLED):
            continue
        value = stored[each.name]
        if value is not None and (rule is None or erased(entity[each.name], rule, value) != value):
            return False
    return True


def _open(context: Writing, planned: Plan) -> bool:
    privacy = privacy_of(context.records.model)
    return any(
        pending(Work(context, privacy, planned), each) or lies_there(context, (each.entity, each.id), _erased(each))
        for each in planned.records
    )


def _erased(record: RecordPlan) -> list[str]:
    return [each.name for each in record.fields if each.decision is Decision.ERASE]
