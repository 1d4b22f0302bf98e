"""One request to the receiver of a webhook: signed as Standard Webhooks has it, and what came of it."""

import datetime as dt
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from standardwebhooks.webhooks import Webhook as Signer

from xrm_core.outgoing.client import Answer, NotAnswered, Outgoing

_LONGEST_RETRY_AFTER = 3600.0


@dataclass(frozen=True)
class Sent:
    """What came of a request: the ``status`` of the answer, and the ``error`` if it was not taken."""

    status: int | None
    error: str | None
    seconds: float
    retry_after: float | None = None


@dataclass(frozen=True)
class Signed:
    """An event on its way: ``keys`` are the secrets that sign it."""

    url: str
    id: str
    body: bytes
    keys: Sequence[str] = field(repr=False)

    def post(self, outgoing: Outgoing, tenant: str) -> Sent:
        """Send it for a tenant. Blocking."""
        began = time.monotonic()
        at = dt.datetime.now(dt.UTC)
        text = self.body.decode()
        headers = {
            "content-type": "application/cloudevents+json; charset=utf-8",
            "user-agent": "xrm-webhooks",
            "webhook-id": self.id,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": " ".join(Signer(key).sign(self.id, at, text) for key in self.keys),
        }
        try:
            answer = outgoing.post(self.url, self.body, headers, tenant)
        except NotAnswered as none:
            return Sent(None, none.code, time.monotonic() - began)
        return _judged(answer, time.monotonic() - began)


def _judged(answer: Answer, seconds: float) -> Sent:
    taken = 200 <= answer.status < 300
    return Sent(answer.status, None if taken else "REFUSED", seconds, _retry_after(answer.headers))


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that the receiver asks for, an hour at most."""
    text = headers.get("retry-after", "")
    return min(float(text), _LONGEST_RETRY_AFTER) if text.isascii() and text.isdigit() else None
