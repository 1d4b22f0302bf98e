"""The life of a breach, and its clock."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

OPEN = frozenset({"suspected", "aware", "assessed", "notified_partial", "notified", "persons_informed", "exempt"})
RUNNING = frozenset({"aware", "assessed", "notified_partial"})
"""States in which the clock counts: something has still to be told to the authority."""

_TOLD = frozenset({"notified_partial", "notified", "persons_informed", "exempt"})
_FROM: Mapping[str, frozenset[str]] = {
    "confirm": frozenset({"suspected"}),
    "assess": frozenset({"aware", "assessed", "not_notifiable"}) | _TOLD,
    "notify": frozenset({"assessed"}) | _TOLD,
    "inform": frozenset({"assessed", "notified_partial", "notified", "exempt"}),
}
_LEVELS = ("none", "risk", "high")


def due_at(noticed: datetime, hours: int) -> datetime:
    """Until when a breach is to be notified: so many hours, whatever day it is.

    Regulation 1182/71 would move an end on a Sunday; whether that holds for these hours is disputed, so it is not done.
    """
    return noticed.astimezone(UTC) + timedelta(hours=hours)


def may(step: str, status: str) -> bool:
    """Whether a step may be taken in a state."""
    return status in _FROM[step]


def is_notifiable(risk: str, threshold: str) -> bool:
    """Whether the authority is told."""
    return _LEVELS.index(risk) >= _LEVELS.index(threshold)


def after_assessment(status: str, *, notifiable: bool) -> str:
    """What a breach is once its risk was told. What the authority was told stays told; that persons need not be told is
    decided anew.
    """
    if status in _TOLD:
        return "notified" if status == "exempt" else status
    return "assessed" if notifiable else "not_notifiable"


def after_notification(status: str, *, partial: bool, persons_told: bool, exempt: bool) -> str:
    """What it is once the authority was told; persons may have been told before, and more may follow later."""
    if status in ("notified", "persons_informed", "exempt"):
        return status
    if partial:
        return "notified_partial"
    return "persons_informed" if persons_told else "exempt" if exempt else "notified"


def may_close(status: str, risk: str | None) -> bool:
    """Whether all is done: who has to be told was told, or need not be."""
    if status in ("not_notifiable", "persons_informed", "exempt", "suspected"):
        return True
    return status == "notified" and risk != "high"
