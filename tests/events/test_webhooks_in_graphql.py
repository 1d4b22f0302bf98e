"""Webhooks as administrators see and change them by GraphQL."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import delete, select

from tests.auth import kit
from tests.auth.kit import House, opened
from tests.auth.users_kit import Admin
from tests.docs.pages import DOCS, examples
from tests.docs.test_tokens_page import shape
from tests.postgres import PostgresServer
from xrm_core.auth import authenticator, tokens
from xrm_core.auth.tokens import TokenLimits
from xrm_core.events import webhook_deliveries
from xrm_core.events.webhook_posting import Sent
from xrm_core.storage.system import AUTH_EVENT, TOKEN
from xrm_core.storage.webhook_tables import WEBHOOK

ROLES = ("clerk", "guest", "hooker", "watcher")
POLICIES = """role,entity,action,fields,rule,effect
clerk,*,*,*,,allow
guest,note,read,text,,allow
hooker,xrm_webhooks,*,*,,allow
hooker,note,read,text,,allow
watcher,xrm_webhooks,read,*,,allow
watcher,note,read,text,,allow
"""
URL = "https://erp.example.com/hooks/T0"
CREATE = """mutation ($input: CreateWebhookInput!) {
    createWebhook(input: $input) { secret webhook { id name url role service state createdBy
        subjects { entity operations filter fields } } } }"""
CHANGES = {
    "updateWebhook": 'mutation ($id: ID!) { updateWebhook(id: $id, input: {name: "x"}) { name } }',
    "rotateWebhookSecret": "mutation ($id: ID!) { rotateWebhookSecret(id: $id) { secret } }",
    "resumeWebhook": "mutation ($id: ID!) { resumeWebhook(id: $id) { state reason } }",
    "replayWebhook": 'mutation ($id: ID!) { replayWebhook(id: $id, since: "2026-01-01T00:00:00Z") }',
    "testWebhook": "mutation ($id: ID!) { testWebhook(id: $id) }",
}
TAKES = {
    "pauseWebhook": "mutation ($id: ID!) { pauseWebhook(id: $id) { state reason } }",
    "deleteWebhook": "mutation ($id: ID!) { deleteWebhook(id: $id) }",
}
READS = {
    "webhook": "query ($id: ID!) { webhook(id: $id) { id } }",
    "webhooks": "{ webhooks { id } }",
    "webhookDeliveries": "query ($id: ID!) { webhookDeliveries(id: $id) { id } }",
}
NOBODY = "0198c0de-0000-7000-8000-000000000001"


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def made_house(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("hooks")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(authenticator, "REMEMBER_SECONDS", 0.0)
        patch.setattr(kit, "ROLES", {"roles": {name: {"labels": {"en": name}} for name in ROLES}})
        patch.setattr(kit, "POLICIES", POLICIES)
        if request.param == "sqlite":
            with opened(f"sqlite:///{folder / 'house.db'}", folder) as house:
                yield house
        else:
            server: PostgresServer = request.getfixturevalue("postgres_server")
            with server.database() as url, opened(url, folder) as house:
                yield house


@pytest.fixture
def house(made_house: House) -> House:
    with made_house.database.begin() as connection:
        connection.execute(delete(WEBHOOK))
        connection.execute(delete(AUTH_EVENT))
    return made_house


def wanted(**more: Any) -> dict[str, Any]:
    return {"name": "ERP", "url": URL, "role": "guest", "subjects": [{"entity": "note"}], **more}


def code(answer: Any) -> str:
    [error] = answer["errors"]
    return str(error["extensions"]["code"])


def make(admin: Admin, **more: Any) -> str:
    return str(admin(CREATE, input=wanted(**more))["webhook"]["id"])


def events(house: House) -> list[Any]:
    with house.database.read() as connection:
        return list(connection.execute(select(AUTH_EVENT).where(AUTH_EVENT.c.event.like("webhook%"))))


def test_a_webhook_is_made_and_its_secret_told_once(house: House) -> None:
    admin = Admin(house)
    subjects = [
        {"entity": "note", "operations": ["CREATE"], "filter": {"text": {"eq": "x"}}, "fields": ["text"]},
        {"entity": "user"},
    ]
    made = admin(CREATE, input=wanted(role="clerk", subjects=subjects))
    assert made["secret"].startswith("whsec_")
    hook = made["webhook"]
    assert (hook["state"], hook["createdBy"]) == ("ACTIVE", admin.person.id)
    assert hook["subjects"] == [subjects[0], {"entity": "user", "operations": [], "filter": None, "fields": None}]
    everything = json.dumps(admin.answer("{ webhooks { id name url subjects { filter } waiting dead } }"))
    assert hook["id"] in everything
    assert made["secret"] not in everything
    [event] = events(house)
    assert (event.event, event.user_id, event.subject) == ("webhook_created", admin.person.id, hook["id"])
    assert (event.address, json.loads(event.details)["host"]) == ("198.51.100.9", "erp.example.com")
    assert "T0" not in event.details


def test_what_the_command_line_can(house: House) -> None:
    admin = Admin(house)
    id_ = make(admin)
    change = "mutation ($id: ID!, $input: UpdateWebhookInput!) { updateWebhook(id: $id, input: $input) { %s } }"
    text = change % "name url role subjects { entity }"
    assert admin(text, id=id_, input={"name": "CRM", "role": "clerk", "subjects": [{"entity": "user"}]}) == {
        "name": "CRM",
        "url": URL,
        "role": "clerk",
        "subjects": [{"entity": "user"}],
    }
    assert admin(TAKES["pauseWebhook"], id=id_) == {"state": "PAUSED", "reason": "BY_HAND"}
    assert admin(CHANGES["testWebhook"], id=id_).startswith("test_")
    assert admin(CHANGES["resumeWebhook"], id=id_) == {"state": "ACTIVE", "reason": None}
    assert admin(CHANGES["rotateWebhookSecret"], id=id_)["secret"].startswith("whsec_")
    assert admin(CHANGES["replayWebhook"], id=id_) >= 0
    assert admin(TAKES["deleteWebhook"], id=id_) is True
    assert admin(TAKES["deleteWebhook"], id=id_) is False
    assert admin("{ webhooks { id } }") == []
    assert {row.event for row in events(house)} == {"webhook_created", "webhook_changed", "webhook_deleted"}
    assert {row.user_id for row in events(house)} == {admin.person.id}
    for text in (*CHANGES.values(), TAKES["pauseWebhook"], READS["webhook"], READS["webhookDeliveries"]):
        assert admin(text, id=NOBODY) is None
        assert code(admin.answer(text, id="no id")) == "BAD_QUERY"


def test_what_cannot_be_is_refused(house: House) -> None:
    admin = Admin(house)
    for wrong in ({"url": "ftp://x/"}, {"role": "none"}, {"subjects": []}, {"subjects": [{"entity": "none"}]}):
        assert code(admin.answer(CREATE, input=wanted(**wrong))) == "WEBHOOK_INVALID"
    filtered = {"entity": "note", "filter": [1]}
    assert code(admin.answer(CREATE, input=wanted(subjects=[filtered]))) == "BAD_QUERY"
    assert admin("{ webhooks { id } }") == []
    assert events(house) == []


def test_who_has_no_right_does_not_even_know_of_them(house: House) -> None:
    id_ = make(Admin(house))
    guest, watcher = Admin(house, "guest"), Admin(house, "watcher")
    for text in (*READS.values(), *CHANGES.values(), *TAKES.values()):
        assert code(guest.answer(text, id=id_)) == "BAD_QUERY"
    assert "Webhook" not in json.dumps(guest.answer("{ __schema { types { name } } }"))
    for text in (*CHANGES.values(), *TAKES.values()):
        assert code(watcher.answer(text, id=id_)) == "BAD_QUERY"
    assert watcher(READS["webhook"], id=id_) == {"id": id_}


def test_nobody_has_more_sent_than_they_may_read(house: House) -> None:
    boss, hooker = Admin(house), Admin(house, "hooker")
    assert code(hooker.answer(CREATE, input=wanted(role="clerk"))) == "FORBIDDEN"
    assert make(hooker, role="guest")
    bosses = make(boss, role="clerk")
    for text in CHANGES.values():
        answer = hooker.answer(text, id=bosses)
        assert code(answer) == "FORBIDDEN"
        assert answer["errors"][0]["extensions"]["details"]["beyond"]
    own = make(hooker)
    more = 'mutation ($id: ID!) { updateWebhook(id: $id, input: {role: "clerk"}) { id } }'
    assert code(hooker.answer(more, id=own)) == "FORBIDDEN"
    assert hooker(TAKES["pauseWebhook"], id=bosses)["state"] == "PAUSED"  # taking away is no danger
    assert hooker(TAKES["deleteWebhook"], id=bosses) is True


def test_a_service_may_be_the_subscriber(house: House) -> None:
    boss, hooker = Admin(house), Admin(house, "hooker")
    ids = {}
    for role in ("guest", "clerk"):
        with house.database.begin() as connection:
            tokens.create_token(connection, None, role, limits=TokenLimits([role]))
            ids[role] = str(connection.scalar(select(TOKEN.c.id).order_by(TOKEN.c.id.desc()).limit(1)))
    made = boss(CREATE, input=wanted(role=None, service=ids["clerk"]))["webhook"]
    assert (made["role"], made["service"]) == (None, ids["clerk"])
    assert make(hooker, role=None, service=ids["guest"])
    assert code(hooker.answer(CREATE, input=wanted(role=None, service=ids["clerk"]))) == "FORBIDDEN"
    assert code(boss.answer(CREATE, input=wanted(service=ids["clerk"]))) == "WEBHOOK_INVALID"
    personal = boss("{ me { id } }")["id"]
    assert code(boss.answer(CREATE, input=wanted(role=None, service=personal))) == "WEBHOOK_INVALID"


def test_a_token_that_is_held_to_less_administers_no_webhooks(house: House) -> None:
    person = house.person()
    with house.database.begin() as connection:
        token = tokens.create_token(connection, person.id, "held", limits=TokenLimits(grants={"note": ["read"]}))
    answer = house.ask("{ webhooks { id } }", Authorization=f"Bearer {token}").json()
    assert code(answer) == "BAD_QUERY"


def test_through_graphql_as_the_page_shows(house: House) -> None:
    shown = {each.role: each for each in examples(DOCS / "webhooks.md", "account")}
    admin = Admin(house)
    made = admin.answer(shown["create"].query)
    hook = made["data"]["createWebhook"]["webhook"]["id"]
    made["data"]["createWebhook"]["secret"] = "whsec_…"
    assert shape(made) == shown["create"].answer
    with house.database.begin() as connection:
        webhook_deliveries.note(connection, hook, "evt_5", 7, 1, Sent(500, "REFUSED", 0.031))
    answer = admin.answer(shown["deliveries"].query.replace("01a2170d-fdba-726c-8456-14ba50d381ce", hook))
    [delivery] = answer["data"]["webhookDeliveries"]
    delivery["event"] = "evt_…"
    assert shape(answer) == shown["deliveries"].answer
    first = admin("query ($id: ID!) { webhookDeliveries(id: $id, first: 1) { id } }", id=hook)
    older = "query ($id: ID!, $after: ID) { webhookDeliveries(id: $id, after: $after) { id } }"
    assert admin(older, id=hook, after=first[0]["id"]) == []
    too_many = "query ($id: ID!) { webhookDeliveries(id: $id, first: 201) { id } }"
    assert code(admin.answer(too_many, id=hook)) == "BAD_QUERY"
