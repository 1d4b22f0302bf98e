"""``dsgvoMeasureEvidence``: what the platform itself knows of its measures, made anew whenever it is asked for.

What is declared is in ``technical_measure``; one of these may name a piece of evidence by its key.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from xrm_core.api import QueryContext, QueryField
from xrm_dsgvo.privacy import privacy_of
from xrm_dsgvo.processors.connectors import lack_of, today

_FRESH = timedelta(hours=50)
"""So old what is done each night may be: two nights, and some time to do it in."""

QUERY = """
query ($today: Date!) {
  logProofs(first: 1, orderBy: [{id: DESC}]) { nodes { createdAt intact unsigned } }
  retentionRuns(first: 1, where: {status: {eq: complete}}, orderBy: [{id: DESC}]) { nodes { mode endedAt } }
  failedErasures: erasureRuns(first: 1, where: {status: {eq: failed}}) { totalCount }
  lateRequests: dataSubjectRequests(
    first: 1, where: {status: {in: [received, identity_check, in_work, decided]}, due: {lt: $today}}
  ) { totalCount }
  lateTests: technicalMeasures(first: 1, where: {testAgainOn: {lt: $today}}) { totalCount }
  failedTests: technicalMeasures(first: 1, where: {testResult: {eq: failed}}) { totalCount }
  dataConnectors(first: 200) { nodes { key } }
}"""


@dataclass
class MeasureEvidence:
    """One thing that shows whether a measure works: its goal as measures have it, whether it holds, and what is so."""

    key: str
    goal: str
    holds: bool
    de: str
    en: str
    at: datetime | None


def evidence(context: QueryContext) -> list[MeasureEvidence]:
    """All of it."""
    day = today(context.settings)
    found = context.query_as_system(QUERY, {"today": day})
    return list(_evidence(context, found))


def query_fields() -> list[QueryField]:
    """``dsgvoMeasureEvidence``."""
    about = {"en": "What shows that measures work.", "de": "Was zeigt, dass Maßnahmen wirken."}
    return [
        QueryField(
            "dsgvo.measure_evidence",
            evidence,
            answers=list[MeasureEvidence],
            cost=500,
            seconds=20,
            description=about,
        )
    ]


def _evidence(context: QueryContext, found: dict[str, Any]) -> Iterator[MeasureEvidence]:
    yield _sealing(context)
    keys = context.key_ages()
    if keys.keys:
        de, en = f"{keys.keys} Schlüssel, {keys.destroyed} vernichtet", f"{keys.keys} keys, {keys.destroyed} destroyed"
        yield MeasureEvidence("keys", "confidentiality", holds=True, de=de, en=en, at=keys.oldest)
    yield _nightly(found["logProofs"]["nodes"], "createdAt", "change_log", "integrity", _log)
    yield _nightly(found["retentionRuns"]["nodes"], "endedAt", "retention", "data_minimisation", _retention)
    yield _connectors(context, [each["key"] for each in found["dataConnectors"]["nodes"]])
    for key, goal, de, en, names in (
        ("requests", "intervenability", "Anfragen überfällig", "requests overdue", ("lateRequests",)),
        ("erasures", "intervenability", "Löschungen gescheitert", "erasures failed", ("failedErasures",)),
        ("tests", "transparency", "Prüfungen überfällig", "tests overdue", ("lateTests",)),
        ("failed_tests", "transparency", "Prüfungen nicht bestanden", "tests failed", ("failedTests",)),
    ):
        count = sum(int(found[name]["totalCount"]) for name in names)
        yield MeasureEvidence(key, goal, count == 0, f"{count} {de}", f"{count} {en}", None)


def _sealing(context: QueryContext) -> MeasureEvidence:
    wanted = [each for entity in privacy_of(context.model) for each in entity.personal() if each.encrypt is not None]
    clear = [each for each in wanted if context.model[each.entity][each.name].sealing is None]
    sealed = len(wanted) - len(clear)
    return MeasureEvidence(
        "sealing",
        "confidentiality",
        not clear,
        f"{sealed} Felder versiegelt, {len(clear)} stehen im Klartext",
        f"{sealed} fields sealed, {len(clear)} stand in clear",
        None,
    )


def _connectors(context: QueryContext, keys: list[str]) -> MeasureEvidence:
    lacking = [key for key in keys if lack_of(context.query_as_system, key, context.settings) is not None]
    return MeasureEvidence(
        "connectors",
        "unlinkability",
        not lacking,
        f"{len(keys)} Anschlüsse, {len(lacking)} gesperrt",
        f"{len(keys)} connectors, {len(lacking)} held back",
        None,
    )


Telling = Callable[[dict[str, Any]], tuple[bool, str, str]]


def _nightly(found: list[dict[str, Any]], moment: str, key: str, goal: str, tell: Telling) -> MeasureEvidence:
    """What was done last night, as it should be each night."""
    if not found:
        return MeasureEvidence(key, goal, holds=False, de="noch nie", en="never yet", at=None)
    at = datetime.fromisoformat(found[0][moment].replace("Z", "+00:00"))
    holds, de, en = tell(found[0])
    return MeasureEvidence(key, goal, holds and datetime.now(UTC) - at < _FRESH, de, en, at)


def _log(proof: dict[str, Any]) -> tuple[bool, str, str]:
    if not proof["intact"]:
        return False, "Änderungsprotokoll VERÄNDERT", "change log CHANGED"
    signed = not proof["unsigned"]
    if signed:
        return True, "Änderungsprotokoll unversehrt, unterschrieben", "change log intact, signed"
    return True, "Änderungsprotokoll unversehrt, zum Teil ohne Unterschrift", "change log intact, in part not signed"


def _retention(run: dict[str, Any]) -> tuple[bool, str, str]:
    if run["mode"] == "delete":
        return True, "Löschlauf beendet", "retention run is through"
    return False, "Löschlauf berichtet nur", "retention runs only report"
