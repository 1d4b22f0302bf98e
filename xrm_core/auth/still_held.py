"""Who was let in a moment ago, looked at once more where they change something: a server remembers them for a while."""

import datetime as dt

from sqlalchemy import ColumnElement, Connection, Table, or_, select

from xrm_core.auth import people
from xrm_core.errors import Forbidden, Unauthenticated
from xrm_core.permissions.caller import User
from xrm_core.permissions.policy import PolicySet, with_inherited
from xrm_core.storage.system import SESSION, TOKEN, USER_ROLE


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
    valid = _valid(caller)
    if caller.id is None:  # a service has the roles of its token
        if connection.execute(select(valid)).scalar():
            return
        raise _ended()
    query = (
        select(USER_ROLE.c.role)
        .select_from(users)
        .outerjoin(USER_ROLE, USER_ROLE.c.user_id == users.c.id)
        .where(users.c.id == caller.id, people.is_active(users), valid)
    )
    held = connection.scalars(query).all()
    if not held:  # where there is no role, there is a row without one
        raise _ended()
    known = {} if policies is None else policies.roles
    if not caller.access.roles <= with_inherited(known, frozenset(role for role in held if role is not None)):
        raise Forbidden("A role was taken from you; nothing was done.", hint="Look at what you may do now.")


def _ended() -> Unauthenticated:
    return Unauthenticated("You are not signed in any more; nothing was done.", hint="Sign in again.")


def _valid(caller: User) -> ColumnElement[bool]:
    """Whether the session or the token has not ended."""
    now = dt.datetime.now(dt.UTC)
    if caller.session is not None:
        own = (SESSION.c.id == caller.session, SESSION.c.user_id == caller.id)
        return select(SESSION.c.id).where(*own, SESSION.c.expires_at > now).exists()
    lasting = or_(TOKEN.c.expires_at.is_(None), TOKEN.c.expires_at > now)
    return select(TOKEN.c.id).where(TOKEN.c.id == caller.token, TOKEN.c.revoked_at.is_(None), lasting).exists()
