"""What may be done with a quote in which status."""

from xrm_core.api import Record, Refuse

_NAMES = {
    "draft": ("a draft", "ein Entwurf"),
    "in_review": ("in review", "in Prüfung"),
    "approved": ("approved", "freigegeben"),
    "sent": ("sent", "versandt"),
    "accepted": ("accepted", "angenommen"),
    "rejected": ("rejected", "abgelehnt"),
    "expired": ("expired", "abgelaufen"),
    "superseded": ("superseded", "ersetzt"),
}


def require(quote: Record, *statuses: str) -> None:
    """Refuse unless the quote has one of these statuses."""
    if quote["status"] not in statuses:
        (en, de), wanted = _NAMES[quote["status"]], [_NAMES[each] for each in statuses]
        text = {
            "en": f"The quote is {en}; this is for one that is {' or '.join(each for each, _ in wanted)}.",
            "de": f"Das Angebot ist {de}; das geht nur, wenn es {' oder '.join(each for _, each in wanted)} ist.",
        }
        raise Refuse(text, field="status")
