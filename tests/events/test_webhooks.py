"""Webhooks: what is sent to whom, with whose rights, signed, in order, until it is taken."""

import datetime as dt
import json
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import delete, select, update
from standardwebhooks.webhooks import Webhook as Verifier
from standardwebhooks.webhooks import WebhookVerificationError

from tests.events.test_readers import until
from tests.events.webhook_kit import Hooks, deliveries_of, headers_of
from tests.jobs.conftest import Clock
from xrm_core.auth.secret_box import SecretBox, SecretKeyNeeded
from xrm_core.auth.tokens import TokenLimits, create_token, revoke_token
from xrm_core.errors import BadQuery, NotFound
from xrm_core.events import (
    webhook_changes,
    webhook_deliveries,
    webhook_tests,
    webhooks,
)
from xrm_core.events.webhook_checks import WebhookInvalid
from xrm_core.events.webhook_deliveries import deliveries
from xrm_core.events.webhooks import State, Subject
from xrm_core.jobs.registry import Registry
from xrm_core.jobs.worker import Pace, Worker
from xrm_core.metadata.loader import load_texts
from xrm_core.metadata.predicate import Predicate
from xrm_core.storage.system import AUTH_EVENT, TOKEN
from xrm_core.storage.webhook_tables import WEBHOOK, WEBHOOK_DELIVERY


def test_a_change_is_sent_as_a_signed_cloud_event(hooks: Hooks) -> None:
    _, secret = hooks.make()
    one = hooks.world.customer("A")
    hooks.send()
    headers, body = headers_of(hooks.receiver)
    event = Verifier(secret).verify(body, headers)
    stored = hooks.world.world.stored("customer", one)
    assert stored is not None
    assert headers["content-type"] == "application/cloudevents+json; charset=utf-8"
    assert headers["webhook-id"] == event["id"]
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
    new = hooks.world.write(webhook_changes.rotate, hooks.source.box, id_)
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


def test_a_replay_sends_everything_again(hooks: Hooks) -> None:
    id_, _ = hooks.make()
    before = dt.datetime.now(dt.UTC)
    one = hooks.world.customer("A", updates=1)
    hooks.send()
    hooks.receiver.got.clear()
    assert hooks.world.write(webhook_changes.replay, id_, before) == 2
    hooks.send()
    assert hooks.told == [("customer.created", one, 1), ("customer.updated", one, 2)]
    assert hooks.world.write(webhook_changes.replay, id_, dt.datetime.now(dt.UTC)) == 0


def test_a_webhook_is_removed_with_all_that_is_kept_of_it(hooks: Hooks) -> None:
    id_, _ = hooks.make()
    hooks.world.customer("A")
    hooks.send()
    hooks.world.write(webhook_changes.remove, id_)
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
        ({"subjects": []}, "no entity"),
        ({"subjects": [Subject("customer"), Subject("customer")]}, "twice"),
        ({"role": None}, "needs a role or a service"),
        ({"service": "x"}, "not both"),
        ({"role": None, "service": "x"}, "service is none"),
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


def test_several_entities_each_with_what_it_is_to_be_told(hooks: Hooks) -> None:
    subjects = [Subject("customer", ("create",), fields=("name",)), Subject("note", ("update",))]
    hooks.make(subjects=subjects)
    world = hooks.world.world
    one = hooks.world.customer("A", updates=1)
    note = world.create("admin", "note", {"text": "n", "customer": one})
    world.update("admin", "note", note, {"text": "m"})
    hooks.send()
    assert hooks.told == [("customer.created", one, 1), ("note.updated", note, 2)]
    assert set(hooks.events[0]["data"]["record"]) == {"id", "version", "name"}
    assert hooks.events[1]["data"]["record"]["customer"] == {"entity": "customer", "id": one}


def test_who_may_not_read_versions_cannot_count_hidden_changes(hooks: Hooks) -> None:
    hooks.make(role="clerk")
    hooks.make()
    one = hooks.world.customer("A")
    for city, revenue in (("Ulm", "1"), ("Bonn", "2")):
        hooks.world.world.update("admin", "customer", one, {"revenue": revenue})
        hooks.world.world.update("admin", "customer", one, {"city": city})
    hooks.send()
    clerks = [each for each in hooks.events if "version" not in each["data"]]
    assert [each["type"] for each in clerks] == ["customer.created", "customer.updated", "customer.updated"]
    assert len(hooks.events) == 3 + 5
    assert len({each["id"] for each in hooks.events}) == 8  # two webhooks do not share ids
    assert not any(character in ":" for each in clerks for character in each["id"])


def test_what_is_hidden_on_a_record_is_not_named_as_changed(hooks: Hooks) -> None:
    hooks.make(role="keeper")  # sees revenue and status of leads
    world = hooks.world.world
    lead = world.create("admin", "customer", {"name": "L", "status": "lead", "revenue": "1"})
    active = world.create("admin", "customer", {"name": "A", "status": "active", "revenue": "1"})
    hooks.send()
    hooks.receiver.got.clear()
    for id_ in (lead, active):
        world.update("admin", "customer", id_, {"revenue": "2"})
    world.update("admin", "customer", active, {"revenue": "3", "city": "Ulm"})
    hooks.send()
    assert [(each["subject"], each["data"]["changed"]) for each in hooks.events] == [
        (lead, ["revenue"]),
        (active, ["city"]),
    ]


def test_a_service_sees_by_its_token_until_that_ends(hooks: Hooks) -> None:
    world, limits = hooks.world.world, TokenLimits(["clerk"])
    with world.database.begin() as connection:
        create_token(connection, None, "ERP", limits=limits)
        token = str(connection.scalar(select(TOKEN.c.id).order_by(TOKEN.c.id.desc())))
    id_, _ = hooks.make(role=None, service=token)
    one = hooks.world.customer("A")
    hooks.send()
    assert [each["data"]["record"] for each in hooks.events] == [{"id": one, "city": None}]
    hooks.world.write(revoke_token, token)
    hooks.world.customer("B")
    hooks.send()
    paused = hooks.now(id_)
    assert (len(hooks.events), paused.state, paused.reason) == (1, State.PAUSED, "SUBSCRIBER_GONE")
    with pytest.raises(WebhookInvalid, match="no such service"):
        hooks.make(role=None, service=token)


def test_whoever_is_paused_while_a_run_is_under_way_gets_nothing_more(hooks: Hooks) -> None:
    id_, _ = hooks.make()
    [sender] = hooks.senders()
    hooks.world.customer("A")
    hooks.world.write(webhook_changes.pause, id_, "BY_HAND")
    hooks.world.read(sender)
    assert hooks.receiver.got == []
    assert hooks.world.state(f"webhook:{id_}").error == "WEBHOOK_PAUSED"


def test_a_change_counts_from_what_is_sent_next(hooks: Hooks) -> None:
    id_, _ = hooks.make()
    hooks.world.customer("A")
    wanted = replace(hooks.now(id_).wanted, url=f"{hooks.receiver.url}/new")
    hooks.world.write(webhook_changes.change, hooks.world.world.authority, id_, wanted)
    hooks.send()
    assert [path for path, _, _ in hooks.receiver.got] == ["/hook/new"]


def test_a_test_is_sent_also_while_it_is_paused(hooks: Hooks) -> None:
    id_, secret = hooks.make()
    hooks.world.write(webhook_changes.pause, id_, "BY_HAND")
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
    [sent] = deliveries_of(hooks, id_)
    assert (sent.event, sent.position, sent.status, sent.error) == (event, None, 204, None)
    headers, body = headers_of(hooks.receiver)
    told = Verifier(secret).verify(body, headers)
    assert (told["id"], told["type"], told["data"]["webhook"]) == (event, "xrm.webhook.test", id_)


def test_every_change_is_an_event_without_secrets(hooks: Hooks) -> None:
    with hooks.world.database.begin() as connection:
        connection.execute(delete(AUTH_EVENT))
    id_, secret = hooks.make(url="https://hooks.example.com/T0/very-secret")
    write = hooks.world.write
    write(webhook_changes.pause, id_, "BY_HAND")
    write(webhook_changes.resume, id_)
    new = write(webhook_changes.rotate, hooks.source.box, id_)
    write(webhook_changes.replay, id_, dt.datetime(2026, 1, 1, tzinfo=dt.UTC))
    write(webhook_changes.remove, id_)
    with hooks.world.database.read() as connection:
        rows = connection.execute(select(AUTH_EVENT).order_by(AUTH_EVENT.c.id)).all()
    assert {row.subject for row in rows} == {id_}
    assert [(row.event, json.loads(row.details).get("change")) for row in rows] == [
        ("webhook_created", None),
        *(("webhook_changed", each) for each in ("paused", "resumed", "secret_rotated", "replayed")),
        ("webhook_deleted", None),
    ]
    kept = " ".join(row.details for row in rows)
    assert "hooks.example.com" in kept
    assert not any(each in kept for each in ("very-secret", secret, new))


def test_a_filter_tells_nothing_of_what_the_role_may_not_see(hooks: Hooks) -> None:
    with suppress(WebhookInvalid):
        hooks.make(role="clerk", filter={"status": {"eq": "lead"}})
    one = hooks.world.customer("A")
    hooks.send()
    hooks.world.world.delete("admin", "customer", one)
    hooks.send()
    assert hooks.receiver.got == []


def test_what_reads_are_logged_of_is_told_by_no_filter_and_by_nothing_that_is_made_of_it() -> None:
    patient = {
        "x-log-reads": ["diagnosis"],
        "properties": {
            "name": {"type": "string"},
            "diagnosis": {"type": "string"},
            "sign": {"type": "string", "x-computed": "UPPER(diagnosis)"},
            "initial": {"type": "string", "x-computed": "UPPER(name)"},
        },
    }
    visit = {"properties": {"of": {"x-relation": {"to": "patient", "inverse": "visits", "on_delete": "cascade"}}}}
    texts = {"patient": patient, "visit": visit}
    model = load_texts(
        [
            (f"{name}.json", json.dumps({"x-entity": name, "type": "object", **each}), "core")
            for name, each in texts.items()
        ]
    )
    names = ["id", *model["patient"].fields]
    assert set(Subject("patient").shown_fields(model, names, model["patient"])) == {"id", "name", "initial"}

    def condition(entity: str, filter_: Mapping[str, Any]) -> Predicate:
        return Subject(entity, filter=filter_).condition(model, model[entity])

    assert condition("patient", {"initial": {"eq": "A"}})
    assert condition("visit", {"of": {"name": {"eq": "A"}}})
    asked = {"diagnosis": {"eq": "A"}}
    for entity, filter_ in (
        ("patient", asked),
        ("patient", {"not": asked}),
        ("patient", {"sign": {"eq": "A"}}),
        ("visit", {"of": asked}),
    ):
        with pytest.raises(BadQuery, match="reads are logged"):
            condition(entity, filter_)
