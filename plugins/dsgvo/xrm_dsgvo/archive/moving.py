"""What a plan keeps goes into the archive, and what it lets go leaves it.

What stands in the table then is what an erasure would have put there. Figures, days and choices stay where they are:
books have to add up, and once a record is cut off from the person, they name nobody.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from xrm_core.api import Field, Record, value_fits
from xrm_dsgvo.archive.entries import Ground, Key, Reason, come_back, end, ground_of, key_of, names_of, of_records, put
from xrm_dsgvo.archive.standing_in import MADE_UP, goes_apart, is_ours, stands_in
from xrm_dsgvo.erasure.facts import Trigger
from xrm_dsgvo.erasure.plan import Decision, FieldPlan, Plan, RecordAction, RecordPlan
from xrm_dsgvo.erasure.values import erased
from xrm_dsgvo.own import Writing
from xrm_dsgvo.privacy import FieldPrivacy, PrivacyModel
from xrm_dsgvo.restriction.reach import ACCOUNTS, OURS

_KEPT = frozenset({Decision.RESTRICT, Decision.HOLD})
_REASONS = {"DISPUTE": Reason.DISPUTE, "LEGAL_HOLD": Reason.HOLD}


def keep_apart(context: Writing, privacy: PrivacyModel, plan: Plan) -> int:
    """Move what a plan keeps for the law, a dispute or a hold; answers how many values.

    What is not due yet by its own period is in use, and who is held as a person is restricted as a whole.
    """
    if plan.trigger is Trigger.RETENTION or is_held(plan):
        return 0
    stay = (each for each in plan.records if each.action is not RecordAction.DELETE)
    # a text of somebody else that names the person is theirs, and stays where it is
    return sum(_of_record(context, privacy, each) for each in stay if not each.mention)


def let_go(context: Writing, privacy: PrivacyModel, plan: Plan) -> int:
    """End what lies in the archive and goes by a plan; answers how many values."""
    records = {(each.entity, each.id): each for each in plan.records}
    ended, count = [], 0
    for entry in of_records(context, records):
        names, record = names_of(entry), records[key_of(entry)]
        going = _going(record, names)
        # what stays for good by its annotation, since it names nobody, is in its table again
        free = names & {each.name for each in record.fields if each.code == "ANNOTATED"}
        count += len(going | free)
        if going == names:
            ended.append(entry)
        elif going | free and come_back(context, entry):
            put_apart(context, privacy, key_of(entry), dict.fromkeys(names - going - free, ground_of(entry)))
    if ended:
        end(context, ended)
    return count


def is_held(plan: Plan) -> bool:
    """Whether a legal hold is upon a record that is the person, and so upon all of theirs."""
    held = (each for each in plan.records if each.own and each.action is RecordAction.HOLD)
    return any(each.entity not in OURS for each in held)


def put_apart(context: Writing, privacy: PrivacyModel, key: Key, grounds: Mapping[str, Ground]) -> int:
    """Move values of a record, each on its ground; answers how many."""
    stored = context.read(*key)
    by_ground: dict[Ground, dict[str, Any]] = {}
    for name, instead in to_move(context, privacy, key[0], stored, grounds):
        by_ground.setdefault(grounds[name], {})[name] = instead
    return sum(put(context, key, values, ground) for ground, values in by_ground.items())


def to_move(
    context: Writing, privacy: PrivacyModel, entity: str, stored: Record | None, names: Iterable[str]
) -> Iterator[tuple[str, Any]]:
    """Which of some fields have values that go into the archive, and what stands there instead."""
    if stored is None or entity in OURS or entity in ACCOUNTS:
        return
    for name in names:
        if name not in context.records.model[entity].fields:
            continue  # the schema has changed since
        field, said = context.records.model[entity][name], privacy[entity].fields[name]
        value = stored.get(name)
        apart = goes_apart(field, identifier=bool(said.identifier), readonly=said.restrict == "readonly")
        if value is None or not apart:
            continue
        instead = _instead(field, said, value)
        if instead != value and not (instead is None and field.required):
            yield name, instead


def grounds_of(fields: Iterable[FieldPlan]) -> dict[str, Ground]:
    """Why fields of a plan stay."""
    return {each.name: Ground(_REASONS.get(each.code, Reason.LAW), _basis(each), each.until) for each in fields}


def _basis(field: FieldPlan) -> str:
    return "" if field.code == "LEGAL_HOLD" else field.basis  # that names the hold by its id


def _of_record(context: Writing, privacy: PrivacyModel, record: RecordPlan) -> int:
    kept = [each for each in record.fields if each.decision in _KEPT]
    return put_apart(context, privacy, (record.entity, record.id), grounds_of(kept)) if kept else 0


def _going(record: RecordPlan, names: frozenset[str]) -> frozenset[str]:
    if record.action is RecordAction.DELETE:
        return names
    return names & {each.name for each in record.fields if each.decision is Decision.ERASE or each.redacts}


def _instead(field: Field, said: FieldPrivacy, value: Any) -> Any:
    """What stands in place of a value; the value itself where nothing can, or something does already."""
    if not field.required:
        return None
    made = erased(field, said.erase, value) if said.erase is not None and said.erase.strategy in MADE_UP else None
    if made is not None and (not isinstance(made, str) or value_fits(field, made)):
        return made
    instead = None if is_ours(field, value) else stands_in(field)
    return value if instead is None else instead
