"""Challenges that authenticators sign: each is good once, for one purpose, for minutes.

What is known of a challenge is sealed in it, so anybody may ask for any number of them, and nothing is kept before one
is used. Then its digest is, until nobody could come with it any more.
"""

import datetime as dt
import hashlib
import json
import secrets
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Connection, delete
from sqlalchemy.dialects import postgresql, sqlite

from xrm_core.auth.secret_box import SecretBox, SecretKeyNeeded
from xrm_core.auth.tokens import digest
from xrm_core.storage.system import PASSKEY_CHALLENGE

VALID = dt.timedelta(minutes=5)

CLOCKS = dt.timedelta(minutes=5)
"""By which the clocks of servers may differ: so much longer is it kept that a challenge was used."""

_LONGEST = 1000


class Purpose(StrEnum):
    """What a challenge is for; it is good for that only."""

    REGISTRATION = "registration"
    SIGN_IN = "sign_in"


@dataclass(frozen=True, slots=True)
class Challenge:
    """What was known when a challenge was made: who may use it (None: anybody), and in which session.

    ``whom`` is the id of a user, or :func:`of_address` of an e-mail address.
    """

    purpose: Purpose
    whom: str | None = None
    session_id: str | None = None


@dataclass(frozen=True)
class Challenges:
    """Makes challenges and uses them up.

    Args:
        box: seals them.
        tenant: whose they are; the main database has no name. At another tenant they are good for nothing.
    """

    box: SecretBox
    tenant: str = ""

    def make(self, challenge: Challenge) -> bytes:
        """A challenge. Raises SecretKeyNeeded: it cannot be sealed."""
        until = dt.datetime.now(dt.UTC) + VALID
        known = [secrets.token_hex(16), until.timestamp(), challenge.whom, challenge.session_id]
        return self.box.seal(json.dumps(known), self._owner(challenge.purpose)).encode()

    def use(self, connection: Connection, made: bytes, purpose: Purpose) -> Challenge | None:
        """Use a challenge up: of twenty who do it at once, one gets it. None: it is not good, whatever the reason.

        Commit before anything is decided by what it was for: an attempt that fails uses it up, too.

        Raises:
            SecretKeyNeeded: there is no key.
        """
        self.box.require()
        try:
            sealed = made[:_LONGEST].decode("ascii")
            name, until, whom, session_id = json.loads(self.box.open(sealed, self._owner(purpose)))
        except (SecretKeyNeeded, UnicodeDecodeError):
            return None
        ends = dt.datetime.fromtimestamp(until, dt.UTC)
        if ends <= dt.datetime.now(dt.UTC):
            return None
        insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
        # By the name in it, not by its bytes: the same content can be written in several ways.
        once = insert(PASSKEY_CHALLENGE).values(challenge_hash=digest(name), expires_at=ends + CLOCKS)
        new = once.on_conflict_do_nothing(index_elements=["challenge_hash"]).returning(PASSKEY_CHALLENGE.c.expires_at)
        return Challenge(purpose, whom, session_id) if connection.execute(new).first() is not None else None

    def _owner(self, purpose: Purpose) -> str:
        return f"passkey {purpose.value} {self.tenant}"


def of_address(email: str) -> str:
    """An e-mail address as a challenge names it: always as long, however it is written in small letters or capitals."""
    return hashlib.sha256(email.lower().encode("utf-8", "surrogatepass")).hexdigest()


def remove_expired(connection: Connection) -> int:
    """Forget challenges that could not be used any more in any case; answers how many."""
    old = PASSKEY_CHALLENGE.c.expires_at <= dt.datetime.now(dt.UTC)
    return connection.execute(delete(PASSKEY_CHALLENGE).where(old)).rowcount
