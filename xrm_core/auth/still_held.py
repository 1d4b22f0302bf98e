"""Who was let in a moment ago, looked at once more where they change something: a server remembers them for a while."""

import datetime as dt
from collections.abc import Collection, Sequence
from functools import partial
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Dialect,
    Integer,
    Select,
    Table,
    bindparam,
    func,
    literal,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import ARRAY

from xrm_core.auth import people
from xrm_core.errors import Forbidden, Unauthenticated
from xrm_core.permissions.caller import User
from xrm_core.permissions.policy import PolicySet, with_inherited
from xrm_core.storage.driver_statements import Call, DriverStatement, Outcome, run_together
from xrm_core.storage.requirements import Requirement
from xrm_core.storage.system import SESSION, TOKEN, USER_ROLE

_NOW, _USER, _SESSION, _TOKEN = "xrm_now", "xrm_user", "xrm_session", "xrm_token"
_ROLE, _ROLES, _COUNT = "xrm_role", "xrm_roles", "xrm_count"


def require_still_held(connection: Connection, caller: User, users: Table, policies: PolicySet | None) -> None:
    """Refuse who has lost the session, the token, the account or a role with which a server still remembers them.

    Nothing is locked: what is taken away after this has been taken after what is done here.

    Args:
        connection: in the transaction in which it is done, or just before it.
        caller: as they were let in.
        users: the table of the entity ``user``.
        policies: those under which they were; None: there were none.

    Raises:
        Unauthenticated: the session or the token has ended, or the user is not active any more.
        Forbidden: a role was taken away.
    """
    [outcome] = run_together(connection, [asking(connection.dialect, caller, users)])
    require(outcome, caller, policies)


def asking(dialect: Dialect, caller: User, users: Table) -> Call:
    """What asks for what :func:`require` looks at, to be run together with other statements."""
    values = {_NOW: dt.datetime.now(dt.UTC), _USER: caller.id, _SESSION: caller.session, _TOKEN: caller.token}
    return _statement(dialect, caller, users).call(values)


def require(outcome: Outcome, caller: User, policies: PolicySet | None) -> None:
    """As :func:`require_still_held`, when it was asked already."""
    held = [role for (role,) in outcome[0]]
    if not held:  # where there is no role, there is a row without one
        raise _ended()
    if caller.id is None:  # a service has the roles of its token
        return
    known = {} if policies is None else policies.roles
    if not caller.access.roles <= with_inherited(known, frozenset(role for role in held if role is not None)):
        raise Forbidden("A role was taken from you; nothing was done.", hint="Look at what you may do now.")


def required(caller: User, users: Table, roles: Sequence[str]) -> Requirement:
    """That :func:`require` would not refuse somebody; perhaps it would not either where this does not hold.

    Args:
        caller: as they were let in.
        users: as for :func:`require_still_held`.
        roles: those out of which all of the caller's follow (:func:`first_of`).
    """
    values = {_NOW: dt.datetime.now(dt.UTC), _USER: caller.id, _SESSION: caller.session, _TOKEN: caller.token}
    key = "held", caller.id is None, caller.session is None, min(len(roles), 2)
    make = partial(_required, caller, users, len(roles))
    if len(roles) == 1:
        return Requirement(key, make, {**values, _ROLE: roles[0]})
    return Requirement(key, make, {**values, _ROLES: roles, _COUNT: len(roles)})


def first_of(roles: Collection[str], policies: PolicySet | None) -> list[str]:
    """Those of some roles that none of the others inherits."""
    known = {} if policies is None else policies.roles
    inherited = {each for role in roles for each in with_inherited(known, [role]) if each != role}
    first = set(roles) - inherited
    return sorted(first if set(roles) <= with_inherited(known, first) else roles)


def _ended() -> Unauthenticated:
    return Unauthenticated("You are not signed in any more; nothing was done.", hint="Sign in again.")


def _statement(dialect: Dialect, caller: User, users: Table) -> DriverStatement:
    """What finds the roles of a caller who has lost nothing; made once for each way to be signed in."""
    key = dialect.name, caller.id is None, caller.session is None
    made: dict[Any, DriverStatement] = users.info.setdefault("xrm still held", {})
    found = made.get(key)
    if found is None:
        found = made[key] = DriverStatement(_query(caller, users), dialect)
    return found


def _query(caller: User, users: Table) -> Select[Any]:
    valid, user = _valid(caller), bindparam(_USER, type_=users.c.id.type)
    if caller.id is None:
        return select(literal("")).where(valid)
    return (
        select(USER_ROLE.c.role)
        .select_from(users)
        .outerjoin(USER_ROLE, USER_ROLE.c.user_id == users.c.id)
        .where(users.c.id == user, people.is_active(users), valid)
    )


def _valid(caller: User) -> ColumnElement[bool]:
    """Whether the session or the token has not ended."""
    now = bindparam(_NOW, type_=SESSION.c.expires_at.type)
    if caller.session is not None:
        user = bindparam(_USER, type_=SESSION.c.user_id.type)
        session = bindparam(_SESSION, type_=SESSION.c.id.type)
        own = SESSION.c.id == session, SESSION.c.user_id == user
        return select(SESSION.c.id).where(*own, SESSION.c.expires_at > now).exists()
    lasting = or_(TOKEN.c.expires_at.is_(None), TOKEN.c.expires_at > now)
    token = bindparam(_TOKEN, type_=TOKEN.c.id.type)
    return select(TOKEN.c.id).where(TOKEN.c.id == token, TOKEN.c.revoked_at.is_(None), lasting).exists()


def _required(caller: User, users: Table, count: int) -> ColumnElement[bool]:
    """That there is the user, with all of so many roles, and that nothing has ended."""
    valid = _valid(caller)
    if caller.id is None:
        return valid
    mine = users.c.id == bindparam(_USER, type_=users.c.id.type)
    user = select(users.c.id).where(mine, people.is_active(users))
    if not count:
        return user.exists() & valid
    if count == 1:  # as mostly; a list costs both sides more
        role = USER_ROLE.c.role == bindparam(_ROLE, type_=USER_ROLE.c.role.type)
        return select(USER_ROLE.c.role).where(USER_ROLE.c.user_id == user.scalar_subquery(), role).exists() & valid
    wanted = USER_ROLE.c.role == func.any(bindparam(_ROLES, type_=ARRAY(USER_ROLE.c.role.type)))
    held = select(func.count()).select_from(USER_ROLE).where(USER_ROLE.c.user_id == user.scalar_subquery(), wanted)
    return (held.scalar_subquery() == bindparam(_COUNT, type_=Integer())) & valid
