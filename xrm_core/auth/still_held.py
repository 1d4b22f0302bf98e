"""Who was let in a moment ago, looked at once more where they do what would outlast what was taken from them."""

import datetime as dt

from sqlalchemy import Connection, Table, or_, select

from xrm_core.auth import people
from xrm_core.errors import Forbidden, Unauthenticated
from xrm_core.permissions.caller import User
from xrm_core.permissions.policy import PolicySet, with_inherited
from xrm_core.storage.system import SESSION, TOKEN


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
    here = caller.id is None or people.by_id(connection, users, caller.id) is not None
    if not here or not _is_valid(connection, caller):
        raise Unauthenticated("You are not signed in any more; nothing was done.", hint="Sign in again.")
    if caller.id is None:
        return  # a service has the roles of its token
    roles = {} if policies is None else policies.roles
    if not caller.access.roles <= with_inherited(roles, people.roles_of(connection, caller.id)):
        raise Forbidden("A role was taken from you; nothing was done.", hint="Look at what you may do now.")


def _is_valid(connection: Connection, caller: User) -> bool:
    now = dt.datetime.now(dt.UTC)
    if caller.session is not None:
        own = select(SESSION.c.id).where(SESSION.c.id == caller.session, SESSION.c.user_id == caller.id)
        return connection.execute(own.where(SESSION.c.expires_at > now)).first() is not None
    valid = select(TOKEN.c.id).where(TOKEN.c.id == caller.token, TOKEN.c.revoked_at.is_(None))
    lasting = or_(TOKEN.c.expires_at.is_(None), TOKEN.c.expires_at > now)
    return connection.execute(valid.where(lasting)).first() is not None
