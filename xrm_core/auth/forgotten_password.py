"""Somebody has forgotten their password and asks for a link by mail.

Whether there is such a user shows nowhere: what answers only counts, and all the rest is done after the answer.
"""

import datetime as dt
from dataclasses import dataclass, field

from sqlalchemy import Table

from xrm_core.auth import attempts, events, people
from xrm_core.auth.attempts import Counter, Kind, of_address
from xrm_core.auth.one_time import Purpose, create_link
from xrm_core.auth.sign_in import TIMEOUT
from xrm_core.auth.stored_passwords import kept_hash
from xrm_core.storage.engines import Database

VALID = dt.timedelta(hours=1)
"""How long such a link is good."""


@dataclass(frozen=True)
class Link:
    """A link to be sent to a user."""

    user_id: str
    email: str
    language: str | None
    token: str = field(repr=False)


def count(database: Database, email: str, address: str | None) -> None:
    """Count that somebody asks, whether there is such a user or not. Blocking.

    Raises:
        TooManyAttempts: there were too many for this e-mail address, or from this client.
    """
    of_client = Counter.of(Kind.MAIL_CLIENT, of_address(address).key)
    with database.begin(TIMEOUT) as connection:
        attempts.count(connection, [Counter.of(Kind.MAIL, email.lower()), of_client])


def prepare(database: Database, users: Table, email: str, address: str | None) -> Link | None:
    """Make the link; None if no active user with a password has this address. Blocking.

    Who signs in by a provider or a directory only has none, and a mailbox alone must not get past what those ask for.
    """
    with database.begin(TIMEOUT) as connection:
        person = people.by_email(connection, users, email)
        if person is not None:  # who gets another address at this moment must not have a link sent to the former one
            people.hold(connection, users, [person.id])
            person = person if people.by_email(connection, users, email) == person else None
        subject = email if person is None else person.id
        details = {"by": "mail"} if person is not None else {"by": "mail", "user": "none"}
        events.record(connection, events.Event.PASSWORD_RESET_ASKED, subject=subject, address=address, details=details)
        if person is None or kept_hash(connection, person.id) is None:
            return None
        language = people.language_of(connection, users, person.id)
        return Link(person.id, person.email, language, create_link(connection, person.id, Purpose.FORGOTTEN, VALID))
