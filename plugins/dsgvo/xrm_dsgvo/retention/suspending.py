"""Periods are suspended, and go on: ``dsgvoSuspensionSet`` and ``dsgvoSuspensionEnd``; done again after a restore."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import Any

from xrm_core.api import Action, ActionContext, On, Refuse, Replay, keep_beyond_restore
from xrm_dsgvo import own
from xrm_dsgvo.own import Writing
from xrm_dsgvo.processors.connectors import today
from xrm_dsgvo.requests.cases import review_day
from xrm_dsgvo.retention.suspensions import SUSPENSION

SET, ENDED = "dsgvo.suspension", "dsgvo.suspension_ended"
_KEPT = ("ground", "first_year", "last_year", "entity_name", "record_id", "retention_class", "review_on")


class SuspensionGround(Enum):
    """Why."""

    tax = "tax"
    dispute = "dispute"


@dataclass
class SuspensionSetInput:
    """``tax``: of the years from ``first_year`` to ``last_year``, all that tax law wants kept and that began in them
    (§ 147(3) AO). ``dispute``: of one record; once it is over its period is that of ``retention_class``, from that day.

    Without ``review_on`` it is reviewed in ``review_days``.
    """

    ground: SuspensionGround
    because: str
    first_year: int | None = None
    last_year: int | None = None
    entity: str | None = None
    record: str | None = None
    retention_class: str | None = None
    review_on: date | None = None


@dataclass
class SuspensionEndInput:
    """Which, on what day it has ended (without: today), and why."""

    suspension: str
    because: str
    ended_on: date | None = None


@dataclass
class SuspensionAnswer:
    """The suspension."""

    suspension: str
    status: str


def suspend(context: ActionContext, given: SuspensionSetInput) -> SuspensionAnswer:
    """From now on these periods do not end.

    Raises:
        Refuse: it is not said what of, or why.
    """
    tax = given.ground is SuspensionGround.tax
    _require_said(given.because, "because")
    if tax:
        _require_years(given)
    else:
        _require_record(context, given)
    values = {
        "ground": given.ground.value,
        "because": given.because.strip(),
        "first_year": given.first_year if tax else None,
        "last_year": given.last_year if tax else None,
        "entity_name": None if tax else given.entity,
        "record_id": None if tax else given.record,
        "retention_class": None if tax else given.retention_class,
        "review_on": (given.review_on or review_day(context.settings)).isoformat(),
        "status": "active",
    }
    made = own.create(context, SUSPENSION, values)
    keep_beyond_restore(context.connection, SET, {"suspension": made} | {name: values[name] for name in _KEPT})
    return SuspensionAnswer(made, "active")


def end(context: ActionContext, given: SuspensionEndInput) -> SuspensionAnswer:
    """It has ended: what is due goes with the next run.

    Raises:
        Refuse: there is none that is active, the day is still to come, or nothing is said of why.
    """
    context.hold(SUSPENSION, given.suspension)
    stored = context.read(SUSPENSION, given.suspension)
    if stored is None or stored["status"] != "active":
        text = {"en": "There is no such suspension.", "de": "Diese Ablaufhemmung gibt es nicht."}
        raise Refuse(text, field="suspension")
    _require_said(given.because, "because")
    day = today(context.settings)
    on = day if given.ended_on is None else given.ended_on.isoformat()
    if on > day:
        text = {"en": "It ends when it has ended: no day to come.", "de": "Kein künftiger Tag: erst, wenn sie endet."}
        raise Refuse(text, field="endedOn")
    ended = {"status": "ended", "ended_on": on, "ended_because": given.because.strip()[:500]}
    own.change(context, SUSPENSION, given.suspension, ended)
    keep_beyond_restore(context.connection, ENDED, {"suspension": given.suspension, "ended_on": on})
    return SuspensionAnswer(given.suspension, "ended")


def suspend_again(context: Writing, said: Mapping[str, Any]) -> None:
    """After a restore, under its id of then as its ``because``: no text that somebody has written is kept."""
    values = {name: said[name] for name in _KEPT}
    own.create(context, SUSPENSION, values | {"because": f"restore {said['suspension']}", "status": "active"})


def end_again(context: Writing, said: Mapping[str, Any]) -> None:
    """After a restore: that of the backup, or the one that was made again."""
    was, again = str(said["suspension"]), {"because": {"eq": f"restore {said['suspension']}"}}
    stored = context.read(SUSPENSION, was) or next(iter(context.find(SUSPENSION, again, 1)), None)
    if stored is not None and stored["status"] == "active":
        ended = {"status": "ended", "ended_on": said["ended_on"], "ended_because": "restore"}
        own.change(context, SUSPENSION, str(stored["id"]), ended)


def actions() -> list[Action]:
    """The two."""
    sets = {"en": "Keep periods from ending.", "de": "Fristen hemmen."}
    ends = {"en": "Let periods end again.", "de": "Eine Ablaufhemmung beenden."}
    return [
        Action("dsgvo.suspension_set", suspend, input=SuspensionSetInput, answers=SuspensionAnswer, description=sets),
        Action("dsgvo.suspension_end", end, input=SuspensionEndInput, answers=SuspensionAnswer, description=ends),
    ]


def hooks() -> list[On]:
    """They are set and ended by actions alone, and stay as a proof."""
    text = {"en": "Suspensions are set and ended by actions.", "de": "Ablaufhemmungen setzen und beenden Aktionen."}
    return [own.kept(SUSPENSION, text)]


def replays() -> list[Replay]:
    """What a restore does not take back."""
    return [Replay(SET, suspend_again), Replay(ENDED, end_again)]


def _require_said(text: str, field: str) -> None:
    if not text.strip():
        raise Refuse({"en": "Say why.", "de": "Den Grund angeben."}, field=field)


def _require_years(given: SuspensionSetInput) -> None:
    if given.first_year is None or given.last_year is None or given.first_year > given.last_year:
        text = {"en": "Name the years of the assessment.", "de": "Die Jahre der Festsetzung nennen."}
        raise Refuse(text, field="firstYear")


def _require_record(context: ActionContext, given: SuspensionSetInput) -> None:
    known = given.entity is not None and given.entity in context.records.model
    if not known or given.record is None or context.read(str(given.entity), given.record) is None:
        raise Refuse({"en": "There is no such record.", "de": "Diesen Datensatz gibt es nicht."}, field="record")
    classes = context.settings.all_registers().retention_classes
    if given.retention_class is not None and given.retention_class not in classes:
        text = {"en": "There is no such class.", "de": "Diese Löschklasse gibt es nicht."}
        raise Refuse(text, field="retentionClass")
