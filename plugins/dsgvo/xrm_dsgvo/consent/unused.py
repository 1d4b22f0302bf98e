"""Which consents were not used for too long, as they are stored: the same as the send gate finds stale."""

from datetime import UTC, datetime
from typing import Any

from xrm_core.api import Record
from xrm_dsgvo.sending.fitting import is_stale, months_before

_NAMES = {
    "kept_until": "keptUntil",
    "last_used_at": "lastUsedAt",
    "confirmed_at": "confirmedAt",
    "granted_at": "grantedAt",
}
"""What says how old a consent is, and how GraphQL calls it: until when it is kept first."""


def is_unused(consent: Record, now: datetime, months: int) -> bool:
    """Whether one that is given was not used for so many months, nor kept until today or later."""
    said = {called: consent[name] for name, called in _NAMES.items()}
    return is_stale(said, months_before(now, months), now.date().isoformat())


def unused_where(now: datetime, months: int, *, graphql: bool = False) -> dict[str, Any]:
    """The same as a filter of consents; ``graphql``: for a document."""
    kept, *moments = _NAMES.values() if graphql else _NAMES
    before = months_before(now, months).astimezone(UTC).isoformat()
    unused = [{"or": [{name: {"isNull": True}}, {name: {"lt": before}}]} for name in moments]
    return {
        "status": {"eq": "given"},
        "or": [{kept: {"lt": now.date().isoformat()}}, {kept: {"isNull": True}, "and": unused}],
    }
