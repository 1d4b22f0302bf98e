"""What an erasure has left, as the person is told: what stays, why and until when; when backups are clear."""

from collections.abc import Iterator, Mapping
from typing import Any

from xrm_core.api import ActionContext, Record
from xrm_dsgvo.access.values import day_of
from xrm_dsgvo.requests.letter_words import HEADINGS, STAYS, UNTIL

Rows = list[list[Any]]


def has_left(context: ActionContext, request: Record, language: str) -> tuple[Rows, Rows]:
    """Rows of a letter: what stays, each kind once for each reason, and when the last backup is gone.

    Both are empty if no erasure was carried out for the request.
    """
    id_ = request["erasure_run"]
    run = context.read("erasure_run", str(id_)) if id_ else None
    if run is None or not str(run["status"]).startswith("complete"):
        return [], []
    report: Mapping[str, Any] = run["report"] or {}
    rows = list(_kept(context, report, language))
    for store, said in (report.get("stores") or {}).items():
        rows += [[store, [STAYS["store"][language]]]] if said["kept"] else []
    clear = str(run["backup_clear_on"] or "")[:10]
    told = [["", [HEADINGS["backups_clear"][language].format(day=day_of(clear, language))]]] if clear else []
    return rows, told


def _kept(context: ActionContext, report: Mapping[str, Any], language: str) -> Iterator[list[Any]]:
    registers = context.settings.all_registers()
    lines: dict[tuple[str, str], None] = {}
    for datenart, decision, basis, until, _ in report.get("kept", ()):
        known = registers.datenarten.get(datenart)
        label = (known.labels.get(language) if known is not None else None) or str(datenart)
        why = why_of(registers.activities, str(decision), str(basis), language)
        last = (
            UNTIL["day"][language].format(day=day_of(str(until)[:10], language)) if until else UNTIL["open"][language]
        )
        lines[label, f"{why} {last}"] = None
    for label in dict.fromkeys(name for name, _ in lines):
        yield [label, [line for name, line in lines if name == label]]


def why_of(activities: Mapping[str, Any], decision: str, basis: str, language: str) -> str:
    """A norm as it stands; ids of holds and keys of activities are no words for anybody."""
    if decision == "hold":
        return STAYS["hold"][language]
    names = basis.split(", ")
    if basis and all(each in activities for each in names):
        labels = "; ".join(activities[each].labels.get(language) or each for each in names)
        return STAYS["purpose"][language].format(purpose=labels)
    if basis in STAYS:
        return STAYS[basis][language]
    return STAYS["norm"][language].format(norm=basis) if basis else STAYS["other"][language]
