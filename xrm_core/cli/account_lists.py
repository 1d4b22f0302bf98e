"""What ``xrm user list`` and ``xrm token list`` show, read from the database and put into columns."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, Table, select

from xrm_core.auth.token_lists import TokenInfo
from xrm_core.cli.failures import printable
from xrm_core.storage.system import USER_ROLE

_NAMES = ("first_name", "last_name")


@dataclass(frozen=True, slots=True)
class ListedUser:
    """A user; ``name`` is empty if the pack's users have none."""

    email: str
    name: str
    roles: tuple[str, ...]


def roles_of(connection: Connection, user_id: str) -> list[str]:
    """A user's roles by name."""
    return list(
        connection.scalars(select(USER_ROLE.c.role).where(USER_ROLE.c.user_id == user_id).order_by(USER_ROLE.c.role))
    )


def users_with_roles(connection: Connection, table: Table) -> list[ListedUser]:
    """All users by e-mail address, those without roles or address too."""
    roles: defaultdict[str, list[str]] = defaultdict(list)
    for row in connection.execute(select(USER_ROLE).order_by(USER_ROLE.c.role)):
        roles[row.user_id].append(row.role)
    names = [table.c[name] for name in _NAMES if name in table.c]
    rows = connection.execute(select(table.c.id, table.c.email, *names).order_by(table.c.email, table.c.id))
    return [
        ListedUser(email or "", " ".join(filter(None, parts)), tuple(roles[user_id])) for user_id, email, *parts in rows
    ]


def described(token: TokenInfo) -> tuple[str, str, str, str]:
    """A token as a line: id, id of the user or ``service``, label; its limits and times."""
    limits = token.limits
    parts = [f"roles {' '.join(limits.roles)}"] if limits.roles is not None else []
    if limits.grants is not None:
        parts.append(" ".join(["only", *(f"{name}:{','.join(actions)}" for name, actions in limits.grants.items())]))
    parts += [f"from {' '.join(limits.networks)}"] if limits.networks is not None else []
    used = f"{token.last_used_at} from {token.last_used_from}" if token.last_used_at else "never"
    times = {"created": token.created_at, "expires": token.expires_at, "revoked": token.revoked_at, "used": used}
    parts += [f"{word} {time}" for word, time in times.items() if time]
    return token.id, token.user_id or "service", token.label, ", ".join(parts)


def aligned(rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Rows as lines of equally wide columns, without characters that play tricks on the terminal."""
    cells = [[printable(cell).replace("\n", " ") for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
