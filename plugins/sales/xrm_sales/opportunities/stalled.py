"""Opportunities about which nothing happens: found each night, their owners are reminded once, until something does."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from xrm_core.api import HookContext, JobContext, JobHandler, RecordChange, Schedule
from xrm_sales.moments import now, today

JOB = "sales.find_stalled"
_PAGE = 100
PIPELINES = "{ pipelines(where: {active: {eq: true}}, first: 200) { nodes { id stalledAfterDays } } }"
QUIET = """
query ($pipeline: ID!, $before: DateTime!, $first: Int!) {
  opportunities(
    where: {
      status: {eq: open}, stalledSince: {isNull: true}, pipeline: {id: {eq: $pipeline}}, stageSince: {lt: $before}
      activities: {none: {status: {eq: completed}, completedAt: {gte: $before}}}
    }
    orderBy: [{id: ASC}], first: $first
  ) { nodes { id name owner { id language } } }
}"""
_SUBJECTS = {"de": "Nachfassen: {name}", "en": "Follow up: {name}"}


def jobs() -> list[JobHandler]:
    """The one that finds them."""
    return [JobHandler(JOB, find_stalled)]


def schedules() -> list[Schedule]:
    """Each night."""
    return [Schedule("sales.stalled", JOB, "15 5 * * *")]


def find_stalled(job: JobContext, _: Mapping[str, Any]) -> Mapping[str, Any]:
    """Note those that have become quiet, each with a task for its owner; answers how many."""
    found = 0
    with job.read() as connection:
        pipelines = job.query_as_system(connection, PIPELINES)["pipelines"]["nodes"]
    for pipeline in pipelines:
        before = datetime.now(UTC) - timedelta(days=pipeline["stalledAfterDays"])
        variables = {"pipeline": pipeline["id"], "before": before.isoformat(), "first": _PAGE}
        while quiet := _note(job, variables):
            found += quiet
    return {"stalled": found}


def wake(change: RecordChange) -> None:
    """An activity that is done ends the stillness of its opportunity."""
    activity = change.after
    if activity.get("status") == "completed" and activity.get("opportunity"):
        opportunity = activity["opportunity"]
        change.then(lambda context, _: _wake(context, opportunity))


def _wake(context: HookContext, opportunity: str) -> None:
    record = context.read("opportunity", opportunity)
    if record is not None and record["stalled_since"] is not None:
        context.records.update(context.connection, context.system, "opportunity", opportunity, {"stalled_since": None})


def _note(job: JobContext, variables: Mapping[str, Any]) -> int:
    """A page of them, in one transaction; how many there were."""
    with job.transaction() as connection:
        quiet = job.query_as_system(connection, QUIET, variables)["opportunities"]["nodes"]
        for each in quiet:
            owner = each["owner"]
            language = (owner or {}).get("language")
            job.records.update(connection, job.caller, "opportunity", each["id"], {"stalled_since": today()})
            task = {
                "kind": "task",
                "subject": (_SUBJECTS["de"] if language == "de" else _SUBJECTS["en"]).format(name=each["name"])[:250],
                "opportunity": each["id"],
                "due_at": now(),
                "owner": owner["id"] if owner else None,
            }
            job.records.create(connection, job.caller, "activity", task)
    return len(quiet)
