"""The mutations of erasure: a plan is opened, looked at, and run, by somebody else where much depends on it."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from enum import Enum
from typing import Any

from xrm_core.api import Action, ActionContext, On, Refuse, recheck_messages
from xrm_dsgvo import own
from xrm_dsgvo.discovery.graph import Candidate
from xrm_dsgvo.erasure import replaying
from xrm_dsgvo.erasure.persons import same_person
from xrm_dsgvo.erasure.plan import Plan
from xrm_dsgvo.erasure.planned import planned_of
from xrm_dsgvo.erasure.running import carry_out, kept_of
from xrm_dsgvo.privacy import privacy_of
from xrm_dsgvo.restriction.standing import require_nothing_restricted
from xrm_dsgvo.retention.deadline import end_of

RUN = "erasure_run"
_BACKUPS = "LK-35T-BACKUP"


class ErasureTrigger(Enum):
    """Why."""

    request = "request"
    withdrawal = "withdrawal"
    objection = "objection"
    unlawful = "unlawful"


@dataclass
class Reviewed:
    """What somebody has decided of a text that may be about others, too."""

    entity: str
    record: str
    field: str
    erase: bool


@dataclass
class ErasureRecord:
    """A record."""

    entity: str
    record: str


@dataclass
class ErasureOpenInput:
    """Whose data: one record that is the person; all that surely are the same one go along, but for ``not_theirs``.

    ``confirmed`` are candidates of which somebody has said that they are. ``running`` are activities with a basis of
    their own that go on.
    """

    entity: str
    record: str
    trigger: ErasureTrigger = ErasureTrigger.request
    running: list[str] = field(default_factory=list)
    reviewed: list[Reviewed] = field(default_factory=list)
    confirmed: list[ErasureRecord] = field(default_factory=list)
    not_theirs: list[ErasureRecord] = field(default_factory=list)


@dataclass
class ErasureCandidate:
    """A record that may be the same person's: ``code`` is WEAK, ROLE_MAILBOX or BIRTH_DATE."""

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
    """What becomes of a record."""

    entity: str
    record: str
    action: str
    cut: list[str]
    fields: list[PlannedField]


@dataclass
class PlanDefect:
    """What somebody has to mend."""

    entity: str
    record: str
    code: str
    what: str


@dataclass
class ErasureOpened:
    """The plan, and the run that would carry it out. ``candidates`` are not in it."""

    run: str
    plan_hash: str
    needs_review: bool
    records: list[PlannedRecord]
    defects: list[PlanDefect]
    candidates: list[ErasureCandidate]


@dataclass
class ErasureRunInput:
    """Which, and the plan that was looked at."""

    run: str
    plan_hash: str


@dataclass
class StepDone:
    """How much a step has done."""

    name: str
    count: int


@dataclass
class Kept:
    """What stays, why, and until when."""

    datenart: str
    decision: str
    basis: str
    until: date | None
    records: int


@dataclass
class ErasureDone:
    """The answer: what was done, what stays, and when the last backup with it is gone."""

    status: str
    steps: list[StepDone]
    kept: list[Kept]
    backup_clear_on: date


def open_run(context: ActionContext, given: ErasureOpenInput) -> ErasureOpened:
    """Plan it. Nothing is erased yet.

    Raises:
        Refuse: there is no such record, it is no person's, or data of the person are restricted.
    """
    require_nothing_restricted(context, given.entity, given.record)
    model = context.records.model
    known = given.entity in model and privacy_of(model)[given.entity].role == "is_subject"
    if not known or context.read(given.entity, given.record) is None:
        raise Refuse({"en": "There is no such person.", "de": "Diese Person gibt es nicht."}, field="record")
    if wrong := next((key for key in given.running if key not in context.settings.all_registers().activities), None):
        text = {"en": f"There is no activity {wrong}.", "de": f"Es gibt keine Tätigkeit {wrong}."}
        raise Refuse(text, field="running")
    reviewed = [[each.entity, each.record, each.field, each.erase] for each in given.reviewed]
    scope: dict[str, Any] = {
        "entity_name": given.entity,
        "record_id": given.record,
        "trigger": given.trigger.value,
        "scope": {
            "running": given.running,
            "reviewed": reviewed,
            "confirmed": [[each.entity, each.record] for each in given.confirmed],
            "not_theirs": [[each.entity, each.record] for each in given.not_theirs],
        },
    }
    same, candidates = same_person(context, privacy_of(model), scope)
    planned = planned_of(context, scope, same)
    run = own.create(context, RUN, scope | {"status": "planned", "plan_hash": planned.hash, "plan": planned.exported()})
    return _opened(run, planned, candidates)


def run(context: ActionContext, given: ErasureRunInput) -> ErasureDone:
    """Carry a plan out, if it still is what was looked at.

    Raises:
        Refuse: it is not, somebody has to decide first, or somebody else has to run it.
    """
    context.hold(RUN, given.run)
    stored = context.read(RUN, given.run)
    if stored is None or stored["status"] != "planned":
        raise Refuse({"en": "There is no such plan.", "de": "Diesen Plan gibt es nicht."}, field="run")
    require_nothing_restricted(context, str(stored["entity_name"]), str(stored["record_id"]))
    same, _ = same_person(context, privacy_of(context.records.model), stored)
    planned = planned_of(context, stored, same)
    if given.plan_hash != stored["plan_hash"] or planned.hash != stored["plan_hash"]:
        text = {
            "en": "The data have changed since: open the plan anew.",
            "de": "Die Daten haben sich seither geändert: den Plan neu öffnen.",
        }
        raise Refuse(text, field="planHash")
    if planned.needs_review:
        text = {
            "en": "Decide on the texts that are to be reviewed.",
            "de": "Erst über die zu prüfenden Texte entscheiden.",
        }
        raise Refuse(text, field="reviewed")
    _four_eyes(context, stored, planned)
    person = (str(stored["entity_name"]), str(stored["record_id"]))
    steps = carry_out(context, planned, lambda: planned_of(context, stored, same), person)
    recheck_messages(context)
    kept = list(kept_of(planned))
    status = "complete_with_retention" if kept else "complete"
    today = planned.day
    clear = end_of(context.settings.all_registers().retention_classes[_BACKUPS], today)
    assert clear is not None  # noqa: S101 - nothing suspends it
    told = [Kept(*key, count) for key, count in sorted(Counter(kept).items(), key=str)]
    report = {
        "steps": steps,
        "kept": [
            [each.datenart, each.decision, each.basis, each.until and str(each.until), each.records] for each in told
        ],
    }
    done = {"status": status, "approved_by": context.caller.actor, "ran_at": own.now(), "report": report}
    done["backup_clear_on"] = clear.isoformat()
    own.change(context, RUN, given.run, done)
    replaying.keep(context, given.run, stored, planned, done)
    return ErasureDone(status, [StepDone(*each) for each in steps.items()], told, clear)


def _four_eyes(context: ActionContext, stored: Any, planned: Plan) -> None:
    much = len(planned.records) > context.settings.erasure_alone or bool(stored["scope"]["reviewed"])
    if much and context.caller.actor in (None, stored["created_by"]):
        text = {
            "en": "Somebody else than who has opened the plan runs it.",
            "de": "Den Plan führt jemand anderes aus, als ihn geöffnet hat.",
        }
        raise Refuse(text, field="run")


def _opened(id_: str, planned: Plan, candidates: Iterable[Candidate]) -> ErasureOpened:
    records = [
        PlannedRecord(
            each.entity,
            each.id,
            each.action.value,
            list(each.cut),
            [
                PlannedField(f.name, f.decision.value, f.code, f.strategy, f.basis, f.until, f.class_)
                for f in each.fields
            ],
        )
        for each in planned.records
    ]
    defects = [PlanDefect(each.entity, each.id, each.code, each.what) for each in planned.defects]
    maybe = [ErasureCandidate(each.entity, each.id, list(each.fields), each.code) for each in candidates]
    return ErasureOpened(id_, planned.hash, planned.needs_review, records, defects, maybe)


def actions() -> list[Action]:
    """``dsgvoErasureOpen`` and ``dsgvoErasureRun``."""
    opens = {"en": "Plan the erasure of a person's data.", "de": "Die Löschung der Daten einer Person planen."}
    runs = {"en": "Carry out a plan of erasure.", "de": "Einen Löschplan ausführen."}
    return [
        Action("dsgvo.erasure_open", open_run, input=ErasureOpenInput, answers=ErasureOpened, description=opens),
        Action("dsgvo.erasure_run", run, input=ErasureRunInput, answers=ErasureDone, description=runs),
    ]


def hooks() -> list[On]:
    """Plans and their reports are written by the actions alone."""
    text = {"en": "The platform keeps this record.", "de": "Diesen Nachweis führt die Plattform."}
    return [own.kept(RUN, text)]
