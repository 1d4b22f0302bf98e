"""A password set by a link that works once."""

from dataclasses import dataclass, field

from sqlalchemy import Table

from xrm_core.auth import devices, one_time, people
from xrm_core.auth.passwords import Passwords, check_new
from xrm_core.auth.people import Person
from xrm_core.auth.sign_in import TIMEOUT
from xrm_core.auth.stored_passwords import set_password
from xrm_core.storage.engines import Database


@dataclass(frozen=True)
class NewPassword:
    """What somebody sends who has a link."""

    token: str = field(repr=False)
    password: str = field(repr=False)
    address: str | None = None


def set_by_link(database: Database, users: Table, passwords: Passwords, given: NewPassword) -> tuple[Person, str]:
    """Set a user's password; answers the user, and the token by which the device is known from now on. Blocking.

    Raises:
        NotFound: the link is not good, or its user is not active.
        PasswordRefused: the password is no good; the link stays good.
    """
    with database.read(TIMEOUT) as connection:
        person = people.by_id(connection, users, one_time.owner(connection, given.token))
    if person is None:
        raise one_time.link_void()
    check_new(given.password, person.email)
    kept = passwords.hash(given.password)
    with database.begin(TIMEOUT) as connection:
        one_time.use(connection, given.token, person.id)
        set_password(connection, person.id, kept, by=person.id, address=given.address)
        return person, devices.remember(connection, person.id, None)
