"""What may be done with a quote in which status."""

from xrm_core.api import Record, Refuse


def require(quote: Record, *statuses: str) -> None:
    """Refuse unless the quote has one of these statuses."""
    if quote["status"] not in statuses:
        raise Refuse(
            {"en": f"The quote is {quote['status']}.", "de": f"Das Angebot ist im Status {quote['status']}."},
            field="status",
        )
