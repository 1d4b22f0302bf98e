"""Webhooks: what is sent to whom, with whose rights, signed, in order, until it is taken."""

import datetime as dt
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from ipaddress import ip_network
from typing import Any

import pytest
from sqlalchemy import delete, select, update
from standardwebhooks.webhooks import Webhook as Verifier
from standardwebhooks.webhooks import WebhookVerificationError

from tests.events.kit import ReaderWorld, working
from tests.events.test_readers import until
from tests.jobs.conftest import Clock
from tests.outgoing.receiver import Handler, Receiver, drip, receiving, well
from xrm_core.auth.secret_box import SecretBox, SecretKeyNeeded
from xrm_core.changes.sealing import seal_all
from xrm_core.errors import NotFound
from xrm_core.events import webhook_deliveries, webhooks
from xrm_core.events.consumer import Consumer
from xrm_core.events.webhook_deliveries import deliveries
from xrm_core.events.webhook_sending import GIVE_UP, OPEN_AFTER, WebhookSource
from xrm_core.events.webhooks import State, Wanted, Webhook, WebhookInvalid
from xrm_core.outgoing import Outgoing
from xrm_core.storage.webhook_tables import WEBHOOK, WEBHOOK_DELIVERY

KEY = "k" * 40


@pytest.fixture(scope="module")
def loopback() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


@dataclass
class Hooks:
    """Webhooks of a world, and what their receiver got."""

    world: ReaderWorld
    receiver: Receiver
    source: WebhookSource

    def make(self, **more: Any) -> tuple[str, str]:
        """Id and secret of one that begins now."""
        seal_all(self.world.database, self.world.keys)
        wanted = replace(Wanted("test", self.receiver.url, "admin", "customer"), **more)
        policies = self.world.world.authority.policies
        with self.world.database.begin() as connection:
            return webhooks.create(connection, self.source.box, self.world.world.model, policies, wanted)

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


@pytest.fixture
def hooks(world: ReaderWorld, loopback: Receiver) -> Iterator[Hooks]:
    with world.database.begin() as connection:
        connection.execute(delete(WEBHOOK))
        connection.execute(delete(WEBHOOK_DELIVERY))
    loopback.got.clear()
    loopback.behave(well)
    outgoing = Outgoing([ip_network("127.0.0.0/8")], seconds=0.5)
    yield Hooks(world, loopback, WebhookSource(SecretBox(KEY), outgoing))
    outgoing.close()


def headers_of(receiver: Receiver, number: int = -1) -> tuple[dict[str, str], bytes]:
    _, headers, body = receiver.got[number]
    return {name.lower(): value for name, value in headers.items()}, body


def test_a_change_is_sent_as_a_signed_cloud_event(hooks: Hooks) -> None:
    _, secret = hooks.make()
    one = hooks.world.customer("A")
    hooks.send()
    headers, body = headers_of(hooks.receiver)
    event = Verifier(secret).verify(body, headers)
    stored = hooks.world.world.stored("customer", one)
    assert stored is not None
    assert headers["content-type"] == "application/cloudevents+json; charset=utf-8"
    assert headers["webhook-id"] == event["id"] == f"{one}:1"
    assert (event["specversion"], event["type"], event["source"]) == ("1.0", "customer.created", "urn:xrm:main")
    assert dt.datetime.fromisoformat(event["time"]).tzinfo is not None
    assert event["data"]["record"]["name"] == stored["name"]
    assert event["data"]["record"]["owner"] == {"entity": "user", "id": stored["owner"]}
    with pytest.raises(WebhookVerificationError):
        Verifier(secret).verify(body + b" ", headers)


def test_updates_name_what_has_changed_and_deletions_show_nothing(hooks: Hooks) -> None:
    hooks.make()
    one = hooks.world.customer("A", updates=1)
    hooks.send()
    hooks.world.world.delete("admin", "customer", one)
    hooks.send()
    assert hooks.told == [("customer.created", one, 1), ("customer.updated", one, 2), ("customer.deleted", one, 3)]
    assert hooks.events[1]["data"]["changed"] == ["city"]
    assert hooks.events[2]["data"]["record"] is None


def test_what_is_restored_is_told_with_its_record(hooks: Hooks) -> None:
    hooks.make(operations=("restore",))
    one = hooks.world.customer("A")
    world = hooks.world.world
    world.delete("admin", "customer", one)
    with hooks.world.database.begin() as connection:
        world.records.restore(connection, world.caller("admin"), "customer", one)
    hooks.send()
    [event] = hooks.events
    assert (event["type"], event["subject"], event["data"]["record"]["id"]) == ("customer.restored", one, one)


def test_what_is_gone_when_it_is_sent_is_told_as_deleted_only(hooks: Hooks) -> None:
    hooks.make()
    one = hooks.world.customer("A", updates=1)
    hooks.world.world.delete("admin", "customer", one)
    hooks.send()
    assert hooks.told == [("customer.deleted", one, 3)]


def test_the_role_decides_what_is_shown(hooks: Hooks) -> None:
    hooks.make(role="clerk")
    hooks.world.customer("A")
    hooks.send()
    [event] = hooks.events
    assert event["data"]["record"] == {"id": event["subject"], "city": None}


def test_a_row_rule_hides_records_also_when_they_are_deleted(hooks: Hooks) -> None:
    hooks.make(role="rep")  # its rule names the user, which a webhook is not
    one = hooks.world.customer("A", updates=1)
    hooks.send()
    hooks.world.world.delete("admin", "customer", one)
    hooks.send()
    assert hooks.receiver.got == []


def test_a_change_of_what_the_role_cannot_see_is_not_told(hooks: Hooks) -> None:
    hooks.make(role="clerk")  # reads id and city
    one = hooks.world.customer("A")
    hooks.world.world.update("admin", "customer", one, {"revenue": "5"})
    hooks.world.world.update("admin", "customer", one, {"city": "Bonn"})
    hooks.send()
    assert [each["type"] for each in hooks.events] == ["customer.created", "customer.updated"]
    assert hooks.events[1]["data"]["changed"] == ["city"]


def test_fields_operations_and_a_filter_choose(hooks: Hooks) -> None:
    hooks.make(operations=("update", "delete"), filter={"status": {"eq": "active"}}, fields=("status",), name="chosen")
    world = hooks.world.world
    one, other = hooks.world.customer("A"), hooks.world.customer("B")
    world.update("admin", "customer", one, {"status": "active"})
    world.update("admin", "customer", other, {"city": "not active"})
    hooks.send()
    assert hooks.told == [("customer.updated", one, 2)]
    assert hooks.events[0]["data"]["record"] == {"id": one, "version": 2, "status": "active"}
    hooks.receiver.got.clear()

    world.update("admin", "customer", one, {"status": "lead"})
    hooks.send()
    world.update("admin", "customer", one, {"city": "unseen"})
    world.delete("admin", "customer", one)
    hooks.send()
    assert hooks.told == [("customer.removed", one, 3)]
    assert hooks.events[0]["data"]["record"] is None


def test_both_secrets_sign_for_a_day_after_a_rotation(hooks: Hooks, time: Clock) -> None:
    id_, old = hooks.make()
    new = hooks.world.write(webhooks.rotate, hooks.source.box, id_)
    hooks.world.customer("A")
    hooks.send()
    headers, body = headers_of(hooks.receiver)
    for secret in (old, new):
        Verifier(secret).verify(body, headers)
    time.forward(hours=25)
    hooks.world.customer("B")
    hooks.send()
    headers, body = headers_of(hooks.receiver)
    Verifier(new).verify(body, headers)
    with pytest.raises(WebhookVerificationError):
        Verifier(old).verify(body, headers)


def test_secrets_are_sealed(hooks: Hooks) -> None:
    id_, secret = hooks.make()
    with hooks.world.database.read() as connection:
        stored = connection.execute(select(WEBHOOK.c.secret)).scalar_one()
    assert secret not in stored
    assert hooks.source.box.open(stored, webhooks.owner(id_)) == secret
    with pytest.raises(SecretKeyNeeded):
        SecretBox("x" * 40).open(stored, webhooks.owner(id_))


MISBEHAVIOUR: Mapping[str, tuple[Any, int | None, str]] = {
    "error": (lambda handler: handler.answer(500), 500, "REFUSED"),
    "redirect": (lambda handler: handler.answer(302, Location="http://127.0.0.1:1/"), 302, "REFUSED"),
    "drip": (drip, None, "TIMED_OUT"),
    "nothing": (lambda handler: handler.connection.shutdown(2), None, "NO_ANSWER"),
    "no http": (lambda handler: handler.wfile.write(b"SSH-2.0-x\r\n\r\n"), None, "NO_ANSWER"),
}


@pytest.mark.parametrize("how", MISBEHAVIOUR)
def test_whatever_the_receiver_does_it_is_sent_again_with_the_same_id(hooks: Hooks, time: Clock, how: str) -> None:
    behave, status, error = MISBEHAVIOUR[how]
    id_, _ = hooks.make()
    one = hooks.world.customer("A")
    hooks.receiver.behave(behave)
    hooks.send()
    hooks.receiver.behave(well)
    hooks.send()  # not due yet
    time.forward(seconds=6)
    hooks.send()
    assert hooks.told == [("customer.created", one, 1)] * 2
    assert headers_of(hooks.receiver, 0)[0]["webhook-id"] == headers_of(hooks.receiver, 1)[0]["webhook-id"]
    with hooks.world.database.read() as connection:
        taken, failed = deliveries(connection, id_, 10)
        assert deliveries(connection, id_, 10, failed=True) == [failed]
    assert (failed.status, failed.error, failed.attempt) == (status, error, 1)
    assert (taken.status, taken.error, taken.attempt) == (204, None, 2)
    assert hooks.now(id_).failed_since is None


def test_who_asks_for_time_gets_it(hooks: Hooks, time: Clock) -> None:
    hooks.make()
    hooks.world.customer("A")
    hooks.receiver.behave(lambda handler: handler.answer(429, Retry_After="600"))
    hooks.send()
    time.forward(seconds=590)
    hooks.send()
    assert len(hooks.receiver.got) == 1
    time.forward(seconds=11)
    hooks.send()
    assert len(hooks.receiver.got) == 2


def test_a_receiver_that_is_gone_is_paused_and_resumed_without_loss(hooks: Hooks) -> None:
    id_, _ = hooks.make()
    one = hooks.world.customer("A")
    hooks.receiver.behave(lambda handler: handler.answer(410))
    hooks.send()
    paused = hooks.now(id_)
    assert (paused.state, paused.reason) == (State.PAUSED, "GONE")
    assert hooks.senders() == []
    hooks.receiver.behave(well)
    hooks.world.write(webhooks.resume, id_)
    hooks.send()
    assert hooks.told[1:] == [("customer.created", one, 1)]


def test_one_that_takes_nothing_is_left_alone_then_paused(hooks: Hooks, time: Clock) -> None:
    id_, _ = hooks.make()
    hooks.receiver.behave(lambda handler: handler.answer(503))
    for number in range(OPEN_AFTER + 3):
        hooks.world.customer(str(number))
    hooks.send()
    state = hooks.world.state(f"webhook:{id_}")
    assert len(hooks.receiver.got) == OPEN_AFTER + 1
    assert (state.waiting, state.error, state.dead) == (OPEN_AFTER, "REFUSED", 0)
    time.forward(seconds=GIVE_UP.total_seconds() + 60)
    hooks.send()
    paused = hooks.now(id_)
    assert (paused.state, paused.reason) == (State.PAUSED, "NOTHING_DELIVERED")


def test_one_bad_record_does_not_hold_up_the_others(hooks: Hooks, time: Clock) -> None:
    hooks.make()
    bad = hooks.world.customer("A")

    def refuse(handler: Handler) -> None:
        handler.answer(400 if json.loads(handler.body)["subject"] == bad else 204)

    hooks.receiver.behave(refuse)
    hooks.send()
    for number in range(OPEN_AFTER + 3):
        time.forward(hours=1)
        hooks.world.customer(str(number))
        hooks.send()
    assert len({each["subject"] for each in hooks.events}) == OPEN_AFTER + 4


def test_a_replay_sends_everything_again(hooks: Hooks) -> None:
    id_, _ = hooks.make()
    before = dt.datetime.now(dt.UTC)
    one = hooks.world.customer("A", updates=1)
    hooks.send()
    hooks.receiver.got.clear()
    assert hooks.world.write(webhooks.replay, id_, before) == 2
    hooks.send()
    assert hooks.told == [("customer.created", one, 1), ("customer.updated", one, 2)]
    assert hooks.world.write(webhooks.replay, id_, dt.datetime.now(dt.UTC)) == 0


def test_a_webhook_is_removed_with_all_that_is_kept_of_it(hooks: Hooks) -> None:
    id_, _ = hooks.make()
    hooks.world.customer("A")
    hooks.send()
    hooks.world.write(webhooks.remove, id_)
    with hooks.world.database.read() as connection:
        assert webhooks.webhooks(connection) == []
        assert deliveries(connection, id_, 10) == []
        assert not hooks.world.has(f"webhook:{id_}")
        with pytest.raises(NotFound):
            webhooks.webhook(connection, id_)


def test_old_deliveries_go(hooks: Hooks) -> None:
    hooks.make()
    hooks.world.customer("A")
    hooks.send()
    now = dt.datetime.now(dt.UTC)
    database = hooks.world.database
    assert webhook_deliveries.remove(database, now - dt.timedelta(days=30), by="test") == 0
    hooks.world.write(lambda c: c.execute(update(WEBHOOK_DELIVERY).values(at=now - dt.timedelta(days=31))))
    assert webhook_deliveries.remove(database, now - dt.timedelta(days=30), by="test") == 1


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"name": " "}, "no name"),
        ({"url": "ftp://x/"}, "address"),
        ({"url": "https://user:secret@example.com/"}, "address"),
        ({"role": "none"}, "no role"),
        ({"role": "nobody"}, "can read no"),
        ({"entity": "xrm_webhook"}, "can read no"),
        ({"operations": ("purge",)}, "no operation"),
        ({"fields": ("nothing",)}, "no field"),
        ({"role": "clerk", "fields": ("name",)}, "no field"),
        ({"filter": {"nothing": {"eq": 1}}}, "filter"),
    ],
)
def test_what_cannot_be_is_refused(hooks: Hooks, more: dict[str, Any], why: str) -> None:
    with pytest.raises(WebhookInvalid, match=why) as told:
        hooks.make(**more)
    assert "secret" not in told.value.message
    with hooks.world.database.read() as connection:
        assert webhooks.webhooks(connection) == []


def test_a_filter_tells_nothing_of_what_the_role_may_not_see(hooks: Hooks) -> None:
    with suppress(WebhookInvalid):
        hooks.make(role="clerk", filter={"status": {"eq": "lead"}})
    one = hooks.world.customer("A")
    hooks.send()
    hooks.world.world.delete("admin", "customer", one)
    hooks.send()
    assert hooks.receiver.got == []


def test_a_bad_receiver_holds_up_no_other(hooks: Hooks) -> None:
    hung = threading.Event()

    def hang(handler: Handler) -> None:
        hung.wait(5)
        handler.answer(204)

    with receiving(hang) as bad:
        hooks.make(url=bad.url)
        hooks.make()
        try:
            with working(hooks.world, *hooks.senders()):
                ids = [hooks.world.customer(str(number)) for number in range(5)]
                until(lambda: [subject for _, subject, _ in hooks.told] == ids, 5)
                assert len(bad.got) <= 4
        finally:
            hung.set()
