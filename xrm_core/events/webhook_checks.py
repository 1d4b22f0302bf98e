"""Whether a webhook can be as it is wanted: each part of it, before anything is kept."""

from uuid import UUID

from sqlalchemy import Connection

from xrm_core.changes.entry import Operation
from xrm_core.errors import BadQuery, XrmError
from xrm_core.events.webhook_subscribers import subscriber
from xrm_core.events.webhooks import Subject, Wanted
from xrm_core.outgoing.client import NotAnswered, checked
from xrm_core.permissions.access import Access
from xrm_core.permissions.authority import Authority
from xrm_core.permissions.policy import Action

MOST_SUBJECTS = 100
"""Entities of one webhook."""

_MOST_NAME, _MOST_URL, _MOST_FILTER = 100, 2000, 20_000


class WebhookInvalid(XrmError):
    """A webhook cannot be as it is wanted."""

    code = "WEBHOOK_INVALID"
    http_status = 422


def refused(why: str, hint: str) -> WebhookInvalid:
    """The error that says why not."""
    return WebhookInvalid(f"The webhook cannot be so: {why}.", hint=hint)


def check(connection: Connection, authority: Authority, wanted: Wanted) -> None:
    """Refuse a webhook that cannot be.

    Raises:
        WebhookInvalid: says what is wrong.
    """
    if not wanted.name.strip() or len(wanted.name) > _MOST_NAME or not wanted.name.isprintable():
        raise refused("it has no name, or one of more than 100 characters", "Give it one.")
    try:
        checked(wanted.url)
        if len(wanted.url) > _MOST_URL:
            raise NotAnswered("URL_REFUSED")
    except NotAnswered:
        raise refused("its address is none", "Write https://host/path, without user, password and #.") from None
    access = _access(connection, authority, wanted)
    names = [each.entity for each in wanted.subjects]
    if not names or len(names) > MOST_SUBJECTS:
        raise refused(f"it names no entity, or more than {MOST_SUBJECTS}", "Name those whose changes it is to tell.")
    if len(set(names)) < len(names):
        raise refused("it names an entity twice", "Say in one place what it is to be told of it.")
    for each in wanted.subjects:
        _check_subject(authority, access, each)


def _access(connection: Connection, authority: Authority, wanted: Wanted) -> Access:
    if (wanted.role is None) == (wanted.service is None):
        raise refused("it needs a role or a service, and not both", "Say with whose rights it sees.")
    if wanted.service is not None and not _is_id(wanted.service):
        raise refused("its service is none", "Give the id of the token of a service.")
    found = subscriber(connection, authority, wanted)
    if found is not None:
        return found.access
    if wanted.role is not None:
        roles = ", ".join(sorted(authority.policies.roles))
        raise refused(f"there is no role {wanted.role[:100]!r}", f"Roles are: {roles}.")
    raise refused("there is no such service, or its token has ended", "«xrm token list» shows them.")


def _check_subject(authority: Authority, access: Access, subject: Subject) -> None:
    model, name = authority.model, subject.entity
    kind = next((each for each in model if each.name == name), None)
    if kind is None or (permission := access.get(name, Action.READ)) is None:
        raise refused(f"whoever it sees for can read no {name[:100]!r}", "Name another entity or role.")
    if unknown := set(subject.operations) - set(Operation):
        raise refused(f"there is no operation {min(unknown)[:100]!r}", f"Operations are: {', '.join(Operation)}.")
    shown = Subject(name).shown_fields(model, permission.fields, kind)
    if missing := set(subject.fields or ()) - set(shown):
        raise refused(
            f"whoever it sees for can read no field {min(missing)[:100]!r} of a {name}, or reads of it are logged",
            f"Fields are: {', '.join(sorted(shown))}.",
        )
    try:
        if len(repr(subject.filter)) > _MOST_FILTER:
            raise BadQuery("It is too long.")
        subject.condition(model, kind)
    except BadQuery as error:
        raise refused(f"its filter is wrong: {error.message.rstrip('.')}", "See the page on filters.") from None


def _is_id(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
