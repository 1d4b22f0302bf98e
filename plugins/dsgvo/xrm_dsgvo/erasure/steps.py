"""What a run does, step by step: in one transaction, or a part of the records in each.

Each step is given the plan and may be called again after all of it is done: then it finds nothing to do. ``STEPS`` is
open to other parts of the plugin: who keeps values elsewhere (keys, indexes) appends what ends them there.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from xrm_core.api import Field, Record, end_account, erase_values, former_values
from xrm_dsgvo import own
from xrm_dsgvo.archive.moving import keep_apart, let_go
from xrm_dsgvo.discovery.sources import target_of
from xrm_dsgvo.erasure.derived import Dependent, dependents, empty, empty_what_is_made_of
from xrm_dsgvo.erasure.facts import Trigger
from xrm_dsgvo.erasure.groups import singled_out
from xrm_dsgvo.erasure.plan import Decision, Plan, RecordAction, RecordPlan
from xrm_dsgvo.erasure.values import blackened, erased
from xrm_dsgvo.own import Writing
from xrm_dsgvo.privacy import Erase, PrivacyModel
from xrm_dsgvo.subjects import SUBJECT

USER = "user"
GONE = {RecordAction.ANONYMIZE, RecordAction.DELETE}
_BLACKENED = Erase("redact_text")
_PERSONAL = ("owner", "participant", "recipient")
_ENDED = {RecordAction.HOLD, RecordAction.NOTHING, RecordAction.REVIEW}


@dataclass
class Work:
    """What steps share. ``needles`` name the person and live here alone, as long as the run; ``of`` is the work of the
    whole plan, where this is a part of it. ``anew``: what is worked out of what goes is emptied, to be worked
    out anew; a look whether anything is left does not empty it once more.
    """

    context: Writing
    privacy: PrivacyModel
    plan: Plan
    needles: frozenset[str] = frozenset()
    surrogates: dict[tuple[str, str], str] = field(default_factory=dict)
    of: "Work | None" = None
    anew: bool = False

    @cached_property
    def cut_off(self) -> frozenset[tuple[str, str]]:
        """Records that stay and have no way to the person once the run is done."""
        if self.of is not None:
            return self.of.cut_off
        kept = (each for each in self.plan.records if each.cut and each.action is not RecordAction.DELETE)
        return frozenset((each.entity, each.id) for each in kept)

    @cached_property
    def dependents(self) -> dict[str, list[Dependent]]:
        """What of other records is worked out of records of an entity."""
        return self.of.dependents if self.of is not None else dependents(self.context.records.model, self.privacy)


@dataclass(frozen=True)
class Step:
    """One of a run. ``do`` answers how much it has done."""

    name: str
    do: Callable[[Work], int]


def needles_of(context: Writing, privacy: PrivacyModel, plan: Plan) -> frozenset[str]:
    """What names the person directly, or once did, out of what is planned.

    Sealed values are opened for it if there is a text in which they are to be blackened.

    Raises:
        SealingUnavailable: they cannot be.
    """
    found: set[str] = set()
    opens = blackens(plan)
    for record in plan.records:
        said = privacy[record.entity].fields
        names = [each.name for each in record.fields if said[each.name].identifier == "direct"]
        found |= set(names_in(context, (record.entity, record.id), names, opens=opens))
    return frozenset(found)


def blackens(plan: Plan) -> bool:
    """Whether there is a text in which it is blackened what names the person."""
    return any(each.redacts for _, each in plan.fields())


def names_in(context: Writing, key: tuple[str, str], names: Collection[str], *, opens: bool) -> Iterator[str]:
    """What fields of a record hold and have held; sealed ones only if it ``opens`` them.

    Raises:
        SealingUnavailable: they cannot be opened.
    """
    entity, id_ = context.records.model[key[0]], key[1]
    if not names:
        return
    stored = context.read(*key) or {}
    clear = [name for name in names if entity[name].sealing is None]
    values = [*(stored.get(name) for name in clear), *former_values(context, id_, clear)]
    for name in names if opens else ():
        if entity[name].sealing is not None:
            sealed = {stored.get(name), *former_values(context, id_, [name])}
            values += [_opened(context, key, name, each) for each in sealed]
    yield from (value for value in values if isinstance(value, str))


def _opened(context: Writing, key: tuple[str, str], name: str, value: Any) -> Any:
    """A sealed value in clear; None: its key is destroyed."""
    looking: Any = context
    return looking.in_clear(key[0], {"id": key[1], name: value})[name]


def change_fields(work: Work) -> int:
    """Empty, replace or coarsen fields, and cut the links to the person; deleted records do not need it."""
    return sum(change(work, each) for each in work.plan.records if each.action is not RecordAction.DELETE)


def delete_records(work: Work) -> int:
    """Delete what goes as a whole: what refers to others before those."""
    count = 0
    for each in deleted(work.plan):
        if (stored := work.context.read(each.entity, each.id)) is not None:
            empty_what_is_made_of(work.context, work.dependents, (each.entity, each.id), stored, None)
            own.delete(work.context, each.entity, each.id)
            count += 1
    return count


def forget_history(work: Work) -> int:
    """The former values go from the change log and the trash; of a user all that belongs to the account."""
    count = 0
    for each in work.plan.records:
        if each.action is RecordAction.DELETE:
            count += erase_values(work.context, each.entity, each.id).entries
        elif names := _touched(work, each):
            count += erase_values(work.context, each.entity, each.id, names).entries
        if each.entity == USER and each.action in GONE:
            end_account(work.context, each.id)
    return count


def end_subject(work: Work) -> int:
    """The person is erased, for good: nothing new comes to them."""
    count = 0
    for each in work.plan.records:
        stored = work.context.read(each.entity, each.id) if each.entity == SUBJECT and each.action in GONE else None
        if stored is not None and stored["status"] != "erased":
            own.change(work.context, SUBJECT, each.id, {"status": "erased"})
            count += 1
    return count


def out_of_archive(work: Work) -> int:
    """What lay in the archive and goes, ends there."""
    return let_go(work.context, work.privacy, work.plan)


def into_archive(work: Work) -> int:
    """What stays for the law, a dispute or a hold, goes there."""
    return keep_apart(work.context, work.privacy, work.plan)


FROM_ARCHIVE, ARCHIVE = "from_archive", "archive"

STEPS: list[Step] = [
    Step(FROM_ARCHIVE, out_of_archive),
    Step("fields", change_fields),
    Step("records", delete_records),
    Step(ARCHIVE, into_archive),
    Step("history", forget_history),
    Step("subject", end_subject),
]


def deleted(plan: Plan) -> list[RecordPlan]:
    """What goes as a whole, in that order: what refers to others before those."""
    return sorted((each for each in plan.records if each.action is RecordAction.DELETE), key=lambda each: not each.cut)


def _touched(work: Work, plan: RecordPlan) -> list[str]:
    """The fields of a record whose former values go: what is erased, and the links that are cut."""
    if plan.action in _ENDED:
        return []
    entity = work.context.records.model[plan.entity]
    names = [each.name for each in plan.fields if each.decision is Decision.ERASE or each.redacts]
    return [name for name in (*names, *plan.cut) if not entity[name].virtual]


def pending(work: Work, plan: RecordPlan) -> Mapping[str, Any]:
    """What is still to be changed in a record."""
    stored = work.context.read(plan.entity, plan.id)
    if stored is None:
        return {}
    return {name: value for name, value in _values(work, plan, stored).items() if value != stored.get(name)}


def change(work: Work, plan: RecordPlan) -> bool:
    """Do to the fields of one record what is planned for them; answers whether there was anything to do."""
    changes = pending(work, plan)
    if changes:
        key, stored = (plan.entity, plan.id), work.context.read(plan.entity, plan.id) or {}
        empty_what_is_made_of(work.context, work.dependents, key, stored, changes.keys())
        own.change(work.context, plan.entity, plan.id, changes)
    return bool(changes)


def _values(work: Work, plan: RecordPlan, stored: Record) -> Mapping[str, Any]:
    entity, said = work.context.records.model[plan.entity], work.privacy[plan.entity]
    black = {each.name for each in plan.fields if each.redacts}
    if plan.mention:  # the field is somebody else's, whose annotation is about them
        touched = _touched(work, plan)
        return {name: _black(work, plan, name, stored) if name in black else None for name in touched}
    values: dict[str, Any] = {}
    for name in _touched(work, plan):
        each, rule = entity[name], said.fields[name].erase
        if name in plan.cut:
            # Lines of an order that stays go on being its lines: it leads to nobody any more.
            if target_of(each, {name: stored[name]}) not in work.cut_off or not each.required:
                values[name] = _elsewhere(work, plan, each, stored[name]) if each.required else None
        elif name in black and isinstance(stored[name], str):
            values[name] = erased(each, _BLACKENED, stored[name], work.needles)
        elif name not in black and rule is not None and rule.strategy not in ("keep", "recompute"):
            values[name] = erased(each, rule, stored[name], work.needles)
        elif work.anew and name not in black and rule is not None and rule.strategy == "recompute":
            values[name] = empty(each, stored[name])
    if plan.action is RecordAction.ANONYMIZE:
        values |= dict.fromkeys(singled_out(work.context, entity, said, stored, values))
    return values


def _black(work: Work, plan: RecordPlan, name: str, stored: Record) -> str | None:
    """A text of somebody else without what names the person. A sealed one is opened for that, and sealed anew as it is
    written; one in which nothing names them, or that nobody can open any more, stays as it is.
    """
    value = stored[name]
    if work.context.records.model[plan.entity][name].sealing is None or value is None:
        return blackened(str(value or ""), work.needles) or None
    clear = _opened(work.context, (plan.entity, plan.id), name, value)
    left = clear if clear is None else blackened(str(clear), work.needles)
    return str(value) if left == clear else left


def _elsewhere(work: Work, plan: RecordPlan, link: Field, value: Any) -> Any:
    """A required link leads to a record with nobody in it: one for each run and entity, so that what belonged together
    still does; one for each record where no two may refer to the same.
    """
    if work.plan.trigger is Trigger.RETENTION:
        return value
    keys = (key for key in work.context.records.model[plan.entity].unique_together if link.name in key)
    return _nobody(work, link, value, plan.id if link.unique or any(keys) else "")


def _nobody(work: Work, link: Field, value: Any, whose: str) -> Any:
    target = target_of(link, {link.name: value})
    if target is None:
        return value
    if (place := (target[0], whose)) not in work.surrogates:
        work.surrogates[place] = _surrogate(work, *target, whose)
    id_ = work.surrogates[place]
    return {target[0]: id_} if link.reference.polymorphic else id_


def _surrogate(work: Work, entity: str, id_: str, whose: str) -> str:
    model, said = work.context.records.model[entity], work.privacy[entity]
    stored = work.context.read(entity, id_) or {}
    values: dict[str, Any] = {}
    for each in model.fields.values():
        if each.required and each.writable:
            rule, link = said.fields[each.name].erase, said.fields[each.name].link
            value = stored.get(each.name)
            if link is not None and link.role in _PERSONAL and each.relation is not None:
                values[each.name] = _nobody(work, each, value, whose or id_ if each.unique else whose)
            else:
                values[each.name] = value if rule is None else erased(each, rule, value)
    return own.create(work.context, entity, values)
