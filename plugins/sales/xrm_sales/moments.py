"""The present, as records keep it."""

from datetime import UTC, datetime


def now() -> str:
    """The moment, in UTC."""
    return datetime.now(UTC).isoformat()


def today() -> str:
    """The day, in UTC."""
    return datetime.now(UTC).date().isoformat()
