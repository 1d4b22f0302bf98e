"""Plugins hold back what webhooks would send (before_data_leaves)."""

import threading

import pytest

from tests.events.test_readers import until
from tests.events.webhook_kit import Hooks, deliveries_of
from tests.jobs.conftest import Clock
from xrm_core.events import webhook_tests
from xrm_core.hookspecs import hookimpl
from xrm_core.jobs.place import Place
from xrm_core.jobs.registry import Registry
from xrm_core.jobs.worker import Pace, Worker
from xrm_core.messages.leaving import Connector, ConnectorRefusal, LeavingContext, Parcel
from xrm_core.plugins import InstalledPlugin, Plugins


class Gate:
    """A plugin that lets data leave or not, or fails."""

    def __init__(self) -> None:
        self.answer: object = None
        self.asked: list[Connector] = []
        self.parcels: list[Parcel] = []
        self.notes = False
        self.seen = 0

    @hookimpl
    def before_data_leaves(self, connector: Connector, context: LeavingContext) -> object:
        self.asked.append(connector)
        self.seen = len(context.find("customer", {}))
        self.parcels += context.parcels
        if self.notes and not context.find("customer", {"name": {"eq": "Noted"}}):
            context.records.create(context.connection, context.system, "customer", {"name": "Noted"})
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.fixture
def gate(hooks: Hooks, monkeypatch: pytest.MonkeyPatch) -> Gate:
    found = Gate()
    plugins = Plugins([InstalledPlugin("guard", found)])
    monkeypatch.setattr(hooks.world, "place", Place("", hooks.world.database, plugins))
    return found


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (ConnectorRefusal("E_AVV", "No contract."), "E_AVV"),
        (ZeroDivisionError(), "REFUSED_BY_PLUGIN"),
        ("nonsense", "REFUSED_BY_PLUGIN"),
    ],
)
def test_what_is_held_back_waits_and_is_sent_once_it_may(
    hooks: Hooks, gate: Gate, time: Clock, answer: object, code: str
) -> None:
    id_, _ = hooks.make()
    gate.answer = answer
    one = hooks.world.customer("A")

    hooks.send()

    assert hooks.told == []
    assert hooks.world.state(hooks.now(id_).reader).error == code
    assert gate.asked[-1] == Connector("webhook", "127.0.0.1")
    assert gate.seen > 0
    gate.answer = None
    time.forward(seconds=3600)
    hooks.send()
    assert hooks.told == [("customer.created", one, 1)]


def test_what_leaves_is_told_and_noted_before_it_does(hooks: Hooks, gate: Gate, time: Clock) -> None:
    hooks.make()
    gate.notes = True
    gate.answer = ConnectorRefusal("E_AVV", "No contract.")
    one = hooks.world.customer("A")
    hooks.send()
    held_back = gate.seen
    # of what was noted nothing has stayed, since nothing has left
    gate.answer = None
    time.forward(seconds=3600)
    hooks.send()

    assert gate.seen == held_back
    [event, *_] = hooks.events
    sent = set(event["data"]["record"]) - {"id", "version"}
    assert gate.parcels[:2] == [Parcel("customer", one, frozenset(sent))] * 2
    assert "name" in sent
    hooks.world.customer("B")
    hooks.send()
    assert gate.seen == held_back + 2  # what was noted has stayed, and so has the new one


def test_a_test_is_held_back_too(hooks: Hooks, gate: Gate) -> None:
    id_, _ = hooks.make()
    gate.answer = ConnectorRefusal("E_AVV", "No contract.")
    event = hooks.world.write(webhook_tests.enqueue_test, id_)
    job = webhook_tests.test_job(hooks.source)
    jobs = Worker(Registry({job.name: job}, {}), lambda: [hooks.world.place], Pace(poll_seconds=0.02))
    thread = threading.Thread(target=jobs.run, daemon=True)
    thread.start()
    try:
        until(lambda: deliveries_of(hooks, id_))
    finally:
        jobs.stop(2)
        thread.join(20)

    assert [(each.event, each.status, each.error) for each in deliveries_of(hooks, id_)] == [(event, None, "E_AVV")]
    assert hooks.events == []
