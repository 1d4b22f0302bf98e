"""The second factor that users give themselves."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from xrm_core.auth import attempts, events, people, recovery_codes, totp
from xrm_core.auth.attempts import Counter, Kind
from xrm_core.auth.own_changes import OwnChanges, owner_of
from xrm_core.auth.secret_box import SecretBox
from xrm_core.auth.sign_in import TIMEOUT
from xrm_core.errors import BadQuery, XrmError
from xrm_core.permissions.caller import User


class CodeWrong(XrmError):
    """The code is not the one that the app shows now, or was used already."""

    code = "CODE_WRONG"
    http_status = 422


@dataclass(frozen=True)
class OwnTotp:
    """Enrols, confirms and disables the second factor of a caller. Errors are those of ``changes``, and more.

    Args:
        changes: the transactions.
        box: reads and encrypts secrets.
    """

    changes: OwnChanges
    box: SecretBox

    def shown(self, connection: Connection, user_id: str) -> dict[str, Any]:
        """What there is, without any secret."""
        return {
            "enabled": totp.is_on(connection, user_id),
            "recoveryCodesLeft": recovery_codes.codes_left(connection, user_id),
        }

    def enrol(self, caller: User, address: str | None, password: str) -> dict[str, Any]:
        """Begin with one. Raises SecretKeyNeeded, BadQuery: it cannot be encrypted, or there is one already."""
        owner = self.changes.proven(caller, address, password)
        with self.changes.begin(owner) as connection:
            person = people.by_id(connection, self.changes.users, owner.user_id)
            name = person.email if person is not None else ""
            secret, uri = totp.enrol(connection, self.box, owner.user_id, name or owner.user_id)
            return {"key": secret, "uri": uri}

    def confirm(self, caller: User, address: str | None, code: str) -> list[str]:
        """Let it count; answers recovery codes.

        Raises:
            CodeWrong, TooManyAttempts: nothing was changed.
            SecretKeyNeeded, BadQuery: the secret cannot be read, or there is nothing to confirm.
        """
        owner = owner_of(caller)
        counter = Counter.of(Kind.CODE, f"own {owner.user_id}")
        with self.changes.database.begin(TIMEOUT) as connection:
            attempts.count(connection, [counter])
        with self.changes.begin(owner) as connection:
            codes = totp.confirm(connection, self.box, owner.user_id, code)
            if codes is not None:
                attempts.forget(connection, counter)
                _record(connection, events.Event.TOTP_ENABLED, owner.user_id, address)
                return codes
        raise CodeWrong("The code is not the one that the app shows now.", hint="Enter the one that it shows next.")

    def renew_codes(self, caller: User, address: str | None, password: str) -> list[str]:
        """New recovery codes in place of the old. Raises BadQuery: there is no second factor."""
        owner = self.changes.proven(caller, address, password)
        with self.changes.begin(owner) as connection:
            if not totp.is_on(connection, owner.user_id):
                raise BadQuery("There is no second factor, so there are no recovery codes.", hint="Enrol one first.")
            _record(connection, events.Event.TOTP_ENABLED, owner.user_id, address, recovery_codes="renewed")
            return recovery_codes.make_codes(connection, owner.user_id)

    def disable(self, caller: User, address: str | None, password: str) -> bool:
        """Do without; False if there was none."""
        owner = self.changes.proven(caller, address, password)
        with self.changes.begin(owner) as connection:
            gone = totp.disable(connection, owner.user_id)
            if gone:
                _record(connection, events.Event.TOTP_DISABLED, owner.user_id, address)
            return gone


def _record(connection: Connection, event: events.Event, user_id: str, address: str | None, **details: str) -> None:
    events.record(connection, event, user_id=user_id, subject=user_id, address=address, details=details)
