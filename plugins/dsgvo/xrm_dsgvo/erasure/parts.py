"""A run in parts, each a transaction: what comes when, and how far it is. Ids and names, no content.

The person comes first: what is theirs loses its values in the transaction that begins the run, so that nobody finds
them, or writes to them, in a state that is half done. Former values and files go last, since what names the person is
known by them as long as texts are left in which it is to be blackened; keys when all else is done.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

from xrm_core.api import Refuse, data_stores, forget_answers, recheck_messages
from xrm_dsgvo import own
from xrm_dsgvo.erasure.beside import SYSTEM, left_beside
from xrm_dsgvo.erasure.pieces import Piece, add, get, items, put
from xrm_dsgvo.erasure.plan import Plan, RecordAction, RecordPlan
from xrm_dsgvo.erasure.steps import ARCHIVE, FROM_ARCHIVE, GONE, STEPS, Work, change, deleted, out_of_archive
from xrm_dsgvo.own import Writing
from xrm_dsgvo.privacy import privacy_of
from xrm_dsgvo.sealed.ending import KEYS, Keys, keys_of
from xrm_dsgvo.stores.persons import of_plan
from xrm_dsgvo.stores.steps import State, begun, open_of
from xrm_dsgvo.subjects import SUBJECT

STORES = "stores"
"""A step of its own, outside of transactions: see :mod:`xrm_dsgvo.stores.steps`."""

PLAN = "plan"
"""Before all: a large plan is looked at again by the job, which then does the first part."""

ORDER = ("fields", "records", STORES, SYSTEM, ARCHIVE, "history", "subject")
"""After the first part, which has noted the keys and done what is the person; then it is looked whether all is done."""

BEFORE_HISTORY = ORDER[:2]

MOST_REFUSED = 100
"""So many records that refuse are named; of more the first."""


@dataclass
class Progress:
    """How far a run is.

    Args:
        step: which of ``ORDER`` is next; none of them: all are done.
        at: how many records of it are done.
        counts: how much each step has done.
        stores: how those of plugins are, by name: see :data:`xrm_dsgvo.stores.steps.State`.
        named: whether something names the person by which stores can be asked.
        failures: what has refused, as :class:`~xrm_dsgvo.erasure.going_on.ErasureFailure`.
        sizes: of how many records each step of ``ORDER`` is.
    """

    step: str = ORDER[0]
    at: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    stores: dict[str, State] = field(default_factory=dict)
    named: bool = False
    failures: list[dict[str, str | None]] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)

    def exported(self) -> dict[str, Any]:
        """As JSON."""
        return dict(vars(self))

    @classmethod
    def of(cls, said: Mapping[str, Any] | None) -> Self:
        """Of JSON."""
        return cls(**(said or {}))

    @property
    def waits_for_stores(self) -> bool:
        """Whether stores of plugins are next."""
        return self.step == STORES and bool(open_of(self.stores))

    @property
    def is_through(self) -> bool:
        """Whether no step is left."""
        return self.step not in (PLAN, *ORDER)

    def percent(self) -> int:
        """How much of it is done."""
        if self.step == PLAN:
            return 0
        done = sum(self.sizes) if self.is_through else sum(self.sizes[: ORDER.index(self.step)]) + self.at
        return min(100 * done // max(sum(self.sizes), 1), 100)


Made = dict[tuple[str, str], str]
"""Records in which nobody is, to which links lead: by entity and whose they are."""


def begin(context: Writing, run: str, plan: Plan, needles: frozenset[str]) -> Progress:
    """The first part: what is the person loses its values, what waits to be sent to them is looked at again, and it is
    noted which keys go.
    """
    sizes = [1 if step == SYSTEM else len(records_of(step, plan)) for step in ORDER]
    progress = Progress(counts=dict.fromkeys((KEYS, SYSTEM, *(each.name for each in STEPS)), 0), sizes=sizes)
    progress.stores = begun(data_stores(context))
    progress.named = bool(progress.stores and of_plan(context, plan).identifiers)
    work = Work(context, privacy_of(context.records.model), plan, needles, anew=True)
    progress.counts[KEYS], keys = keys_of(work)
    put(context, run, Piece.KEYS, keys)
    progress.counts[FROM_ARCHIVE] = out_of_archive(work)
    for each in plan.records:
        if each.own:
            progress.counts["fields"] += change(work, each)
            if each.entity == SUBJECT and each.action in GONE:
                own.change(context, SUBJECT, each.id, {"status": "erasing"})
    _keep_made(context, run, {}, work.surrogates)
    recheck_messages(context)
    forget_answers(context)
    return progress


def keys_kept(context: Writing, run: str) -> Keys:
    """The keys that :func:`begin` has noted."""
    return [(subject, classes) for subject, classes in get(context, run, Piece.KEYS) or ()]


def begin_whole(context: Writing, run: str, plan: Plan, needles: frozenset[str]) -> Progress:
    """All that is done in the tables, at once: what is left are stores, and what named the person.

    Raises:
        Refuse: something refused to go, and nothing was done.
    """
    progress = begin(context, run, plan, needles)
    while progress.step in BEFORE_HISTORY:
        go_on(context, run, plan, progress, needles, max(len(plan.records), 1))
    if progress.failures:
        codes = ", ".join(sorted({str(each["code"]) for each in progress.failures}))
        text = {
            "en": f"Something refused to be erased ({codes}): nothing was done.",
            "de": f"Etwas ließ sich nicht löschen ({codes}): nichts wurde getan.",
        }
        raise Refuse(text)
    return progress


def go_on(context: Writing, run: str, plan: Plan, progress: Progress, needles: frozenset[str], most: int) -> None:
    """The next part, of so many records. What refuses one of them keeps no other, and is noted."""
    records, privacy = records_of(progress.step, plan), privacy_of(context.records.model)
    whole, known = Work(context, privacy, plan), _made(context, run)
    before = dict(known)
    for each in records[progress.at : progress.at + most]:
        made = dict(known)
        work = Work(context, privacy, replace(plan, records=(each,)), needles, made, whole, anew=True)
        done: list[int] = []
        # mypy infers no type for a lambda whose defaults bind what the loop has now
        refusal = context.attempt(lambda work=work, done=done: done.append(_DO[progress.step](work)))  # type: ignore[misc]
        if refusal is None:
            progress.counts[progress.step] += done[0]
            known = made
        elif len(progress.failures) < MOST_REFUSED:
            progress.failures.append(failure(progress.step, refusal.code, each))
    _keep_made(context, run, before, known)
    progress.at += most
    skip(plan, progress)


def _made(context: Writing, run: str) -> Made:
    return {(entity, whose): id_ for entity, whose, id_ in items(context, run, Piece.MADE)}


def _keep_made(context: Writing, run: str, before: Made, made: Made) -> None:
    add(context, run, Piece.MADE, ([*place, id_] for place, id_ in made.items() if place not in before))


def search_system(context: Writing, progress: Progress, plan: Plan, named: Collection[str]) -> str:
    """What the platform keeps beside records loses what names the person, as long as the log says what that is;
    answers the status of the run.
    """
    count, left = left_beside(context, named)
    progress.counts[SYSTEM] = progress.counts.get(SYSTEM, 0) + count
    progress.failures += left[:MOST_REFUSED]
    if left:
        return "failed"
    progress.step = _after(SYSTEM)
    skip(plan, progress)
    return "running"


def skip(plan: Plan, progress: Progress) -> None:
    """Go on to the next step in which something is left to do."""
    while not (progress.is_through or progress.waits_for_stores or progress.step == SYSTEM) and progress.at >= len(
        records_of(progress.step, plan)
    ):
        progress.step, progress.at = _after(progress.step), 0


def failure(step: str, code: str, record: RecordPlan | None = None) -> dict[str, str | None]:
    """What is kept of a refusal: no text of it, which may have values."""
    key = (None, None) if record is None else (record.entity, record.id)
    return {"step": step, "code": code, "entity": key[0], "record": key[1]}


def records_of(step: str, plan: Plan) -> list[RecordPlan]:
    """With what records a step has to do, in its order."""
    if step == "fields":
        return [each for each in plan.records if not each.own and each.action is not RecordAction.DELETE]
    if step == "records":
        return deleted(plan)
    if step == "subject":
        return [each for each in plan.records if each.entity == SUBJECT]
    return list(plan.records) if step in (ARCHIVE, "history") else []


def names_anybody(step: str, plan: Plan) -> bool:
    """Whether it has to be known for a step what names the person."""
    planned = (each for record in records_of(step, plan) for each in record.fields)
    return step == "fields" and any(each.redacts for each in planned)


def _after(step: str) -> str:
    return (*ORDER, "")[ORDER.index(step) + 1]


_DO = {each.name: each.do for each in STEPS if each.name in ORDER}
