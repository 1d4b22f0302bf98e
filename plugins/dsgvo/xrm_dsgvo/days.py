"""Days as they are where the controller is: just after midnight there it is still the day before in UTC, or the year
before, by which a period of the law would end a year too early.
"""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo


def day_in(value: object, zone: str) -> date:
    """The day of a date or a moment, as records and the change log have them.

    Args:
        value: ``2026-01-31``, or a moment; one without a zone is in UTC.
        zone: the time zone of the controller.

    Raises:
        ValueError: it is neither.
    """
    text = str(value)
    if len(text) <= len("2026-01-31"):
        return date.fromisoformat(text)
    moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).astimezone(ZoneInfo(zone)).date()
