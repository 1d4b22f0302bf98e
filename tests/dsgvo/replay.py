"""The log of what was sent, held against what people have said: it asks the gate nothing (I12)."""

from datetime import datetime
from typing import Any

from tests.dsgvo.consents import Consents

USES = "at code channel purpose { id } contactPoint { id } consent { id }"
CONSENTS = """
id channel confirmedAt purpose { id } contactPoint { id } events { nodes { position kind at } }"""
OBJECTIONS = "effectiveAt channel purpose { id } contactPoint { id }"


def violations(consents: Consents) -> list[dict[str, Any]]:
    """Advertising that went out by a consent which did not hold at that moment."""
    given = {each["id"]: each for each in consents.rows("consents", CONSENTS)}
    objections = consents.rows("objections", OBJECTIONS)
    parents = {each["id"]: each["parent"] for each in consents.rows("consentPurposes", "id parent { id }")}
    uses = [each for each in consents.rows("consentUses", USES) if each["code"] == "C_CONSENT"]
    return [use for use in uses if not _held(use, given, objections, parents)]


def _held(
    use: dict[str, Any], given: dict[str, Any], objections: list[dict[str, Any]], parents: dict[str, Any]
) -> bool:
    consent, sent = given[use["consent"]["id"]], _moment(use["at"])
    said = sorted(consent["events"]["nodes"], key=lambda each: int(each["position"]))
    kinds = [each["kind"] for each in said if _moment(each["at"]) <= sent]
    fits = (consent["channel"], consent["contactPoint"]) == (use["channel"], use["contactPoint"])
    about = _above(use["purpose"]["id"], parents)
    if not (fits and kinds and kinds[-1] == "confirmed" and consent["purpose"]["id"] in about):
        return False
    against = [
        (_moment(each["effectiveAt"]), each["purpose"] and each["purpose"]["id"])
        for each in objections
        if each["contactPoint"] == use["contactPoint"] and each["channel"] in (None, use["channel"])
    ]
    for other in given.values():
        if (other["channel"], other["contactPoint"]) == (use["channel"], use["contactPoint"]):
            withdrawn = [each for each in other["events"]["nodes"] if each["kind"] == "withdrawn"]
            against += [(_moment(each["at"]), other["purpose"]["id"]) for each in withdrawn]
    return all(
        at > sent
        or (purpose is not None and purpose not in about)
        or (
            _moment(consent["confirmedAt"]) > at
            and (purpose is None or purpose in _above(consent["purpose"]["id"], parents))
        )
        for at, purpose in against
    )


def _above(purpose: str, parents: dict[str, Any]) -> list[str]:
    parent = parents[purpose]
    return [purpose] if parent is None else [purpose, *_above(parent["id"], parents)]


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))
