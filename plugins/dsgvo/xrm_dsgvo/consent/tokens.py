"""Links: what is kept of them, and how long they work."""

import hashlib
from datetime import datetime


def hashed(token: str) -> str:
    """What is kept of a link: whoever reads the database cannot act for others."""
    return hashlib.sha256(token.encode()).hexdigest()


def moment(text: str) -> datetime:
    """A date-time of a record."""
    return datetime.fromisoformat(text.replace("Z", "+00:00"))
