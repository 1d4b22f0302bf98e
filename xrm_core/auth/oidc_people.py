"""What an OpenID provider says about somebody → a user with roles and a session.

Who it is, is said by issuer and subject together, never by an e-mail address alone: those change hands.
"""

import contextlib
import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Table, insert, select
from sqlalchemy.exc import IntegrityError

from xrm_core.auth import attempts, events, oidc_sessions, people, provider_logout, tokens
from xrm_core.auth.attempts import Kind, TooManyAttempts
from xrm_core.auth.oidc_client import ProviderSignInFailed, refused
from xrm_core.auth.oidc_providers import Provider
from xrm_core.auth.oidc_tokens import is_name
from xrm_core.auth.people import Person
from xrm_core.auth.sessions import Lifetimes
from xrm_core.auth.sign_in import TIMEOUT, SignedIn, open_session
from xrm_core.errors import XrmError
from xrm_core.metadata.model import USER
from xrm_core.permissions.caller import System
from xrm_core.records.door import Records
from xrm_core.storage.engines import Database
from xrm_core.storage.system import IDENTITY


@dataclass(frozen=True)
class Arrival:
    """Somebody whom a provider has sent back; the rest is as in an attempt to sign in.

    ``id_token``: the token that says it, encrypted; None: it is not kept.
    """

    claims: Mapping[str, Any]
    address: str | None
    device: str
    device_token: str | None
    former: str | None
    id_token: str | None = None


def sign_in_by(
    database: Database, records: Records, provider: Provider, lifetimes: Lifetimes, arrival: Arrival
) -> SignedIn:
    """Make a session for whom a provider has sent (blocking).

    Args:
        database: has the users.
        records: the door by which new users come in.
        provider: who says it.
        lifetimes: how long the session lasts.
        arrival: what it says.

    Raises:
        ProviderSignInFailed: nobody here is linked with this account, nor may be by signing in.
    """
    try:
        try:
            return _signed_in(database, records, provider, lifetimes, arrival)
        except IntegrityError:  # the same account came twice at the same moment, and was new both times
            return _signed_in(database, records, provider, lifetimes, arrival)
    except ProviderSignInFailed as error:
        keep_refusal(database, provider, error.message, arrival.address, str(arrival.claims["sub"]))
        raise


def keep_refusal(
    database: Database, provider: Provider, reason: str, address: str | None, subject: str | None = None
) -> None:
    """Keep that a provider's answer let nobody in (blocking).

    Of one address only so many are kept: whoever sends many must neither fill the log nor keep others from writing.

    Args:
        database: has the log.
        provider: whose answer.
        reason: why, in words without anything secret.
        address: of the client.
        subject: who it is there; None: the answer did not show that, as with a forged ID token.
    """
    counters = [attempts.of_address(address, Kind.PROVIDER_ANSWER)]
    with contextlib.suppress(TooManyAttempts):
        with database.read(TIMEOUT) as connection:
            attempts.require_free(connection, counters)
        with database.begin(TIMEOUT) as connection:
            attempts.count(connection, counters)
            details = {"provider": provider.name, "reason": reason}
            event = events.Event.SIGN_IN_FAILED
            events.record(connection, event, subject=subject, address=address, details=details)


def link(connection: Connection, user_id: str, issuer: str, subject: str) -> None:
    """Let an account of a provider sign in as a user; one that was somebody else's until now is no longer."""
    connection.execute(IDENTITY.delete().where(IDENTITY.c.issuer == issuer, IDENTITY.c.subject == subject))
    _insert(connection, user_id, issuer, subject)


def unlink(connection: Connection, user_id: str, which: tuple[str, str] | None = None) -> int:
    """Let an account of a provider, by issuer and subject, not sign in as a user any more; None: all of them.

    Answers how many did.
    """
    gone = IDENTITY.delete().where(IDENTITY.c.user_id == user_id)
    if which is not None:
        gone = gone.where(IDENTITY.c.issuer == which[0], IDENTITY.c.subject == which[1])
    return connection.execute(gone).rowcount


def linked(connection: Connection, user_id: str) -> list[tuple[str, str]]:
    """Issuer and subject of the accounts that sign in as a user."""
    query = select(IDENTITY.c.issuer, IDENTITY.c.subject).where(IDENTITY.c.user_id == user_id)
    return [(row.issuer, row.subject) for row in connection.execute(query.order_by(IDENTITY.c.created_at))]


def _signed_in(
    database: Database, records: Records, provider: Provider, lifetimes: Lifetimes, arrival: Arrival
) -> SignedIn:
    claims = arrival.claims
    if not is_name(claims["sub"]):
        raise refused("The provider's ID token has no usable subject.")
    with database.begin(TIMEOUT) as connection:
        provider_logout.hold(connection, provider, claims["sub"], oidc_sessions.sid_in(claims))
        person = _person(connection, records, provider, arrival)
        people.hold(connection, records.tables[USER], [person.id])
        if people.by_id(connection, records.tables[USER], person.id) is None:
            raise refused("The account may not sign in.")
        if provider_logout.has_ended(connection, provider, claims):
            raise refused("The provider has signed this account out again.")
        how = {"provider": provider.name}
        if provider.roles and _is_elsewhere(claims, provider.roles_claim):
            how["roles"] = f"left as they were: «{provider.roles_claim}» did not fit into the ID token"
        elif provider.roles:
            _give_roles(connection, provider, person, arrival)
        signed_in = open_session(
            connection,
            lifetimes,
            person,
            cookie=True,
            device=arrival.device,
            address=arrival.address,
            device_token=arrival.device_token,
            former=arrival.former,
            how=how,
        )
        oidc_sessions.keep(connection, signed_in.session.id, provider, claims, arrival.id_token)
        return signed_in


def _person(connection: Connection, records: Records, provider: Provider, arrival: Arrival) -> Person:
    users, claims = records.tables[USER], arrival.claims
    query = select(IDENTITY.c.user_id).where(IDENTITY.c.issuer == provider.issuer, IDENTITY.c.subject == claims["sub"])
    known = connection.scalar(query)
    if known is not None:
        person = people.by_id(connection, users, known)
        if person is None:
            raise refused("The account may not sign in.")
        return person
    email = claims.get("email") if claims.get("email_verified") is True else None
    if not isinstance(email, str) or not email.isprintable():
        email = None
    if provider.link_by_email and email is not None:
        person = people.by_email(connection, users, email)
        # Who has an account there already is not whoever has their address by now.
        if person is not None and not _has_account(connection, users, person, provider):
            _insert(connection, person.id, provider.issuer, claims["sub"])
            details = {"provider": provider.name, "by": "email"}
            event = events.Event.IDENTITY_LINKED
            events.record(
                connection, event, user_id=person.id, subject=person.id, address=arrival.address, details=details
            )
            return person
    if not provider.create_users:
        raise refused("Nobody here is linked with this account of the provider.")
    return _new(connection, records, provider, arrival, email)


def _has_account(connection: Connection, users: Table, person: Person, provider: Provider) -> bool:
    people.hold(connection, users, [person.id])  # two accounts may come at the same moment
    known = select(IDENTITY.c.user_id).where(IDENTITY.c.user_id == person.id, IDENTITY.c.issuer == provider.issuer)
    return connection.execute(known.limit(1)).first() is not None


def _new(connection: Connection, records: Records, provider: Provider, arrival: Arrival, email: str | None) -> Person:
    if email is None:
        # Whoever has a user with somebody's address could be let in as them elsewhere: by a reset of the password, say.
        raise refused("The provider has not verified the e-mail address of this account.")
    entity = records.model[USER]
    values = {
        field: arrival.claims[claim]
        for field, claim in provider.fields.items()
        if field in entity.fields and isinstance(arrival.claims.get(claim), str)
    }
    try:
        with connection.begin_nested():
            user_id = records.create(
                connection, System(records.full_access, f"sign-in by {provider.name}"), USER, values
            )
    except XrmError as error:
        raise refused(f"No user can be made of this account: {error.code}.") from error
    _insert(connection, user_id, provider.issuer, arrival.claims["sub"])
    details = {"provider": provider.name}
    event = events.Event.USER_CREATED
    events.record(connection, event, user_id=user_id, subject=user_id, address=arrival.address, details=details)
    return Person(user_id, email)


def _insert(connection: Connection, user_id: str, issuer: str, subject: str) -> None:
    now = dt.datetime.now(dt.UTC)
    connection.execute(insert(IDENTITY).values(issuer=issuer, subject=subject, user_id=user_id, created_at=now))


def _give_roles(connection: Connection, provider: Provider, person: Person, arrival: Arrival) -> None:
    """The roles that the claim gives; roles of which the provider says nothing stay."""
    given = arrival.claims.get(provider.roles_claim)
    values = [given] if isinstance(given, str) else given if isinstance(given, list) else []
    mapped = {role for value in values if isinstance(value, str) for role in provider.roles.get(value, ())}
    governed = {role for roles in provider.roles.values() for role in roles}
    before = people.roles_of(connection, person.id)
    after = (before - governed) | mapped
    if after != before:
        tokens.set_roles(connection, person.id, after)
        details = {"before": sorted(before), "after": sorted(after), "provider": provider.name}
        event = events.Event.ROLES_CHANGED
        events.record(connection, event, user_id=None, subject=person.id, address=arrival.address, details=details)


def _is_elsewhere(claims: Mapping[str, Any], claim: str) -> bool:
    """Whether an ID token has no such claim because it did not fit, and says where it could be asked for.

    Source: OpenID Connect Core, section 5.6.2; Entra ID's «groups overage», which also knows ``hasgroups``.
    """
    if claim in claims:
        return False
    elsewhere = claims.get("_claim_names")
    named = isinstance(elsewhere, Mapping) and claim in elsewhere
    return named or (claim == "groups" and claims.get("hasgroups") in (True, "true"))
