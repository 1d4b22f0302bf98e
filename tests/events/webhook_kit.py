"""Webhooks of a world, and who receives them."""

import json
from dataclasses import dataclass, replace
from typing import Any

from tests.events.kit import ReaderWorld
from tests.outgoing.receiver import Receiver
from xrm_core.changes.sealing import seal_all
from xrm_core.events import (
    webhook_changes,
    webhook_deliveries,
    webhooks,
)
from xrm_core.events.consumer import Consumer
from xrm_core.events.webhook_deliveries import deliveries
from xrm_core.events.webhook_sending import WebhookSource
from xrm_core.events.webhooks import Subject, Wanted, Webhook

KEY = "k" * 40


@dataclass
class Hooks:
    """Webhooks of a world, and what their receiver got."""

    world: ReaderWorld
    receiver: Receiver
    source: WebhookSource

    def make(self, **more: Any) -> tuple[str, str]:
        """Id and secret of one that begins now."""
        seal_all(self.world.database, self.world.keys)
        of = {name: more.pop(name) for name in ("entity", "operations", "filter", "fields") if name in more}
        wanted = Wanted("test", self.receiver.url, [Subject(**{"entity": "customer", **of})], "admin")
        with self.world.database.begin() as connection:
            return webhook_changes.create(
                connection, self.source.box, self.world.world.authority, replace(wanted, **more)
            )

    def send(self) -> None:
        """One run of each that is active."""
        for each in self.senders():
            self.world.read(each)

    def senders(self) -> list[Consumer]:
        with self.world.database.read() as connection:
            return list(self.source(self.world.place, connection))

    def now(self, id_: str) -> Webhook:
        with self.world.database.read() as connection:
            return webhooks.webhook(connection, id_)

    @property
    def events(self) -> list[dict[str, Any]]:
        """What has come."""
        return [json.loads(body) for _, _, body in self.receiver.got]

    @property
    def told(self) -> list[tuple[str, str, int]]:
        """Type, record and version of each."""
        return [(each["type"], each["subject"], each["data"]["version"]) for each in self.events]


def headers_of(receiver: Receiver, number: int = -1) -> tuple[dict[str, str], bytes]:
    _, headers, body = receiver.got[number]
    return {name.lower(): value for name, value in headers.items()}, body


def deliveries_of(hooks: Hooks, id_: str) -> list[webhook_deliveries.Delivery]:
    with hooks.world.database.read() as connection:
        return deliveries(connection, id_, 10)
