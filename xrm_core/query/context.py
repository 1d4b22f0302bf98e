"""What statements take from the caller and the clock: ``$user``, ``$team``, ``$now`` and the like."""

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any
from zoneinfo import ZoneInfo

from xrm_core.permissions.caller import Caller
from xrm_core.query.files import BASE

CONTEXT_PREFIX = "ctx_"
"""Bind names of the request's values: ``ctx_user``, ``ctx_now``."""

_VALUES: Mapping[str, Callable[[Caller, dt.datetime], Any]] = {
    f"{CONTEXT_PREFIX}user": lambda caller, _: caller.id,
    f"{CONTEXT_PREFIX}team": lambda caller, _: caller.team,
    f"{CONTEXT_PREFIX}teams": lambda caller, _: caller.teams or None,
    f"{CONTEXT_PREFIX}grantees": lambda caller, _: caller.grantees,
    f"{CONTEXT_PREFIX}now": lambda _, now: now,
    f"{CONTEXT_PREFIX}today": lambda caller, now: now.astimezone(ZoneInfo(caller.zone)).date(),
    BASE: lambda caller, _: caller.base,
}


class ContextValues(dict[str, Any]):
    """Values of a request by the names of their binds; those of the caller are made when a statement takes them.

    A record by its id takes none, and to make all costs a fifth as much as the rest of its way. «Now» is one moment for
    all statements of the request: that at which the first of them takes something.

    Args:
        caller: who asks.
        now: the moment; None: as soon as it is wanted.
    """

    __slots__ = ("_caller", "_now")

    def __init__(self, caller: Caller, now: dt.datetime | None = None) -> None:
        super().__init__()
        self._caller = caller
        self._now = now

    def __missing__(self, name: str) -> Any:
        if self._now is None:
            self._now = dt.datetime.now(dt.UTC)
        found = self[name] = _VALUES[name](self._caller, self._now)
        return found


def context_values(caller: Caller, now: dt.datetime | None = None) -> Mapping[str, Any]:
    """All of them, for statements that SQLAlchemy binds: it asks for no name that is not there.

    Args:
        caller: who asks.
        now: the moment as of which they are; by default that of this call.
    """
    now = now or dt.datetime.now(dt.UTC)
    return {name: value(caller, now) for name, value in _VALUES.items()}
