"""The states of a consent: a fold over its events. Nothing else says what its status is."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

START = None
"""Before the first event."""

_MOVES: Mapping[tuple[str | None, str], str] = MappingProxyType(
    {
        (START, "requested"): "requested",
        (START, "recorded"): "given",
        (START, "imported"): "unproven",
        ("requested", "confirmation_sent"): "pending_confirmation",
        ("pending_confirmation", "confirmation_sent"): "pending_confirmation",
        ("pending_confirmation", "confirmed"): "given",
        ("pending_confirmation", "lapsed"): "lapsed",
        ("requested", "lapsed"): "lapsed",
        ("given", "expired"): "expired",
        ("given", "kept"): "given",
        **{(state, "withdrawn"): "withdrawn" for state in ("requested", "pending_confirmation", "given", "unproven")},
        **{(state, "invalidated"): "invalid" for state in ("requested", "pending_confirmation", "given", "unproven")},
        **{(state, "superseded"): "superseded" for state in ("given", "unproven")},
    }
)
EVENTS = tuple(dict.fromkeys(event for _, event in _MOVES))
STATES = tuple(dict.fromkeys(_MOVES.values()))
ENDED = frozenset(STATES) - {state for state, _ in _MOVES}
"""States that nothing follows."""


class NotPossible(ValueError):
    """An event that cannot follow."""


def after(state: str | None, event: str) -> str:
    """The state after one more event.

    Raises:
        NotPossible: it cannot follow.
    """
    try:
        return _MOVES[state, event]
    except KeyError:
        raise NotPossible(f"{event} does not follow {state or 'nothing'}") from None


def may_follow(state: str | None, event: str) -> bool:
    """Whether an event can follow."""
    return (state, event) in _MOVES


def fold(events: Iterable[str]) -> str | None:
    """The state after all events, in their order. Raises NotPossible: one cannot follow."""
    state: str | None = START
    for event in events:
        state = after(state, event)
    return state
