"""``dsgvoErasureOpen``: a plan is made, and kept to be looked at."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from enum import Enum
from typing import Any

from xrm_core.api import Action, ActionContext, On, Refuse
from xrm_dsgvo import own
from xrm_dsgvo.discovery.finding import TooManyRecords
from xrm_dsgvo.discovery.graph import Candidate, Key
from xrm_dsgvo.erasure.keeping import NO_PLAN, RUN, keep
from xrm_dsgvo.erasure.large import keep_made, made, make_later
from xrm_dsgvo.erasure.mentioned import exported, is_whole
from xrm_dsgvo.erasure.persons import Same, is_there, restrictions_of, same_person
from xrm_dsgvo.erasure.pieces import PART
from xrm_dsgvo.erasure.plan import Plan
from xrm_dsgvo.file_search.results import Searched, searched_for
from xrm_dsgvo.privacy import privacy_of
from xrm_dsgvo.restriction.standing import require_erasable
from xrm_dsgvo.subjects import require_natural


class ErasureTrigger(Enum):
    """Why."""

    request = "request"
    withdrawal = "withdrawal"
    objection = "objection"
    unlawful = "unlawful"


@dataclass
class Reviewed:
    """What somebody has decided of a text that may be about others, too; without a record of all on which nothing else
    is decided.
    """

    entity: str
    field: str
    erase: bool
    record: str | None = None


@dataclass
class ErasureRecord:
    """A record."""

    entity: str
    record: str


@dataclass
class ErasureOpenInput:
    """Whose data: one record that is the person; all that surely are the same one go along, but for ``not_theirs``.

    ``confirmed`` are candidates of which somebody has said that they are. ``running`` are activities with a basis of
    their own that go on. ``ended``: only what was for these goes, such as after a withdrawal or an objection; all other
    activities go on. ``by_job`` has the plan made by a job in any case, which takes as long as it takes.
    """

    entity: str
    record: str
    trigger: ErasureTrigger = ErasureTrigger.request
    running: list[str] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)
    reviewed: list[Reviewed] = field(default_factory=list)
    confirmed: list[ErasureRecord] = field(default_factory=list)
    not_theirs: list[ErasureRecord] = field(default_factory=list)
    by_job: bool = False


@dataclass
class ErasureCandidate:
    """A record that may be the same person's: ``code`` is WEAK, ROLE_MAILBOX, BIRTH_DATE or OTHER_NAME."""

    entity: str
    record: str
    fields: list[str]
    code: str


@dataclass
class PlannedField:
    """What becomes of a field."""

    name: str
    decision: str
    code: str
    strategy: str | None
    basis: str
    until: date | None
    retention_class: str | None


@dataclass
class PlannedRecord:
    """What becomes of a record; once it is done of ``count`` records, of which nobody says any more which they were."""

    entity: str
    record: str | None
    count: int
    action: str
    cut: list[str]
    fields: list[PlannedField]


@dataclass
class PlanDefect:
    """What somebody has to mend."""

    entity: str
    record: str | None
    code: str
    what: str


@dataclass
class ErasureOpened:
    """The plan, and the run that would carry it out. ``candidates`` are not in it.

    ``status``: ``planned``; or ``planning``: a job makes it, since so much belongs to the person, and dsgvoErasurePlan
    has it once it is made.
    ``files_searched_on``: when the files of others were searched for the person; those that name them are in the plan.
    ``defects`` say also what could not be searched.
    """

    run: str
    status: str
    plan_hash: str | None
    needs_review: bool
    records: list[PlannedRecord]
    defects: list[PlanDefect]
    candidates: list[ErasureCandidate]
    files_searched_on: date | None


def open_run(context: ActionContext, given: ErasureOpenInput) -> ErasureOpened:
    """Plan it. Nothing is erased yet.

    Raises:
        Refuse: there is no such record, it is no natural person, or the person wants their restricted data kept.
    """
    model = context.records.model
    known = given.entity in model and privacy_of(model)[given.entity].role == "is_subject"
    if not known or not is_there(context, (given.entity, given.record)):
        raise Refuse({"en": "There is no such person.", "de": "Diese Person gibt es nicht."}, field="record")
    require_natural(context, (given.entity, given.record), "record")
    running = _running(context, given)
    reviewed = [[each.entity, each.record, each.field, each.erase] for each in given.reviewed]
    scope: dict[str, Any] = {
        "entity_name": given.entity,
        "record_id": given.record,
        "trigger": given.trigger.value,
        "scope": {
            "running": running,
            "reviewed": reviewed,
            "confirmed": [[each.entity, each.record] for each in given.confirmed],
            "not_theirs": [[each.entity, each.record] for each in given.not_theirs],
        },
    }
    same = same_person(context, privacy_of(model), scope)
    require_erasable(restrictions_of(context, scope, same.records), given.trigger.value)
    searched = _searched(context, [(given.entity, given.record), *same.records])
    scope["scope"]["files"] = [] if searched is None else searched.exported()
    scope["scope"]["missing"] = [] if searched is None else [list(each) for each in searched.missing]
    scope["scope"] |= _of_search(scope, searched, [(given.entity, given.record), *same.records])
    scope["scope"]["searched_on"] = searched.on.isoformat() if searched is not None and searched.on else None
    planned = None if given.by_job else _made_now(context, scope, same)
    values = {"plan_hash": planned and planned.hash, "scope": {"running": running}}
    run = own.create(context, RUN, scope | values | {"status": "planning" if planned is None else "planned"})
    if planned is None:
        keep(context, run, scope["scope"], NO_PLAN)
        make_later(context, run, context.caller.actor)
    else:
        keep_made(context, run, scope["scope"], planned, same)
    return _opened(run, planned, same.candidates, None if searched is None else searched.on)


def _of_search(scope: dict[str, Any], searched: Searched | None, own_: list[Key]) -> dict[str, Any]:
    """Sealed texts of others that a search has found, and whether it looked for all records of the person."""
    if searched is None:
        return {"sealed_texts": [], "not_for_all": False}
    texts = [each for each in searched.texts if is_whole(scope) and each[0] not in own_]
    return {"sealed_texts": exported(texts), "not_for_all": searched.leaves_out(own_)}


def _made_now(context: ActionContext, scope: dict[str, Any], same: Same) -> Plan | None:
    """None: it is too large for a request."""
    try:
        return made(context, scope, same, context.settings.erasure_planned_at_once)
    except TooManyRecords:
        return None


def _searched(context: ActionContext, own_: Iterable[Key]) -> Searched | None:
    """The newest search of files for the person. Raises Refuse: it is under way."""
    found = searched_for(context, own_)
    if found is not None and found.running:
        text = {
            "en": "The search of files is under way: open the plan once it is done.",
            "de": "Die Suche in Dateien läuft noch: den Plan öffnen, sobald sie fertig ist.",
        }
        raise Refuse(text)
    return found


def _running(context: ActionContext, given: ErasureOpenInput) -> list[str]:
    """The activities that go on."""
    known = context.settings.all_registers().activities
    for name, keys in (("running", given.running), ("ended", given.ended)):
        if wrong := next((key for key in keys if key not in known), None):
            text = {"en": f"There is no activity {wrong}.", "de": f"Es gibt keine Tätigkeit {wrong}."}
            raise Refuse(text, field=name)
    others = set(known) - set(given.ended) if given.ended else set()
    return sorted({*given.running, *others})


def _opened(id_: str, planned: Plan | None, candidates: Iterable[Candidate], searched_on: date | None) -> ErasureOpened:
    maybe = [ErasureCandidate(each.entity, each.id, list(each.fields), each.code) for each in candidates]
    if planned is None:
        return ErasureOpened(id_, "planning", None, False, [], [], maybe, searched_on)
    records = [
        PlannedRecord(
            each.entity,
            each.id,
            1,
            each.action.value,
            list(each.cut),
            [
                PlannedField(f.name, f.decision.value, f.code, f.strategy, f.basis, f.until, f.class_)
                for f in each.fields
            ],
        )
        for each in planned.records
    ]
    defects = [PlanDefect(each.entity, each.id or None, each.code, each.what) for each in planned.defects]
    return ErasureOpened(id_, "planned", planned.hash, planned.needs_review, records, defects, maybe, searched_on)


def actions() -> list[Action]:
    """``dsgvoErasureOpen``."""
    opens = {"en": "Plan the erasure of a person's data.", "de": "Die Löschung der Daten einer Person planen."}
    return [Action("dsgvo.erasure_open", open_run, input=ErasureOpenInput, answers=ErasureOpened, description=opens)]


def hooks() -> list[On]:
    """Plans and their reports are written by the actions alone."""
    text = {"en": "The platform keeps this record.", "de": "Diesen Nachweis führt die Plattform."}
    return [own.kept(RUN, text), own.kept(PART, text)]
