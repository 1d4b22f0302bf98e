"""How things stood on a Monday: kept for each opportunity, so that it can be said what has changed since."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from xrm_core.api import JobContext, JobHandler, QueryContext, QueryField, Refuse, Schedule
from xrm_sales.moments import today

JOB = "sales.take_snapshot"
_PAGE = 200
_STANDING = """
query ($since: Date!, $first: Int!, $after: String) {
  opportunities(
    where: {or: [{status: {eq: open}}, {closedOn: {gte: $since}}]}, orderBy: [{id: ASC}], first: $first, after: $after
  ) {
    nodes { id stage { id } owner { id } status forecastCategory amount expectedRevenue currency closeOn }
    pageInfo { endCursor hasNextPage }
  }
}"""
_DAYS = """
query ($day: Date!) {
  forecastSnapshots(where: {takenOn: {lte: $day}}, orderBy: [{takenOn: DESC}], first: 1) { nodes { takenOn } }
}"""
_THEN = """
query ($day: Date!, $after: String) {
  forecastSnapshots(where: {takenOn: {eq: $day}}, orderBy: [{id: ASC}], first: 1000, after: $after) {
    nodes {
      status amount closeOn currency stage { name }
      opportunity { id name status amount closeOn currency stage { name } }
    }
    pageInfo { endCursor hasNextPage }
  }
}"""
_NEW = """
query ($day: DateTime!, $after: String) {
  opportunities(where: {createdAt: {gte: $day}}, orderBy: [{id: ASC}], first: 1000, after: $after) {
    nodes { id name status amount closeOn currency stage { name } createdAt }
    pageInfo { endCursor hasNextPage }
  }
}"""


@dataclass
class ChangesInput:
    """Since the snapshot of this day, or the last one before it; last Monday's, if nothing is said."""

    since: date | None = None


@dataclass
class ForecastChange:
    """An opportunity that is not as it was. ``what`` is new, won, lost, reopened, amount, date or stage."""

    id: str
    name: str
    what: list[str]
    currency: str
    amount_before: Decimal | None
    amount: Decimal | None
    close_before: date | None
    close_on: date | None
    stage_before: str | None
    stage: str | None


@dataclass
class ForecastChanges:
    """Since when, and what."""

    since: date
    changes: list[ForecastChange] = field(default_factory=list)


def take(job: JobContext, _: Mapping[str, Any]) -> Mapping[str, Any]:
    """Keep how the open opportunities stand, and those that were closed within the last week; once a day."""
    day, done, after = today(), 0, None
    since = (date.fromisoformat(day) - timedelta(days=7)).isoformat()
    while True:
        with job.transaction() as connection:
            variables = {"since": since, "first": _PAGE, "after": after}
            page = job.query_as_system(connection, _STANDING, variables)["opportunities"]
            context = job.within(connection)
            ids = [each["id"] for each in page["nodes"]]
            where = {"taken_on": {"eq": day}, "opportunity": {"id": {"in": ids}}}
            there = {each["opportunity"] for each in (context.find("forecast_snapshot", where, 1_000) if ids else [])}
            rows = [_row(each, day) for each in page["nodes"] if each["id"] not in there]
            if rows:
                job.records.create_many(connection, job.caller, "forecast_snapshot", rows)
        done += len(rows)
        if not page["pageInfo"]["hasNextPage"]:
            return {"opportunities": done}
        after = page["pageInfo"]["endCursor"]


def changes(context: QueryContext, given: ChangesInput) -> ForecastChanges:
    """What is not as it was on that day, of what the caller may see.

    Raises:
        Refuse: there is no snapshot from then.
    """
    day = given.since or date.fromisoformat(today())
    found = context.query(_DAYS, {"day": day.isoformat()})["forecastSnapshots"]["nodes"]
    if not found:
        raise Refuse({"en": "There is no snapshot of that time.", "de": "Aus dieser Zeit gibt es keinen Stand."})
    taken = found[0]["takenOn"]
    result, known = ForecastChanges(date.fromisoformat(taken)), set()
    for then in _all(context, _THEN, {"day": taken}):
        if then["opportunity"] is None:
            continue
        known.add(then["opportunity"]["id"])
        if what := _what(then, then["opportunity"]):
            result.changes.append(_change(then, then["opportunity"], what))
    for each in _all(context, _NEW, {"day": f"{taken}T00:00:00Z"}):
        if each["id"] not in known:
            result.changes.append(_change({}, each, ["new"]))
    return result


def _all(context: QueryContext, document: str, variables: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The records of all pages of a list."""
    after = None
    while True:
        [page] = context.query(document, {**variables, "after": after}).values()
        yield from page["nodes"]
        context.check()
        if not page["pageInfo"]["hasNextPage"]:
            return
        after = page["pageInfo"]["endCursor"]


def jobs() -> list[JobHandler]:
    """The one that takes them."""
    return [JobHandler(JOB, take)]


def schedules() -> list[Schedule]:
    """Each Monday, early."""
    return [Schedule("sales.weekly_snapshot", JOB, "5 4 * * MON")]


def query_field() -> QueryField:
    """``salesForecastChanges``."""
    about = {"en": "What has changed since last Monday.", "de": "Was sich seit letztem Montag geändert hat."}
    return QueryField(
        "sales.forecast_changes", changes, input=ChangesInput, answers=ForecastChanges, cost=5_000, description=about
    )


def _row(each: Mapping[str, Any], day: str) -> dict[str, Any]:
    return {
        "taken_on": day,
        "opportunity": each["id"],
        "stage": each["stage"] and each["stage"]["id"],
        "owner": each["owner"] and each["owner"]["id"],
        "status": each["status"],
        "forecast_category": each["forecastCategory"],
        "amount": each["amount"],
        "expected_revenue": each["expectedRevenue"],
        "currency": each["currency"],
        "close_on": each["closeOn"],
    }


def _what(then: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    what = []
    if then["status"] != now["status"]:
        what.append("reopened" if now["status"] == "open" else now["status"])
    if then["amount"] != now["amount"]:
        what.append("amount")
    if then["closeOn"] != now["closeOn"]:
        what.append("date")
    if then["status"] == now["status"] and (then["stage"] or {}).get("name") != (now["stage"] or {}).get("name"):
        what.append("stage")
    return what


def _change(then: Mapping[str, Any], now: Mapping[str, Any], what: list[str]) -> ForecastChange:
    def amount(of: Mapping[str, Any]) -> Decimal | None:
        return Decimal(of["amount"]) if of.get("amount") is not None else None

    def day(of: Mapping[str, Any]) -> date | None:
        return date.fromisoformat(of["closeOn"]) if of.get("closeOn") else None

    def stage(of: Mapping[str, Any]) -> str | None:
        return (of.get("stage") or {}).get("name")

    return ForecastChange(
        now["id"],
        now["name"],
        what,
        now["currency"],
        amount(then),
        amount(now),
        day(then),
        day(now),
        stage(then),
        stage(now),
    )
