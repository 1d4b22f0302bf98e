"""The nightly run: batch by batch, each a transaction, so that it can be stopped or killed at any moment and goes on.

Where it goes on needs no note: what went is not found again, or stands in the deletion protocol.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from functools import partial
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from xrm_core.api import Action, ActionContext, JobContext, JobHandler, On, Schedule
from xrm_dsgvo import own
from xrm_dsgvo.archive.nightly import archive_stored, end_orphans
from xrm_dsgvo.own import Writing
from xrm_dsgvo.privacy import EntityPrivacy, privacy_of
from xrm_dsgvo.retention.candidates import kept, page, purpose_page
from xrm_dsgvo.retention.carrying import ENTRY, Batch, work
from xrm_dsgvo.retention.in_stores import refused_by_stores
from xrm_dsgvo.retention.missing import without_start
from xrm_dsgvo.retention.tally import RetentionReport, Tally, lines, stored

RETAIN, RUN = "dsgvo.retain", "retention_run"
_MOST_DEFECTS = 200
_LOOKED_AT = 200
"""So many records of each entity the report looks at."""

Result = TypeVar("Result")


def retain(job: JobContext, _: Mapping[str, Any]) -> Mapping[str, Any]:
    """Let go what is due; or, unless the installation says so, only look, and keep what was found."""
    settings = job.settings
    if settings.retention == "off":
        return {"retention": "off"}
    registers, day = settings.all_registers(), _today(settings)
    privacy = privacy_of(job.records.model)
    run, tally = own.in_job(job, lambda context: _begun(context, day, settings.retention))
    batch = Batch(registers, day, run if settings.retention == "delete" else None)
    defects: list[dict[str, str]] = []
    for said in kept(privacy):
        first = partial(page, model=job.records.model, registers=registers, said=said, day=day, after="", limit=1)
        after: str | None = "" if _looked(job, first).ids else None
        while after is not None:
            looking = partial(
                page,
                model=job.records.model,
                registers=registers,
                said=said,
                day=day,
                after=after,
                limit=settings.retention_batch,
            )
            found = _looked(job, looking)
            mine = replace(batch, refused=refused_by_stores(job, batch, said, found.ids))
            tally = own.in_job(job, partial(_batch, batch=mine, run=run, said=said, ids=found.ids, tally=tally))
            after = found.after
        _purposes(job, batch, said, tally)
        after = ""
        while after is not None:
            missing = partial(without_start, registers=registers, said=said, day=day, after=after)
            ids, after = _looked(job, missing)
            tally.seen(said.name, "start_missing", len(ids))
            defects += [{"entity": said.name, "id": each, "code": "START_MISSING"} for each in ids]
    if batch.run is not None:
        _end_orphans(job, day)
    ended = {"status": "complete", "ended_at": own.now()}
    told = tally.exported() | {"defects": defects[:_MOST_DEFECTS]}
    own.in_job(job, lambda context: own.change(context, RUN, run, ended | {"report": told}))
    return {"done": sum(sum(each.values()) for each in tally.done.values()), "defects": len(defects)}


def _purposes(job: JobContext, batch: Batch, said: EntityPrivacy, tally: Tally) -> None:
    """What has lost its purpose, and is kept by its period, goes into the archive."""
    after: str | None = "" if said.retention is not None and said.retention.purpose_end is not None else None
    limit = job.settings.retention_batch
    while after is not None:
        looking = partial(purpose_page, model=job.records.model, said=said, day=batch.day, after=after, limit=limit)
        found = _looked(job, looking)
        does = batch.run is not None
        archiving = partial(archive_stored, registers=batch.registers, said=said, ids=found.ids, does=does)
        count = own.in_job(job, archiving) if does else _looked(job, archiving)
        tally.seen(said.name, "purpose_ended", 0 if does else count)
        for _ in range(count if does else 0):
            tally.went(said.name, "archived")
        after = found.after


def _end_orphans(job: JobContext, day: date) -> None:
    """What lies in the archive of records that are gone ends with its period."""
    after: str | None = ""
    while after is not None:
        _, after = own.in_job(job, partial(end_orphans, day=day, after=after, limit=job.settings.retention_batch))


def report(context: ActionContext) -> RetentionReport:
    """What would go now, by entity and Löschklasse. Nothing is changed."""
    registers, day, tally = context.settings.all_registers(), _today(context.settings), Tally()
    privacy = privacy_of(context.records.model)
    for said in kept(privacy):
        found = page(context, context.records.model, registers, said, day, "", _LOOKED_AT)
        work(context, Batch(registers, day), said, found.ids, tally)
        ended = purpose_page(context, context.records.model, said, day, "", _LOOKED_AT)
        tally.seen(said.name, "purpose_ended", archive_stored(context, registers, said, ended.ids, does=False))
        tally.seen(said.name, "start_missing", len(without_start(context, registers, said, day)[0]))
    return RetentionReport(day, list(lines(privacy, registers, tally)))


def actions() -> list[Action]:
    """``dsgvoRetentionReport``."""
    about = {"en": "What is due to be deleted, by class.", "de": "Was zu löschen ansteht, nach Löschklassen."}
    return [Action("dsgvo.retention_report", report, answers=RetentionReport, description=about)]


def jobs() -> list[JobHandler]:
    """The engine."""
    return [JobHandler(RETAIN, retain)]


def schedules() -> list[Schedule]:
    """Each night."""
    return [Schedule(RETAIN, RETAIN, "10 2 * * *")]


def hooks() -> list[On]:
    """Runs and the deletion protocol are written by the engine alone."""
    text = {"en": "The platform keeps the deletion protocol.", "de": "Das Löschprotokoll führt die Plattform."}
    return [own.kept(RUN, text), own.kept(ENTRY, text)]


def _looked(job: JobContext, do: Callable[[Any], Result]) -> Result:
    """What only reads keeps nobody from writing."""
    with job.read() as connection:
        return do(own.within(job, connection))


def _begun(context: Writing, day: date, mode: str) -> tuple[str, Tally]:
    """The run of this day, gone on with or new; one of an earlier day will not go on any more."""
    going, tally = None, Tally()
    for each in context.find(RUN, {"status": {"eq": "running"}}, 1_000):
        if each["day"] == day.isoformat() and each["mode"] == mode:
            going, tally = str(each["id"]), stored(each["report"])
        else:
            own.change(context, RUN, str(each["id"]), {"status": "stopped"})
    if going is None:
        values = {"day": day.isoformat(), "mode": mode, "status": "running", "report": tally.exported()}
        going = own.create(context, RUN, values)
    return going, tally


def _batch(context: Writing, batch: Batch, run: str, said: Any, ids: Sequence[str], tally: Tally) -> Tally:
    """The next records; the tally is a copy, since a transaction may be done again."""
    mine = Tally(_copied(tally.done), _copied(tally.stays))
    work(context, batch, said, ids, mine)
    if mine.done != tally.done:
        own.change(context, RUN, run, {"report": mine.exported()})
    return mine


def _copied(counts: dict[str, dict[str, int]]) -> dict[str, dict[str, int]]:
    return {name: dict(of_entity) for name, of_entity in counts.items()}


def _today(settings: Any) -> date:
    return datetime.now(ZoneInfo(settings.time_zone)).date()
