"""Who follows changes: a feed, a subscription and a webhook that have begun before something happens."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from ipaddress import ip_network

from tests.dsgvo.test_disclosures import in_force
from tests.outgoing.receiver import Receiver, receiving
from tests.server.socket_kit import socket
from xrm_core.auth.secret_box import SecretBox
from xrm_core.changes.keys import ChainKeys
from xrm_core.changes.sealing import seal_all
from xrm_core.events import cursors, webhook_changes
from xrm_core.events.run_together import run_of
from xrm_core.events.webhook_sending import WebhookSource
from xrm_core.events.webhooks import Subject, Wanted
from xrm_core.jobs.place import Place
from xrm_core.outgoing import Outgoing
from xrm_core.server.blueprints import asking_of
from xrm_core.testing import Xrm

_FIELDS = "firstName lastName email phone mobile jobTitle"
_FEED = f"""query ($a: String) {{ changes(entities: [contact], after: $a, first: 100) {{
  cursor hasMore changes {{ operation id node {{ ... on Contact {{ {_FIELDS} }} }} }} }} }}"""
_SUBSCRIPTION = f"subscription ($a: String) {{ contactChanged(after: $a) {{ operation id node {{ {_FIELDS} }} }} }}"
_LAST = "Zuallerletzt"


@dataclass
class Followers:
    """They follow contacts, with the rights of an administrator."""

    xrm: Xrm
    receiver: Receiver
    source: WebhookSource
    cursor: str

    def told(self) -> dict[str, bytes]:
        """What each was told since it has begun; a contact is made, by which they know that it is all."""
        self.xrm.create("contact", first_name="Zoë", last_name=_LAST)
        _seal(self.xrm)
        found = {"feed": self._feed(), "subscription": self._subscription(), "webhook": self._webhook()}
        assert {name for name, content in found.items() if _LAST.encode() in content} == set(found)
        return found

    def _feed(self) -> bytes:
        answer = self.xrm.as_role("admin").query(_FEED, a=self.cursor)["changes"]
        assert not answer["hasMore"]
        return json.dumps(answer).encode()

    def _subscription(self) -> bytes:
        with socket(self.xrm.http) as client:
            client.init(self.xrm.as_role("admin").token)
            client.subscribe(query=_SUBSCRIPTION, a=self.cursor)
            said = [json.dumps(client.session.receive_json())]
            while _LAST not in said[-1]:
                said.append(json.dumps(client.session.receive_json()))
        return "\n".join(said).encode()

    def _webhook(self) -> bytes:
        settings, plugins = self.xrm.platform.settings, self.xrm.platform.plugins
        place = Place("", self.xrm.database, plugins, asking=partial(asking_of, settings))
        with self.xrm.database.begin() as connection:
            [sender] = self.source(place, connection)
            lease = cursors.claim(connection, sender.name, "test")
        assert lease is not None
        run_of(place, sender, lease, 0, lambda: False).work()
        return b"\n".join(body for _, _, body in self.receiver.got)


@contextmanager
def following(xrm: Xrm) -> Iterator[Followers]:
    """They begin now. Whoever has the webhook has a contract."""
    in_force(xrm, "webhook:127.0.0.1")
    _seal(xrm)
    with receiving() as receiver:
        outgoing = Outgoing([ip_network("127.0.0.0/8")], seconds=5)
        source = WebhookSource(SecretBox(xrm.platform.settings.secret_key), outgoing)
        wanted = Wanted("test", receiver.url, [Subject(entity="contact")], "admin")
        with xrm.database.begin() as connection:
            webhook_changes.create(connection, source.box, xrm.platform.authority, wanted)
        cursor = xrm.as_role("admin").query("{ changes(entities: [contact]) { cursor } }")["changes"]["cursor"]
        try:
            yield Followers(xrm, receiver, source, cursor)
        finally:
            outgoing.close()


def _seal(xrm: Xrm) -> None:
    seal_all(xrm.database, ChainKeys(xrm.platform.settings.secret_key))
