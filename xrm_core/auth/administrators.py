"""Who may administer users: there is always somebody, and nobody changes somebody who may do more."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from sqlalchemy import Connection, Table, or_, select

from xrm_core.auth import people
from xrm_core.errors import Forbidden, XrmError
from xrm_core.permissions.access import Access
from xrm_core.permissions.authority import Authority
from xrm_core.permissions.grants import beyond_roles, told
from xrm_core.permissions.policy import USERS, Action
from xrm_core.permissions.role_limits import Decided
from xrm_core.storage.system import IDENTITY, PASSKEY, PASSWORD, USER_ROLE


class LastAdministrator(XrmError):
    """Nobody would be left who may administer users and can sign in."""

    code = "LAST_ADMINISTRATOR"
    http_status = 409


class Beyond(Forbidden):
    """It would be done to, or give, more than who does it holds.

    ``missing`` is all of that, for the log; the details are what the author may know of it.
    """

    missing: Sequence[str] = ()


@dataclass(frozen=True)
class Administrators:
    """What roles mean for changing users.

    Args:
        authority: what roles may do.
        usual: limits of roles that leave them open.
    """

    authority: Authority
    usual: Decided

    def may_administer(self, roles: Iterable[str]) -> bool:
        """Whether who has these roles may change users."""
        return self.authority.gives(frozenset(roles), USERS, Action.UPDATE)

    def beyond(self, author: Access, roles: Iterable[str]) -> list[str]:
        """What these roles give that somebody does not hold, in words; empty: nothing."""
        asked = frozenset(roles)
        # The same rights, though a policy takes from both what another one gives. Roles that somebody likes to name are
        # not put together: that takes long, and all who ask for anything wait for it.
        if asked <= author.roles and self.authority.access(asked).shape == author.shape:
            return []
        return beyond_roles(author, self.authority.model, self.authority.policies, asked, self.usual)

    def require_within(self, author: Access, roles: Iterable[str], what: str) -> None:
        """Refuse to do something to who has these roles, or to give them. ``what`` is the sentence that says so.

        Raises:
            Beyond: they give more than the author holds.
        """
        if missing := self.beyond(author, roles):
            error = Beyond(
                what,
                hint="Nothing was changed. Leave this out, or have somebody do it who holds it.",
                details={"beyond": told(author, self.authority.model, missing)},
            )
            error.missing = missing
            raise error

    @cached_property
    def _giving(self) -> list[str]:
        """Roles that give the right by themselves."""
        return sorted(role for role in self.authority.policies.roles if self.may_administer([role]))

    def ids(self, connection: Connection, users: Table) -> list[str]:
        """Ids of the active users who may administer users and can sign in."""
        ways = (select(each.c.user_id) for each in (PASSWORD, PASSKEY, IDENTITY))
        query = (
            select(USER_ROLE.c.user_id, USER_ROLE.c.role)
            .join(users, users.c.id == USER_ROLE.c.user_id)
            .where(people.is_active(users), or_(*(users.c.id.in_(each) for each in ways)))
            .where(USER_ROLE.c.user_id.in_(select(USER_ROLE.c.user_id).where(USER_ROLE.c.role.in_(self._giving))))
        )
        held: dict[str, set[str]] = {}
        for user_id, role in connection.execute(query):
            held.setdefault(str(user_id), set()).add(role)
        may = {roles: self.may_administer(roles) for roles in set(map(frozenset, held.values()))}
        return sorted(user_id for user_id, roles in held.items() if may[frozenset(roles)])

    def require_one_left(self, connection: Connection, users: Table) -> None:
        """Refuse a change after which nobody is left; records of those who were are held.

        Raises:
            LastAdministrator: nobody is.
        """
        if not self.ids(connection, users):
            raise LastAdministrator(
                "Nobody would be left who may administer users and can sign in.",
                hint="Nothing was changed. Give somebody else the right first.",
            )
