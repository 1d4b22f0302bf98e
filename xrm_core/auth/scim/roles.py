"""Which roles the groups of a provisioning service give: said here by the name of the group, never by the service."""

from collections.abc import Collection, Iterable, Mapping

from sqlalchemy import Connection, Table, delete, func, insert, select

from xrm_core.auth import people, tokens
from xrm_core.storage.folding import fold
from xrm_core.storage.system import SCIM_GROUP, SCIM_MEMBER, SCIM_ROLE, USER_ROLE

Change = tuple[list[str], list[str]]
"""Roles before and after."""


def folded(name: str) -> str:
    """The name of a group as it is compared."""
    return fold(name.strip()) or ""


def given_by(connection: Connection, name: str) -> list[str]:
    """The roles that a group of this name gives."""
    query = select(SCIM_ROLE.c.role).where(SCIM_ROLE.c.folded == folded(name))
    return list(connection.scalars(query.order_by(SCIM_ROLE.c.role)))


def hold_mapping(connection: Connection, *, to_change: bool = False) -> None:
    """Let nobody change which roles groups give until the transaction ends; the first thing that it does.

    Args:
        connection: in a write transaction.
        to_change: nor let anybody put users into groups meanwhile, also into groups that nobody is in, or that are not
            there yet: there is no row by which these could be held.
    """
    if connection.dialect.name == "postgresql":  # on SQLite there is one writer at a time
        mode = "EXCLUSIVE" if to_change else "ROW SHARE"
        connection.exec_driver_sql(f"LOCK TABLE {SCIM_ROLE.name} IN {mode} MODE")


def assign(
    connection: Connection, users: Table, name: str, given: Collection[str]
) -> tuple[list[str], Mapping[str, Change]]:
    """Let a group of this name give exactly these roles, also to those who are in it.

    Args:
        connection: in a write transaction that has done nothing yet.
        users: the table of the entity ``user``.
        name: of the group, which need not be there.
        given: the roles.

    Returns:
        The roles that it gave before, and the roles of users whose roles changed.
    """
    hold_mapping(connection, to_change=True)
    before, members = given_by(connection, name), members_of(connection, name)
    people.hold(connection, users, members)
    set_given(connection, name, given)
    return before, renew(connection, members, before)


def set_given(connection: Connection, name: str, roles: Iterable[str]) -> None:
    """Let a group of this name give exactly these roles; who is in it has them after :func:`renew`."""
    connection.execute(delete(SCIM_ROLE).where(SCIM_ROLE.c.folded == folded(name)))
    rows = [{"folded": folded(name), "role": role} for role in sorted(set(roles))]
    if rows:
        connection.execute(insert(SCIM_ROLE), rows)


def members_of(connection: Connection, name: str) -> list[str]:
    """Ids of the users in a group of this name."""
    query = select(SCIM_MEMBER.c.user_id).join(SCIM_GROUP, SCIM_GROUP.c.id == SCIM_MEMBER.c.group_id)
    return list(connection.scalars(query.where(SCIM_GROUP.c.folded == folded(name)).order_by(SCIM_MEMBER.c.user_id)))


def renew(
    connection: Connection, user_ids: Collection[str], lost: Iterable[str] = (), within: Collection[str] | None = None
) -> Mapping[str, Change]:
    """Give users the roles of their groups, and take those that some group gives, but none of theirs.

    Args:
        connection: in a write transaction that holds the records of these users.
        user_ids: whose groups may have changed.
        lost: roles that no group gives any more.
        within: only these are given and taken; None: all.

    Returns:
        The roles of users whose roles changed.
    """
    governed = {*connection.scalars(select(SCIM_ROLE.c.role)), *lost}
    if within is not None:
        governed.intersection_update(within)
    if not governed or not user_ids:
        return {}
    ids = sorted(user_ids)
    wanted: dict[str, set[str]] = {id_: set() for id_ in ids}
    held: dict[str, set[str]] = {id_: set() for id_ in ids}
    groups = (
        select(SCIM_MEMBER.c.user_id, SCIM_ROLE.c.role)
        .join(SCIM_GROUP, SCIM_GROUP.c.id == SCIM_MEMBER.c.group_id)
        .join(SCIM_ROLE, SCIM_ROLE.c.folded == SCIM_GROUP.c.folded)
    )
    for part in (ids[start : start + 500] for start in range(0, len(ids), 500)):
        for user_id, role in connection.execute(groups.where(SCIM_MEMBER.c.user_id.in_(part))):
            wanted[user_id].add(role)
        for user_id, role in connection.execute(
            select(USER_ROLE.c.user_id, USER_ROLE.c.role).where(USER_ROLE.c.user_id.in_(part))
        ):
            held[user_id].add(role)
    changed = {}
    for id_ in ids:
        after = (held[id_] - governed) | (wanted[id_] & governed)
        if after != held[id_]:
            tokens.set_roles(connection, id_, after)
            changed[id_] = (sorted(held[id_]), sorted(after))
    return changed


def groups(connection: Connection) -> list[tuple[str, int | None, list[str]]]:
    """Name, number of users and roles of all groups by name; no number: roles are said for it, but it is not there."""
    given: dict[str, list[str]] = {}
    for key, role in connection.execute(select(SCIM_ROLE.c.folded, SCIM_ROLE.c.role).order_by(SCIM_ROLE.c.role)):
        given.setdefault(key, []).append(role)
    members = select(SCIM_MEMBER.c.group_id, func.count().label("count")).group_by(SCIM_MEMBER.c.group_id).subquery()
    query = select(SCIM_GROUP.c.folded, SCIM_GROUP.c.name, members.c.count)
    rows = connection.execute(query.outerjoin(members, members.c.group_id == SCIM_GROUP.c.id))
    found = [(name, int(count or 0), given.pop(key, [])) for key, name, count in rows]
    return sorted([*found, *((key, None, roles) for key, roles in given.items())], key=lambda each: folded(each[0]))
