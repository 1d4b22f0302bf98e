"""Groups of a provisioning service and who is in them. One that gives roles is changed by those only who have them."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

from scim2_models import InvalidValueException, Meta, NotFoundException, Reference, UniquenessException
from sqlalchemy import delete, insert, not_, select, update
from sqlalchemy.exc import IntegrityError
from uuid_utils import uuid7

from xrm_core.auth import events
from xrm_core.auth.scim import people, roles
from xrm_core.auth.scim.resources import Group, Member
from xrm_core.auth.scim.work import Work, is_id
from xrm_core.storage.system import SCIM_GROUP, SCIM_MEMBER, SCIM_USER

MAX_MEMBERS = 20_000
"""Users in a group."""

_LONGEST = 500


def get(work: Work, id_: str, *, members: bool = True) -> Group:
    """A group. Raises NotFoundException."""
    wanted = select(SCIM_GROUP).where(SCIM_GROUP.c.id == id_)
    if work.writes:
        wanted = wanted.with_for_update()
    row = work.connection.execute(wanted).first() if is_id(id_) else None
    if row is None:
        raise NotFoundException(detail=f"There is no group {id_[:100]!r}")
    return shown(work, [row], members=members)[0]


def shown(work: Work, rows: Sequence[Any], *, members: bool = True) -> list[Group]:
    """Rows of the table of groups as SCIM shows them; members only if they are asked for."""
    inside: dict[str, list[str]] = {row.id: [] for row in rows}
    if members and rows:
        wanted = select(SCIM_MEMBER).where(SCIM_MEMBER.c.group_id.in_(list(inside)))
        for row in work.connection.execute(wanted.order_by(SCIM_MEMBER.c.user_id)):
            inside[row.group_id].append(row.user_id)
    return [_shown(row, inside[row.id]) for row in rows]


def create(work: Work, given: Group) -> Group:
    """Make a group.

    Raises:
        UniquenessException: there is one of this name.
        ForbiddenException: it would give roles that the token does not have.
        InvalidValueException: its name or its members cannot be.
    """
    name, members = _name(given), _members(given)
    _require_roles(work, name)
    id_ = str(uuid7())
    row = {"id": id_, "version": 1, "created_at": work.now, **_row(work, name, given)}
    _written(work, insert(SCIM_GROUP).values(row))
    work.record(events.Event.GROUP_CREATED, id_, {"name": name, "added": len(members)})
    _change_members(work, id_, members, set())
    return get(work, id_)


def change(work: Work, given: Group, expected: str | None) -> Group:
    """Make a group what SCIM says.

    Raises:
        NotFoundException: there is none.
        PreconditionFailedException: it has another version.
        UniquenessException, ForbiddenException, InvalidValueException: as of :func:`create`.
    """
    before = get(work, given.id or "")
    people.require_version(before, expected)
    id_, former = str(before.id), str(before.display_name)
    name, members = _name(given), _members(given)
    for each in {former, name}:
        _require_roles(work, each)
    version = {"version": SCIM_GROUP.c.version + 1, **_row(work, name, given)}
    _written(work, update(SCIM_GROUP).where(SCIM_GROUP.c.id == id_).values(version))
    had = {str(each.value) for each in before.members or []}
    details: dict[str, Any] = {"name": name, "added": len(members - had), "removed": len(had - members)}
    if name != former:
        details["formerly"] = former
    work.record(events.Event.GROUP_CHANGED, id_, details)
    _change_members(work, id_, members, had, renamed=roles.folded(name) != roles.folded(former))
    return get(work, id_)


def remove(work: Work, id_: str, expected: str | None) -> None:
    """Remove a group; who had roles by it has them no longer.

    Raises:
        NotFoundException: there is none.
        PreconditionFailedException: it has another version.
        ForbiddenException: it gives roles that the token does not have.
    """
    before = get(work, id_)
    people.require_version(before, expected)
    name, had = str(before.display_name), {str(each.value) for each in before.members or []}
    _require_roles(work, name)
    _change_members(work, id_, set(), had)
    work.connection.execute(delete(SCIM_GROUP).where(SCIM_GROUP.c.id == id_))
    work.record(events.Event.GROUP_DELETED, id_, {"name": name, "removed": len(had)})


def _shown(row: Any, members: Sequence[str]) -> Group:
    return Group(
        id=row.id,
        external_id=row.external_id,
        display_name=row.name,
        members=[Member(value=id_, ref=Reference(f"Users/{id_}"), type="User") for id_ in members] or None,
        meta=Meta(
            resource_type="Group",
            created=dt.datetime.fromisoformat(row.created_at),
            last_modified=dt.datetime.fromisoformat(row.changed_at),
            version=f'W/"{row.version}"',
        ),
    )


def _name(given: Group) -> str:
    name = (given.display_name or "").strip()
    if not name or len(name) > _LONGEST or len(given.external_id or "") > _LONGEST:
        raise InvalidValueException(detail=f"displayName and externalId have at most {_LONGEST} characters")
    return name


def _members(given: Group) -> set[str]:
    members = given.members or []
    if len(members) > MAX_MEMBERS:
        raise InvalidValueException(detail=f"A group has at most {MAX_MEMBERS} members")
    for each in members:
        if not is_id(each.value) or (each.type or "User") != "User":
            raise InvalidValueException(detail="A member is an object with the id of a user as «value»")
    return {str(each.value) for each in members}


def _require_roles(work: Work, name: str) -> None:
    work.require_roles(roles.given_by(work.connection, name), f"The group {name[:100]!r} gives roles:")


def _row(work: Work, name: str, given: Group) -> dict[str, Any]:
    kept = {"name": name, "folded": roles.folded(name), "external_id": given.external_id}
    return kept | {"changed_at": work.now}


def _written(work: Work, statement: Any) -> None:
    try:
        with work.connection.begin_nested():
            work.connection.execute(statement)
    except IntegrityError:
        raise UniquenessException(detail="There is another group with this displayName") from None


def _change_members(work: Work, id_: str, members: set[str], had: set[str], *, renamed: bool = False) -> None:
    """Let these be in the group, and give and take roles; their records are held, so that no role is forgotten."""
    concerned = sorted(members | had if renamed else members ^ had)
    added = members - had
    users = work.users
    there: set[str] = set()
    for part in (concerned[start : start + 500] for start in range(0, len(concerned), 500)):
        wanted = select(users.c.id).where(users.c.id.in_(part)).order_by(users.c.id).with_for_update()
        there |= set(work.connection.scalars(wanted))
        gone = select(users.c.id).outerjoin(SCIM_USER, SCIM_USER.c.user_id == users.c.id)
        there -= set(work.connection.scalars(gone.where(users.c.id.in_(part), not_(people.is_there(users)))))
    if missing := sorted(added - there):
        raise InvalidValueException(detail=f"There is no user {missing[0]!r}")
    if added:
        work.connection.execute(insert(SCIM_MEMBER), [{"group_id": id_, "user_id": each} for each in sorted(added)])
    removed = sorted(had - members)
    for part in (removed[start : start + 500] for start in range(0, len(removed), 500)):
        inside = SCIM_MEMBER.c.group_id == id_, SCIM_MEMBER.c.user_id.in_(part)
        work.connection.execute(delete(SCIM_MEMBER).where(*inside))
    # The other groups of these users may give roles that the token does not have: those are not its to give or take.
    changed = roles.renew(work.connection, concerned, within=work.service.access.roles)
    for user_id, (before, after) in changed.items():
        work.record(events.Event.ROLES_CHANGED, user_id, {"before": before, "after": after})
