"""A mail server of the tests, which keeps what it gets."""

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage, Message
from email.parser import BytesParser
from email.policy import default
from typing import Any

from aiosmtpd.controller import Controller


class Post:
    """A mail server that keeps what it gets, or refuses all."""

    def __init__(self) -> None:
        self.got: list[tuple[list[str], EmailMessage]] = []
        self.refuses = False

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        if self.refuses:
            return "554 no"
        message: Message = BytesParser(policy=default).parsebytes(envelope.content)
        assert isinstance(message, EmailMessage)
        self.got.append((envelope.rcpt_tos, message))
        return "250 OK"

    def wait(self, count: int = 1, seconds: float = 10) -> list[tuple[list[str], EmailMessage]]:
        """What has come, when it is so much."""
        until = time.monotonic() + seconds
        while len(self.got) < count:
            assert time.monotonic() < until, f"{len(self.got)} of {count} mails"
            time.sleep(0.01)
        return self.got


@contextmanager
def mail_server() -> Iterator[tuple[Post, int]]:
    """One that runs, and its port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    post = Post()
    controller = Controller(post, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield post, port
    finally:
        controller.stop()


def text(message: EmailMessage, kind: str = "plain") -> str:
    """The text of a mail, as plain text or as HTML."""
    part = message.get_body((kind,))
    assert part is not None
    return str(part.get_content())
