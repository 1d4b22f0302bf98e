"""Users of SCIM are records of the entity ``user``; what it has no field for is kept beside them."""

import datetime as dt
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from scim2_models import (
    InvalidValueException,
    Meta,
    NotFoundException,
    NotImplementedException,
    PreconditionFailedException,
    Reference,
    UniquenessException,
)
from sqlalchemy import ColumnElement, Select, Table, delete, insert, or_, select, update
from uuid_utils import uuid7

from xrm_core.auth import events
from xrm_core.auth.people import is_active, is_addressed, roles_of
from xrm_core.auth.scim.resources import Email, GroupOfUser, Name, RoleOfUser, User
from xrm_core.auth.scim.work import Work, is_id
from xrm_core.metadata.model import ACTIVE, EMAIL, USER
from xrm_core.records import shares
from xrm_core.storage.columns import Flag
from xrm_core.storage.folding import fold
from xrm_core.storage.system import OF_USERS, SCIM_GROUP, SCIM_MEMBER, SCIM_USER, USER_ROLE

NAMES = {"family_name": "last_name", "given_name": "first_name"}
"""Part of a name → field of the entity, if it has it."""

_LONGEST = 500
_NO_DOMAIN = "removed.invalid"  # which nobody can ever have (RFC 2606)


def require_fields(work: Work) -> None:
    """Refuse to provision where users cannot sign in or be deactivated.

    Raises:
        NotImplementedException: the entity ``user`` lacks one of the fields for that.
    """
    columns = work.users.c
    if EMAIL not in columns or not isinstance(columns.get(ACTIVE, columns.id).type, Flag):
        raise NotImplementedException(
            detail="The entity «user» needs a text «email» and a boolean «active» to be provisioned"
        )


def query(work: Work) -> Select[Any]:
    """All users that there are for SCIM."""
    users = work.users
    named = [users.c[field] for field in NAMES.values() if field in users.c]
    own = [users.c.id, users.c[EMAIL], users.c[ACTIVE], users.c.created_at, users.c.updated_at]
    kept = [SCIM_USER.c.external_id, SCIM_USER.c.attributes, SCIM_USER.c.changed_at]
    joined = select(*own, *named, *kept).outerjoin(SCIM_USER, SCIM_USER.c.user_id == users.c.id)
    return joined.where(is_there(users))


def is_there(users: Table) -> ColumnElement[bool]:
    """Condition that SCIM has not deleted a user, or that somebody else has let them in again since."""
    return or_(SCIM_USER.c.gone_at.is_(None), is_active(users))


def with_name(work: Work, name: str) -> ColumnElement[bool]:
    """Condition that a user signs in by this address, however it is written."""
    return is_addressed(work.users, name)


def get(work: Work, id_: str) -> User:
    """A user. Raises NotFoundException."""
    wanted = query(work).where(work.users.c.id == id_)
    if work.writes:
        wanted = wanted.with_for_update(of=work.users)
    row = work.connection.execute(wanted).first() if is_id(id_) else None
    if row is None:
        raise NotFoundException(detail=f"There is no user {id_[:100]!r}")
    return shown(work, [row])[0]


def shown(work: Work, rows: Sequence[Any], *, in_groups: bool = True) -> list[User]:
    """Rows of :func:`query` as SCIM shows them; their groups, and the version, only if they are asked for."""
    ids = [row.id for row in rows]
    roles: dict[str, list[str]] = {id_: [] for id_ in ids}
    groups: dict[str, list[tuple[str, str]]] = {id_: [] for id_ in ids}
    member = (
        select(SCIM_MEMBER.c.user_id, SCIM_GROUP.c.id, SCIM_GROUP.c.name)
        .join(SCIM_GROUP, SCIM_GROUP.c.id == SCIM_MEMBER.c.group_id)
        .order_by(SCIM_GROUP.c.id)
    )
    for part in (ids[start : start + 500] for start in range(0, len(ids), 500)):
        held = select(USER_ROLE.c.user_id, USER_ROLE.c.role).where(USER_ROLE.c.user_id.in_(part))
        for user_id, role in work.connection.execute(held.order_by(USER_ROLE.c.role)):
            roles[user_id].append(role)
        for user_id, group_id, name in (
            work.connection.execute(member.where(SCIM_MEMBER.c.user_id.in_(part))) if in_groups else ()
        ):
            groups[user_id].append((group_id, name))
    return [_shown(row, roles[row.id], groups[row.id]) for row in rows]


def create(work: Work, given: User) -> User:
    """Make a user without password and roles. With the address of one who was deleted it is another user.

    Raises:
        UniquenessException: there is a user with this address, whom nobody takes over.
        InvalidValueException, XrmError: the user cannot be made like this.
    """
    _require_free_name(work, given, None)
    values = {**_values(work, given, None), ACTIVE: given.active is not False}
    id_ = work.records.create(work.connection, work.author, USER, values)
    _keep(work, id_, given)
    work.record(events.Event.USER_CREATED, id_, {"external": given.external_id})
    return get(work, id_)


def change(work: Work, given: User, expected: str | None) -> User:
    """Make a user what SCIM says.

    Raises:
        PreconditionFailedException: it is not the version that was expected.
        ForbiddenException: the user has roles that the token does not have, and is not only deactivated.
        UniquenessException, InvalidValueException, XrmError: the user cannot be like this.
    """
    before = get(work, given.id or "")
    require_version(before, expected)
    id_ = str(before.id)
    values = _values(work, given, before)
    if given.active is None and before.active is False:
        given.active = False  # who has left does not come back by being left out
    values[ACTIVE] = given.active
    changed = sorted(name for name in _COMPARED if getattr(given, name) != getattr(before, name))
    if changed != [ACTIVE] or given.active is not False or not _is_provisioned(work, id_):
        work.require_roles(roles_of(work.connection, id_), "The user has roles:")
    _require_free_name(work, given, id_)
    work.records.update(work.connection, work.author, USER, id_, values)
    _keep(work, id_, given)
    details: dict[str, Any] = {"attributes": changed}
    if ACTIVE in changed:
        details[ACTIVE] = given.active is not False
    work.record(events.Event.USER_CHANGED, id_, details)
    return get(work, id_)


def remove(work: Work, id_: str, expected: str | None) -> None:
    """Take away everything by which a user signs in, all roles and what is shared with them. The record stays, and
    what refers to it, but without the address: that may be somebody else's one day, who must not be taken for them.

    Raises:
        NotFoundException: there is no such user.
        PreconditionFailedException: it is not the version that was expected.
        ForbiddenException: the user has roles that the token does not have, and was not made by SCIM.
    """
    before = get(work, id_)
    require_version(before, expected)
    roles = sorted(roles_of(work.connection, id_))
    if not _is_provisioned(work, id_):
        work.require_roles(roles, "The user has roles:")
    work.records.update(work.connection, work.author, USER, id_, {ACTIVE: False, EMAIL: _nobodys_address(work, id_)})
    shared = shares.end_with(work.connection, id_)
    _keep(work, id_, before)
    for table in OF_USERS:
        if table is not SCIM_USER:
            work.connection.execute(delete(table).where(table.c.user_id == id_))
    work.connection.execute(update(SCIM_USER).where(SCIM_USER.c.user_id == id_).values(gone_at=work.now))
    work.record(events.Event.USER_DEPROVISIONED, id_, {"roles": roles, "shares": shared})


def require_version(before: Any, expected: str | None) -> None:
    """Raise PreconditionFailedException unless a resource has the version that was expected; None: any."""
    if expected is not None and before.meta.version != expected:
        raise PreconditionFailedException


_COMPARED = ("user_name", "name", "display_name", "active", "emails", "external_id")


def _shown(row: Any, roles: Iterable[str], groups: Iterable[tuple[str, str]]) -> User:
    kept: Mapping[str, Any] = json.loads(row.attributes) if row.attributes else {}
    email = row._mapping[EMAIL]
    parts = {part: row._mapping.get(field, kept.get(part)) for part, field in NAMES.items()}
    user = User(
        id=row.id,
        external_id=row.external_id,
        user_name=kept.get("user_name") if fold(kept.get("user_name")) == fold(email) else email,
        name=Name(**parts) if any(parts.values()) else None,
        display_name=kept.get("display_name"),
        active=row._mapping[ACTIVE],
        emails=[Email(**each) for each in kept.get("emails", ())] or None,
        groups=[GroupOfUser(value=id_, ref=Reference(f"Groups/{id_}"), display=name) for id_, name in groups] or None,
        roles=[RoleOfUser(value=role) for role in roles] or None,
    )
    times = [dt.datetime.fromisoformat(each) for each in (row.updated_at, row.changed_at) if each]
    version = hashlib.sha256(f"{user.model_dump_json()} {row.updated_at} {row.changed_at}".encode()).hexdigest()
    user.meta = Meta(
        resource_type="User",
        created=dt.datetime.fromisoformat(row.created_at),
        last_modified=max(times),
        version=f'W/"{version[:32]}"',
    )
    return user


def _values(work: Work, given: User, before: User | None) -> dict[str, Any]:
    """Fields of the record; who has no family name is called by the beginning of the address."""
    name = given.user_name or ""
    values: dict[str, Any] = {}
    if before is None or before.user_name != name:
        values[EMAIL] = fold(name)
    fields = work.records.model[USER].fields
    for part, field in NAMES.items():
        if field in fields:
            value = getattr(given.name, part) if given.name is not None else None
            if not value and fields[field].required:
                value = name.partition("@")[0]
            values[field] = value or None
    return values


def _keep(work: Work, id_: str, given: User) -> None:
    """Keep what the entity has no field for."""
    fields = work.records.model[USER].fields
    names = given.name.model_dump(by_alias=False) if given.name is not None else {}
    attributes = {
        "user_name": given.user_name,
        "display_name": given.display_name,
        "emails": [{"value": each.value, "type": each.type, "primary": each.primary} for each in given.emails or []],
        **{part: getattr(given.name, part) for part, field in NAMES.items() if names and field not in fields},
    }
    text = json.dumps({key: value for key, value in attributes.items() if value}, ensure_ascii=False, sort_keys=True)
    if len(text) > 20 * _LONGEST or len(given.external_id or "") > _LONGEST:
        raise InvalidValueException(detail=f"externalId has at most {_LONGEST} characters, a user {20 * _LONGEST}")
    row = {"external_id": given.external_id, "attributes": text, "changed_at": work.now, "gone_at": None}
    if not work.connection.execute(update(SCIM_USER).where(SCIM_USER.c.user_id == id_).values(row)).rowcount:
        work.connection.execute(insert(SCIM_USER).values(user_id=id_, **row))


def _nobodys_address(work: Work, id_: str) -> str:
    """What a user has for an address who is deleted. Somebody may have taken it, so that the user cannot be."""
    usual = f"{id_}@{_NO_DOMAIN}"
    others = select(work.users.c.id).where(with_name(work, usual), work.users.c.id != id_)
    is_taken = work.connection.execute(others.limit(1)).first() is not None
    return f"{uuid7()}@{_NO_DOMAIN}" if is_taken else usual


def _require_free_name(work: Work, given: User, id_: str | None) -> None:
    """Raise UniquenessException if there is another user with this address than the one with the id."""
    wanted = select(work.users.c.id).where(with_name(work, given.user_name or ""))
    if id_ is not None:
        wanted = wanted.where(work.users.c.id != id_)
    if work.connection.execute(wanted.limit(1)).first() is not None:
        raise UniquenessException(detail="There is another user with this userName")


def _is_provisioned(work: Work, id_: str) -> bool:
    """Whether SCIM made the user, or changed one whose roles its token had."""
    found = work.connection.scalar(select(SCIM_USER.c.user_id).where(SCIM_USER.c.user_id == id_))
    return found is not None
