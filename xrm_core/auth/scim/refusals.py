"""Requests of provisioning that were refused for lack of a right, kept as events."""

from collections.abc import Mapping

from xrm_core.auth import attempts, events
from xrm_core.auth.attempts import Counter, Kind, TooManyAttempts
from xrm_core.storage.engines import Database

TIMEOUT = 5.0


def keep_stranger(database: Database, by: str | None, address: str | None, details: Mapping[str, str]) -> None:
    """Keep that somebody was refused who may not provision at all; blocking.

    Anybody can bring that about, and whoever has the right is never held up by it: so what is counted by the address of
    the client delays events, not answers.

    Args:
        database: has the log.
        by: id of the user or token, if it is known.
        address: of the client.
        details: what was asked for and why it was refused.
    """
    counter = Counter.of(Kind.ADDRESS, f"provisioning {attempts.of_address(address).key}")
    try:
        with database.read(TIMEOUT) as connection:
            attempts.require_free(connection, [counter])
        with database.begin(TIMEOUT) as connection:
            attempts.count(connection, [counter])
            event = events.Event.PROVISIONING_REFUSED
            events.record(connection, event, user_id=by, address=address, details=details)
    except TooManyAttempts:
        return


def keep(database: Database, by: str | None, address: str | None, reason: str) -> None:
    """Keep that a service was refused something for which it lacks roles; blocking. Nothing else of it was done."""
    with database.begin(TIMEOUT) as connection:
        event = events.Event.PROVISIONING_REFUSED
        events.record(connection, event, user_id=by, address=address, details={"reason": reason})
