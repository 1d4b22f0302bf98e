"""A step of erasures: the keys of what goes are destroyed once the run is committed, so that no copy can be read."""

from collections import defaultdict
from collections.abc import Iterator, Mapping

from xrm_core.api import Record, Sealing, destroy_many_keys
from xrm_dsgvo.discovery.sources import target_of
from xrm_dsgvo.erasure.facts import Trigger
from xrm_dsgvo.erasure.plan import Decision, RecordAction, RecordPlan
from xrm_dsgvo.erasure.steps import STEPS, Step, Work
from xrm_dsgvo.privacy.log import rule_of
from xrm_dsgvo.subjects import SUBJECT

_WHOLE = frozenset({RecordAction.ANONYMIZE, RecordAction.DELETE})
_NOT_YET = frozenset({RecordAction.HOLD, RecordAction.NOTHING, RecordAction.REVIEW})
_EMPTYING = frozenset({"null", "delete_file"})
_FIRST = 0
"""Before links are cut: by them it is known whose a value is."""


def take_part() -> None:
    """Let erasures do it."""
    if _KEYS not in STEPS:
        STEPS.insert(_FIRST, _KEYS)


Keys = list[tuple[str, list[str] | None]]
"""Of whom, and of which classes; None: of all."""


def end_keys(work: Work) -> int:
    """Have keys destroyed; answers how many sealed values go with them."""
    count, keys = keys_of(work)
    destroy_many_keys(work.context.connection, keys)
    return count


def keys_of(work: Work) -> tuple[int, Keys]:
    """How many sealed values go, and with which keys. Asked before links are cut.

    A key goes if nothing stays that it has sealed. With a person of whom nothing sealed stays go all keys, so that
    nothing is sealed for them any more; what they have sealed before, and is empty by now, goes as well.
    """
    going: dict[str, set[str]] = defaultdict(set)
    staying: dict[str, set[str]] = defaultdict(set)
    count = 0
    for each in work.plan.records:
        if each.mention:  # what is sealed there is by the key of somebody else
            continue
        stored = work.context.read(each.entity, each.id) or {}
        for name, sealing in _sealed(work, each).items():
            subject = _subject(work, each, sealing, stored)
            if _goes(each, name):
                going[subject].add(sealing.class_name)
                count += stored.get(name) is not None
            elif stored.get(name) is not None:
                staying[subject].add(sealing.class_name)
    keys = dict(_keys(work, going, staying)) | dict.fromkeys(_persons(work))
    for id_, classes in _of_log(work):
        of_values = keys.get(id_, [])
        keys[id_] = None if of_values is None else [*of_values, *classes]
    return count, sorted(keys.items())


def _persons(work: Work) -> Iterator[str]:
    """Persons who are erased, also by ids that they had before a restore: by their keys is sealed what has lain in the
    vault, as old backups have it, and texts in the journal.
    """
    for each in work.plan.records:
        if each.entity == SUBJECT and each.action in _WHOLE:
            yield each.id
            of = {"data_subject": {"id": {"eq": each.id}}, "entity_name": {"eq": SUBJECT}}
            yield from (str(link["record_id"]) for link in work.context.find("data_subject_link", of))


def _of_log(work: Work) -> Iterator[tuple[str, list[str]]]:
    """The keys of what the change log has of records: those of parts of which no value stays."""
    for each in work.plan.records:
        if each.mention:
            continue
        entity, said = work.context.records.model[each.entity], work.privacy[each.entity]
        going, staying = set[str](), set[str]()
        for field in entity.fields.values():
            if (rule := rule_of(said, field)) is not None:
                (going if _ends(each, field.name) else staying).add(rule.key_class)
        if classes := going - staying:
            yield each.id, sorted(classes)


def _keys(
    work: Work, going: Mapping[str, set[str]], staying: Mapping[str, set[str]]
) -> Iterator[tuple[str, list[str] | None]]:
    whole = {each.id for each in work.plan.records if each.action in _WHOLE}
    for subject, classes in sorted(going.items()):
        if work.plan.trigger is Trigger.RETENTION and subject not in whole:
            # what is due is one record of a person who stays, with others that the same key has sealed
            continue
        stays = staying.get(subject, set())
        if subject in whole and not stays:
            yield subject, None
        elif left := classes - stays:
            yield subject, sorted(left)


def _sealed(work: Work, plan: RecordPlan) -> dict[str, Sealing]:
    fields = work.context.records.model[plan.entity].fields.values()
    return {each.name: each.sealing for each in fields if each.sealing is not None}


def _goes(plan: RecordPlan, name: str) -> bool:
    """Whether nothing stands in a field afterwards; what gets another value needs its key."""
    if plan.action is RecordAction.DELETE:
        return True
    said = next((each for each in plan.fields if each.name == name), None)
    erased = said is not None and said.decision is Decision.ERASE and said.strategy in _EMPTYING
    return erased and plan.action not in _NOT_YET


def _ends(plan: RecordPlan, name: str) -> bool:
    """Whether former values of a field are erased."""
    if plan.action is RecordAction.DELETE:
        return True
    said = next((each for each in plan.fields if each.name == name), None)
    return said is not None and said.decision is Decision.ERASE and plan.action not in _NOT_YET


def _subject(work: Work, plan: RecordPlan, sealing: Sealing, stored: Record) -> str:
    link = work.context.records.model[plan.entity].fields.get(sealing.subject)
    target = None if link is None else target_of(link, stored)
    return plan.id if target is None else target[1]


KEYS = "keys"
_KEYS = Step(KEYS, end_keys)
