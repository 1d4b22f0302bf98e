"""With whose rights webhooks see: those of a role, or of a service by its token, as they are now."""

import datetime as dt
import json
from typing import Any

from sqlalchemy import Connection, or_, select

from xrm_core.events.webhooks import Wanted
from xrm_core.permissions.access import Access
from xrm_core.permissions.authority import Authority
from xrm_core.permissions.caller import User
from xrm_core.permissions.token_scope import TokenScope, grants_of
from xrm_core.storage.system import TOKEN


def subscriber(connection: Connection, authority: Authority, wanted: Wanted) -> User | None:
    """The caller with whose rights a webhook sees; None: there is no such role, or no such token that is valid.

    It is no user of the platform: rules that name one hold for nothing.
    """
    if wanted.service is None:
        known = wanted.role is not None and wanted.role in authority.policies.roles
        return User(None, authority.access(frozenset([wanted.role or ""]))) if known else None
    found = _access_of(connection, authority, wanted.service)
    return None if found is None else User(None, found, token=wanted.service)


def roles_of(connection: Connection, wanted: Wanted) -> frozenset[str]:
    """The roles that its rights come from; a service may have less than these, by what its token is held to."""
    if wanted.service is None:
        return frozenset([wanted.role or ""])
    row = _service(connection, wanted.service)
    return frozenset() if row is None else frozenset(json.loads(row.roles))


def _access_of(connection: Connection, authority: Authority, id_: str) -> Access | None:
    row = _service(connection, id_)
    if row is None:
        return None
    grants = grants_of(None if row.grants is None else json.loads(row.grants))
    return authority.access(frozenset(json.loads(row.roles)), TokenScope(None, grants, personal=False))


def _service(connection: Connection, id_: str) -> Any:
    lasting = or_(TOKEN.c.expires_at.is_(None), TOKEN.c.expires_at > dt.datetime.now(dt.UTC))
    valid = TOKEN.c.id == id_, TOKEN.c.user_id.is_(None), TOKEN.c.revoked_at.is_(None), lasting
    return connection.execute(select(TOKEN.c.roles, TOKEN.c.grants).where(*valid)).first()
