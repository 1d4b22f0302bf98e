"""What time does to leads: points fade, and the time of nurturing is over."""

from collections.abc import Mapping
from typing import Any

from xrm_core.api import JobContext, JobHandler, RecordChange, Schedule, enqueue
from xrm_sales.leads.handing_over import look
from xrm_sales.leads.scoring import ALIVE, LEAD, score
from xrm_sales.moments import now, today
from xrm_sales.writing import change as write
from xrm_sales.writing import create

RESCORE = "sales.rescore"
NURTURED = "sales.end_nurturing"
_PAGE = 50
IDS = """
query ($alive: [LeadStatus!]!, $first: Int!, $after: String) {
  leads(where: {status: {in: $alive}}, orderBy: [{id: ASC}], first: $first, after: $after) {
    nodes { id } pageInfo { endCursor hasNextPage }
  }
}"""
_SUBJECTS = {"de": "Wieder ansprechen: {name}", "en": "Get in touch again: {name}"}


def jobs() -> list[JobHandler]:
    """Both."""
    return [JobHandler(RESCORE, rescore), JobHandler(NURTURED, end_nurturing)]


def schedules() -> list[Schedule]:
    """Each night."""
    return [Schedule(RESCORE, RESCORE, "30 3 * * *"), Schedule(NURTURED, NURTURED, "45 5 * * *")]


def after_rule(change: RecordChange) -> None:
    """A rule has come, changed or gone: all leads are looked at again, soon, once."""
    change.then(lambda context, _: enqueue(context.connection, RESCORE, key="rescore"))


def rescore(job: JobContext, _: Mapping[str, Any]) -> Mapping[str, Any]:
    """Reckon the points of all leads that are still to be decided; answers how many there were."""
    done, after = 0, None
    while True:
        with job.read() as connection:
            page = job.query_as_system(connection, IDS, {"alive": list(ALIVE), "first": _PAGE, "after": after})["leads"]
        with job.transaction() as connection:
            context = job.within(connection)
            for each in page["nodes"]:
                if context.read(LEAD, each["id"]) is not None:  # it may have gone meanwhile
                    look(context, each["id"], score(context, each["id"]), job.settings.hand_over_score)
        done += len(page["nodes"])
        if not page["pageInfo"]["hasNextPage"]:
            return {"leads": done}
        after = page["pageInfo"]["endCursor"]


def end_nurturing(job: JobContext, _: Mapping[str, Any]) -> Mapping[str, Any]:
    """Leads whose time of nurturing is over are worked on again, and their owners told by a task."""
    done = 0
    where = {"status": {"eq": "nurturing"}, "nurture_until": {"lte": today()}}
    while True:
        with job.transaction() as connection:
            context = job.within(connection)
            leads = context.find(LEAD, where, _PAGE)
            for lead in leads:
                write(context, LEAD, lead["id"], {"status": "working", "nurture_until": None})
                owner = context.read("user", lead["owner"]) if lead["owner"] else None
                words = _SUBJECTS["de" if owner and owner.get("language") == "de" else "en"]
                name = " ".join(filter(None, (lead["first_name"], lead["last_name"], lead["company"])))
                task = {
                    "kind": "task",
                    "subject": words.format(name=name)[:250],
                    "lead": lead["id"],
                    "due_at": now(),
                    "owner": lead["owner"],
                }
                create(context, "activity", task)
        done += len(leads)
        if len(leads) < _PAGE:
            return {"leads": done}
