"""What signing in has to know of the records of the entity ``user``, whatever fields the pack gives them."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Column, ColumnElement, Connection, Table, func, null, or_, select, true

from xrm_core.metadata.model import ACTIVE, EMAIL
from xrm_core.storage.columns import Flag
from xrm_core.storage.folding import fold
from xrm_core.storage.system import USER_ROLE

LANGUAGE = "language"
"""The field, such as ``de``, that says in which language a user gets mail."""


@dataclass(frozen=True, slots=True)
class Person:
    """A user who may sign in: the id and the e-mail address as it is stored."""

    id: str
    email: str


def is_active(users: Table) -> ColumnElement[bool]:
    """Condition that a user has not false in a field ``active``, if there is one of the type boolean."""
    active = users.c.get(ACTIVE)
    if isinstance(active, Column) and isinstance(active.type, Flag):
        return or_(active.is_(None), active)
    return true()


def roles_of(connection: Connection, user_id: str) -> frozenset[str]:
    """The roles of a user."""
    return frozenset(connection.scalars(select(USER_ROLE.c.role).where(USER_ROLE.c.user_id == user_id)))


def hold(connection: Connection, users: Table, user_ids: Iterable[str]) -> None:
    """Hold the records of users until the transaction ends.

    Whoever changes roles does that before looking at them: of two who do it at once, one would bring back what the
    other has just taken away. So does whoever lets somebody in: what ends their sessions would not see the new one.
    """
    ids = sorted(user_ids)
    for part in (ids[start : start + 500] for start in range(0, len(ids), 500)):
        connection.execute(select(users.c.id).where(users.c.id.in_(part)).order_by(users.c.id).with_for_update())


def by_email(connection: Connection, users: Table, email: str) -> Person | None:
    """The active user with an e-mail address as it is stored, else in small letters; None if that is not just one."""
    column = users.c.get(EMAIL)
    if column is None:
        return None
    query = select(users.c.id, column).where(column.in_({email, email.lower()}), is_active(users))
    found = [Person(str(id_), kept) for id_, kept in connection.execute(query.order_by(column != email).limit(2))]
    if not found or (len(found) == 2 and (found[0].email == email) is (found[1].email == email)):
        return None
    return found[0]


def is_addressed(users: Table, email: str) -> ColumnElement[bool]:
    """Condition that a user signs in by this address, however it is written; there must be a field for it."""
    column, small = users.c[EMAIL], fold(email)
    return or_(column == small, func.lower(column) == small)


def language_of(connection: Connection, users: Table, user_id: str) -> str | None:
    """What stands in the user's field ``language``, if there is one."""
    column = users.c.get(LANGUAGE)
    if column is None:
        return None
    found = connection.scalar(select(column).where(users.c.id == user_id))
    return found if isinstance(found, str) else None


def by_id(connection: Connection, users: Table, user_id: str) -> Person | None:
    """The active user with an id; the e-mail address is empty if there is none."""
    email = users.c.get(EMAIL)
    query = select(users.c.id, null() if email is None else email).where(users.c.id == user_id, is_active(users))
    row = connection.execute(query).first()
    return None if row is None else Person(str(row[0]), row[1] or "")
