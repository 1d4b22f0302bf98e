"""Limits for those who guess: delays that grow, kept in the database, so that they hold on all servers together.

Nobody is locked out for good. Failures count by account and by address. A device from which the user has signed in
before has a count of its own instead of both, so that a stranger who guesses does not hold up the owner there.
"""

import datetime as dt
import hashlib
import ipaddress
from collections.abc import Collection
from dataclasses import dataclass
from enum import Enum

from sqlalchemy import Connection, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from xrm_core.errors import XrmError
from xrm_core.storage.system import ATTEMPTS

FORGOTTEN = dt.timedelta(days=1)
"""After so long without an attempt the count begins anew."""

_NETWORK_OF_A_CLIENT = 64  # bits of an IPv6 address: the rest of it is the client's to choose


class TooManyAttempts(XrmError):
    """There were too many wrong attempts a moment ago; nothing was looked at."""

    code = "TOO_MANY_ATTEMPTS"
    http_status = 429


class Kind(Enum):
    """What is counted by: how many failures are free, and the longest delay in seconds after later ones."""

    ACCOUNT = "account", 10, 60
    ADDRESS = "address", 20, 900
    DEVICE = "device", 10, 900
    CODE = "code", 5, 900
    MAIL = "mail", 3, 900
    MAIL_CLIENT = "mail client", 20, 900
    NOTICE = "notice", 3, 3600
    LOGOUT_TOKEN = "logout token", 20, 60
    PROVIDER_ANSWER = "provider answer", 20, 60
    LINKS = "links", 100, 900
    VIEW_AS = "view as", 20, 60
    USER_CHANGE = "user change", 20, 60

    def delay(self, failures: int) -> dt.timedelta:
        """How long to wait after so many failures: 1 second, then twice as long each time."""
        _, free, longest = self.value
        beyond = failures - free
        return dt.timedelta(seconds=0 if beyond <= 0 else min(longest, 2 ** min(beyond - 1, 20)))


@dataclass(frozen=True)
class Counter:
    """A count of failures."""

    kind: Kind
    key: str

    @classmethod
    def of(cls, kind: Kind, name: str) -> "Counter":
        """The count of a kind for a name (of which a digest is kept: strangers may send what they like)."""
        return cls(kind, _key(f"{kind.value[0]}:{name}"))


def of_address(address: str | None, kind: Kind = Kind.ADDRESS) -> Counter:
    """The count of a client's address; that of IPv6 stands for its network."""
    name = address or ""
    try:
        parsed = ipaddress.ip_address(name)
    except ValueError:
        return Counter.of(kind, name)
    if parsed.version == 6 and parsed.ipv4_mapped is None:
        return Counter.of(kind, str(ipaddress.ip_network((parsed, _NETWORK_OF_A_CLIENT), strict=False)))
    return Counter.of(kind, str(getattr(parsed, "ipv4_mapped", None) or parsed))


def require_free(connection: Connection, counters: Collection[Counter]) -> None:
    """Refuse an attempt that comes too early, without writing anything.

    Raises:
        TooManyAttempts: says how long to wait.
    """
    query = select(ATTEMPTS.c.free_at).where(ATTEMPTS.c.key.in_([each.key for each in counters]))
    _check([dt.datetime.fromisoformat(each) for each in connection.scalars(query)])


def count(connection: Connection, counters: Collection[Counter]) -> frozenset[Kind]:
    """Count an attempt as failed before it is made, so that a thousand at once are not one.

    Args:
        connection: in a write transaction of its own.
        counters: by what it counts.

    Returns:
        The kinds by which the next one has to wait, for the first time.

    Raises:
        TooManyAttempts: it comes too early; it is not counted.
    """
    now = dt.datetime.now(dt.UTC)
    ordered = sorted(counters, key=lambda each: each.key)  # two servers lock them in the same order
    for each in ordered:
        _begin(connection, each, now)
    query = select(ATTEMPTS).where(ATTEMPTS.c.key.in_([each.key for each in ordered])).order_by(ATTEMPTS.c.key)
    rows = {row.key: row for row in connection.execute(query.with_for_update())}
    _check([dt.datetime.fromisoformat(row.free_at) for row in rows.values()])
    held_up = set()
    for each in ordered:
        row = rows[each.key]
        fresh = dt.datetime.fromisoformat(row.last_at) > now - FORGOTTEN
        failures = (row.failures if fresh else 0) + 1
        values = {"failures": failures, "last_at": now, "free_at": now + each.kind.delay(failures)}
        connection.execute(update(ATTEMPTS).where(ATTEMPTS.c.key == each.key).values(values))
        if failures == each.kind.value[1] + 1:
            held_up.add(each.kind)
    return frozenset(held_up)


def is_first_today(connection: Connection, name: str) -> bool:
    """Whether nobody has asked so for a name in the last :data:`FORGOTTEN`; from now on somebody has."""
    now, key = dt.datetime.now(dt.UTC), _key(f"once:{name}")
    make = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    row = {"key": key, "failures": 0, "last_at": now, "free_at": now + FORGOTTEN}
    first = (
        make(ATTEMPTS)
        .values(row)
        .on_conflict_do_update(
            index_elements=["key"],
            set_={"last_at": now, "free_at": now + FORGOTTEN},
            where=ATTEMPTS.c.free_at <= now,
        )
    )
    return connection.execute(first, execution_options={"preserve_rowcount": True}).rowcount == 1


def take_back(connection: Connection, counter: Counter) -> None:
    """An attempt that was counted was no failure; those before it stand."""
    now = dt.datetime.now(dt.UTC)
    mine = update(ATTEMPTS).where(ATTEMPTS.c.key == counter.key, ATTEMPTS.c.failures > 0)
    connection.execute(mine.values(failures=ATTEMPTS.c.failures - 1, free_at=now))


def forget(connection: Connection, counter: Counter) -> None:
    """Begin a count anew."""
    connection.execute(delete(ATTEMPTS).where(ATTEMPTS.c.key == counter.key))


def remove_old(connection: Connection) -> int:
    """Remove counts that would begin anew; answers how many."""
    old = ATTEMPTS.c.last_at < dt.datetime.now(dt.UTC) - FORGOTTEN
    return connection.execute(delete(ATTEMPTS).where(old)).rowcount


def _key(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _check(moments: Collection[dt.datetime]) -> None:
    wait = max([(each - dt.datetime.now(dt.UTC)).total_seconds() for each in moments], default=0.0)
    if wait > 0:
        seconds = int(wait) + 1
        raise TooManyAttempts(
            f"There were too many wrong attempts; the next one is possible in {seconds} s.",
            hint="Wait until then. What was sent meanwhile was not looked at.",
            details={"retryAfter": seconds},
        )


def _begin(connection: Connection, counter: Counter, now: dt.datetime) -> None:
    make = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    row = {"key": counter.key, "failures": 0, "last_at": now, "free_at": now}
    # A row that is there is written as it is: so it is held, and nobody who forgets it meanwhile takes it away.
    kept = {"failures": ATTEMPTS.c.failures}
    connection.execute(make(ATTEMPTS).values(row).on_conflict_do_update(index_elements=["key"], set_=kept))
