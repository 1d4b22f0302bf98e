"""A kept query is run: with the rights of whoever asks, and checked when it is kept."""

import json
from dataclasses import dataclass, field
from typing import Any

from xrm_core.api import BadQuery, DocumentInvalid, HookContext, QueryContext, QueryField, RecordChange, Refuse
from xrm_sales.reports.columns import columns_of
from xrm_sales.reports.tables import table

_KEPT = """
query ($name: String!) {
  reports(where: {name: {eq: $name}}, first: 1) { nodes { title titleDe document variables } }
}"""


@dataclass
class ReportInput:
    """Which, and values of its variables as JSON in place of those that are kept."""

    name: str
    variables: str | None = None


@dataclass
class ReportRow:
    """As many values as there are columns."""

    values: list[str | None] = field(default_factory=list)


@dataclass
class ReportTable:
    """The answer as a table."""

    title: str
    columns: list[str]
    rows: list[ReportRow]


def run(context: QueryContext, given: ReportInput) -> ReportTable:
    """Run it.

    Raises:
        Refuse: there is none of this name that the caller may see, or its variables are no object of JSON.
    """
    found = context.query(_KEPT, {"name": given.name})["reports"]["nodes"]
    if not found:
        raise Refuse({"en": "There is no such report.", "de": "Diesen Bericht gibt es nicht."}, field="name")
    report = found[0]
    columns, rows = table(context.query(report["document"], {**(report["variables"] or {}), **_variables(given)}))
    columns = columns or columns_of(report["document"])
    german = getattr(context.caller, "language", None) == "de" and report["titleDe"]
    return ReportTable(report["titleDe"] if german else report["title"], columns, [ReportRow(row) for row in rows])


def check(change: RecordChange) -> None:
    """A query that is kept must be one that is answered."""
    document, variables = change.after["document"], change.after.get("variables") or {}

    def act(context: HookContext, _: str) -> None:
        try:
            context.query_as_system(document, variables)
        except (BadQuery, DocumentInvalid) as error:
            text = {"en": f"The query cannot be run: {error}", "de": f"Die Abfrage läuft nicht: {error}"}
            raise Refuse(text, field="document") from None

    change.then(act)


def query_field() -> QueryField:
    """``salesReport``."""
    about = {"en": "A kept report, as a table.", "de": "Ein Bericht, als Tabelle."}
    limits = {"cost": 5_000, "seconds": 20}
    return QueryField("sales.report", run, input=ReportInput, answers=ReportTable, description=about, **limits)


def _variables(given: ReportInput) -> dict[str, Any]:
    try:
        found = json.loads(given.variables or "{}")
    except ValueError:
        found = None
    if not isinstance(found, dict):
        text = {"en": "Variables are an object of JSON.", "de": "Variablen sind ein JSON-Objekt."}
        raise Refuse(text, field="variables")
    return found
