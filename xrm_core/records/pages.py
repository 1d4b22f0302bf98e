"""Lists of what is kept beside records, for those who administer it: pages of jobs, messages, runs, users."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from xrm_core.errors import BadQuery, Forbidden
from xrm_core.metadata.model import Model
from xrm_core.permissions.caller import User
from xrm_core.permissions.policy import Action
from xrm_core.storage.engines import Database
from xrm_core.storage.policy_sets import require_current
from xrm_core.translation import say

USUAL, MOST = 50, 200
"""Things on a page: if nobody says, and at most."""

TIMEOUT = 5.0
"""Seconds that it may take to read a page, or to change one thing."""


def page_size(first: int | None) -> int:
    """How many things somebody asks for. Raises BadQuery: too many, or none."""
    limit = USUAL if first is None else first
    if not 1 <= limit <= MOST:
        raise BadQuery(say("«first» is 1 to {most}, not {limit}.", most=MOST, limit=limit))
    return limit


def known_id(text: str) -> str:
    """An id as it is stored. Raises BadQuery: it is none."""
    try:
        return str(UUID(text))
    except ValueError:
        hint = say("Ids look like {example}.", example="01a2170d-fdba-726c-8456-14ba50d381ce")
        raise BadQuery(say("This is no id."), hint=hint) from None


def page_of(nodes: Sequence[Mapping[str, Any]], *, more: bool, after: str | None) -> dict[str, Any]:
    """A page in the shape of GraphQL's connections.

    Args:
        nodes: with their ``id``.
        more: whether others follow.
        after: id of the one before the first; None: there is none.
    """
    return {
        "nodes": nodes,
        "pageInfo": {
            "hasNextPage": more,
            "hasPreviousPage": after is not None,
            "startCursor": nodes[0]["id"] if nodes else None,
            "endCursor": nodes[-1]["id"] if nodes else None,
        },
    }


def require_right(caller: User, to: str, action: Action, refusal: str) -> None:
    """Raise Forbidden, in words for people, unless the caller may do this to an object that is no entity."""
    if not caller.access.may(to, action):
        raise Forbidden(refusal, hint=say("Ask an administrator for the permission."))


@contextmanager
def changing(
    database: Database, caller: User, model: Model, policies: str, held: Callable[[Connection, User], None]
) -> Iterator[Connection]:
    """A transaction of somebody whose rights were looked at before it began, and still hold.

    Args:
        database: in which something is changed.
        caller: who changes it.
        model: that their rights are about.
        policies: digest of the policies that these come from.
        held: refuses callers who have lost by now what they were let in with.

    Raises:
        ModelOutOfDate, PermissionsChanged: others hold by now.
    """
    with database.begin(TIMEOUT) as connection:
        require_current(connection, model, policies)
        held(connection, caller)
        yield connection
