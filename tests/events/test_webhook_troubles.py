"""Webhooks whose receivers misbehave or are gone, and records that cannot be sent: nothing is lost, nobody held up."""

import json
import threading
from collections.abc import Mapping
from typing import Any

import pytest

from tests.events.kit import working
from tests.events.test_readers import until
from tests.events.webhook_kit import Hooks, headers_of
from tests.jobs.conftest import Clock
from tests.outgoing.receiver import Handler, drip, receiving, well
from xrm_core.auth.secret_box import SecretBox
from xrm_core.events import (
    webhook_changes,
    webhook_messages,
    webhook_sending,
)
from xrm_core.events.webhook_deliveries import deliveries
from xrm_core.events.webhook_sending import GIVE_UP, LANES, OPEN_AFTER
from xrm_core.events.webhooks import State

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
    hooks.world.write(webhook_changes.resume, id_)
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


def test_records_go_beside_each_other_and_each_in_its_order(hooks: Hooks) -> None:
    hooks.make()
    ids = [hooks.world.customer(str(number), updates=4) for number in range(12)]
    together, most, lock, met = [0], [0], threading.Lock(), threading.Event()

    def count(handler: Handler) -> None:
        with lock:
            together[0] += 1
            most[0] = max(most[0], together[0])
            if most[0] > 1:
                met.set()
        if len(hooks.receiver.got) > 3:
            met.wait(0.2)  # for another one, if there is any
        with lock:
            together[0] -= 1
        handler.answer(204)

    hooks.receiver.behave(count)
    hooks.send()
    for id_ in ids:
        assert [version for _, subject, version in hooks.told if subject == id_] == [1, 2, 3, 4, 5]
    assert 1 < most[0] <= LANES


def test_a_record_that_fails_in_the_middle_is_put_aside_with_what_follows(hooks: Hooks, time: Clock) -> None:
    hooks.make()
    fine = [hooks.world.customer(str(number)) for number in range(6)]
    bad = hooks.world.customer("bad", updates=3)
    later = [hooks.world.customer(str(number)) for number in range(6)]
    taking = threading.Event()

    def refuse(handler: Handler) -> None:
        event = json.loads(handler.body)
        handler.answer(204 if event["subject"] != bad or event["data"]["version"] == 1 or taking.is_set() else 500)

    hooks.receiver.behave(refuse)
    hooks.send()
    assert {subject for _, subject, _ in hooks.told} == {*fine, bad, *later}
    assert [version for _, subject, version in hooks.told if subject == bad] == [1, 2]
    taking.set()
    for _ in range(3):
        time.forward(hours=1)
        hooks.send()
    assert [version for _, subject, version in hooks.told if subject == bad] == [1, 2, 2, 3, 4]
    assert len(hooks.told) == 12 + 5


def test_one_entry_that_cannot_be_looked_at_holds_up_no_other(hooks: Hooks, monkeypatch: pytest.MonkeyPatch) -> None:
    id_, _ = hooks.make()
    ids = [hooks.world.customer(str(number)) for number in range(6)]
    real = webhook_messages.message

    def message(connection: Any, seer: Any, wanted: Any, entry: Any, *more: Any) -> Any:
        if entry.record_id == ids[3]:
            raise ValueError("poison")
        return real(connection, seer, wanted, entry, *more)

    monkeypatch.setattr(webhook_sending, "message", message)
    hooks.send()
    assert {subject for _, subject, _ in hooks.told} == {*ids} - {ids[3]}
    assert hooks.world.state(f"webhook:{id_}").waiting == 1


def test_without_the_key_of_its_secret_it_waits_and_loses_nothing(hooks: Hooks, time: Clock) -> None:
    id_, _ = hooks.make()
    one = hooks.world.customer("A")
    box, hooks.source.box = hooks.source.box, SecretBox("x" * 40)
    hooks.send()
    state = hooks.world.state(f"webhook:{id_}")
    assert (state.error, state.waiting, hooks.receiver.got) == ("SECRET_KEY_NEEDED", 0, [])
    hooks.source.box = box
    time.forward(hours=1)
    hooks.send()
    assert hooks.told == [("customer.created", one, 1)]


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
                until(lambda: sorted(subject for _, subject, _ in hooks.told) == sorted(ids), 5)
                assert len(bad.got) <= 4
        finally:
            hung.set()
