"""Mails that the platform sends are kept for the test; none leaves the process."""

import time
from email.message import EmailMessage
from typing import Any

import aiosmtplib
import pytest

SETTINGS = {
    "mail_host": "localhost",
    "mail_tls": "none",
    "mail_from": "xrm@example.com",
    "password_url": "https://crm.example.com/password",
}
"""With them the platform sends mails at all."""


class Mails(list[EmailMessage]):
    """Those that were sent, in their order."""

    def wait(self, count: int = 1, seconds: float = 5) -> list[EmailMessage]:
        """All, once there are so many: a server sends them after its answer.

        Raises:
            AssertionError: there are still fewer.
        """
        until = time.monotonic() + seconds
        while len(self) < count:
            if time.monotonic() > until:
                raise AssertionError(f"{len(self)} of {count} mails were sent.")
            time.sleep(0.01)
        return list(self)

    def catch(self, patch: pytest.MonkeyPatch) -> None:
        """Take all that would be sent from now on."""

        async def send(message: EmailMessage, *_arguments: Any, **_options: Any) -> tuple[dict[str, Any], str]:
            self.append(message)
            return {}, "kept for the test"

        patch.setattr(aiosmtplib, "send", send)
