"""A plugin that raises in each kind of function while all is served: it is named, nothing stays, all else goes on."""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from tests.plugins.conftest import REPOSITORY
from tests.plugins.test_docs import HOOKS
from xrm_core.api import (
    Action,
    ActionContext,
    Channel,
    CustomFieldType,
    JobHandler,
    Message,
    MessageContent,
    MessageKind,
    On,
    QueryField,
    Record,
    Route,
    TextFormat,
    Write,
    enqueue,
    hookimpl,
    send_message,
)
from xrm_core.events import by_hand as readers
from xrm_core.messages.by_hand import messages
from xrm_core.testing import Client, Setup, Xrm

BROKEN: set[str] = set()
"""What raises now."""


ERROR: list[BaseException] = [ZeroDivisionError("secret detail")]


def breaks(name: str, answer: Any = None) -> Any:
    """Raise, if this is to; else answer."""
    if name in BROKEN:
        raise ERROR[-1]
    return answer


class Bad:
    """Has a function of each kind, each of which can be told to raise."""

    @hookimpl
    def register_text_formats(self) -> list[TextFormat]:
        return [TextFormat("bad-code", lambda _: breaks("format"), lambda text: breaks("form", text))]

    @hookimpl
    def register_field_types(self) -> list[CustomFieldType]:
        stored = {"type": "integer", "minimum": 0, "maximum": 9}
        return [CustomFieldType("bad-size", stored, lambda _: breaks("type"), lambda size: breaks("size", size))]

    @hookimpl
    def register_actions(self) -> list[Action]:
        return [Action("bad.act", act), Action("bad.send", send, "part")]

    @hookimpl
    def register_query_fields(self) -> list[QueryField]:
        return [QueryField("bad.ask", lambda _: breaks("query", 1), int)]

    @hookimpl
    def register_routes(self) -> list[Route]:
        return [Route("/see", lambda _: breaks("route"))]

    @hookimpl
    def register_record_hooks(self) -> list[On]:
        return [On("part", "create", before=lambda _: breaks("on create"))]

    @hookimpl
    def register_jobs(self) -> list[JobHandler]:
        return [JobHandler("bad.work", lambda _job, _payload: breaks("job"), 1, dead=lambda _job, _: breaks("dead"))]

    @hookimpl
    def register_message_kinds(self) -> list[MessageKind]:
        def address(_context: Any) -> str:
            breaks("address")
            return "ada@example.com"

        def compose(_context: Any) -> MessageContent:
            breaks("compose")
            return MessageContent("News", "None.")

        return [MessageKind("bad.news", address, compose, "service", attempts=1, ended=lambda *_: breaks("ended"))]

    @hookimpl
    def register_channels(self) -> list[Channel]:
        return [Channel("bad.radio", lambda _: breaks("channel"))]

    @hookimpl
    def before_record_create(self, entity: str, write: Write) -> None:
        breaks("create")
        write.then(lambda _context, _id: breaks("follow"))

    @hookimpl
    def before_record_update(self, entity: str) -> None:
        breaks("update")

    @hookimpl
    def before_record_delete(self, entity: str) -> None:
        breaks("delete")

    @hookimpl
    def before_record_restore(self, entity: str) -> None:
        breaks("restore")

    @hookimpl
    def before_message_send(self) -> None:
        breaks("gate")

    @hookimpl
    def after_message_end(self) -> None:
        breaks("told")

    @hookimpl
    def after_record_create(self, entity: str) -> None:
        breaks("created")

    @hookimpl
    def after_record_update(self, entity: str) -> None:
        breaks("updated")

    @hookimpl
    def after_record_delete(self, entity: str) -> None:
        breaks("deleted")


def act(_context: ActionContext) -> None:
    breaks("action")


def send(context: ActionContext, part: Record) -> None:
    send_message(context, Message("bad.news", ("part", part["id"]), channel="bad.radio"))


PART = {
    "x-entity": "part",
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "code": {"type": "string", "format": "bad-code"},
        "size": {"x-type": "bad-size"},
    },
}
USER = {"x-entity": "user", "type": "object", "properties": {"email": {"type": "string", "format": "email"}}}
CREATE = 'mutation { createPart(input: {name: "n", code: "c", size: 1}) { id } }'
UPDATE = 'mutation ($id: ID!) { updatePart(id: $id, input: {name: "m"}) { id } }'
DELETE = "mutation ($id: ID!) { deletePart(id: $id) { id } }"
RESTORE = "mutation ($id: ID!) { restorePart(id: $id) { id } }"
SEND = "mutation ($id: ID!) { sendPart(id: $id) { id } }"
REFUSED = {
    "create": (CREATE, ("hook", "before_record_create")),
    "on create": (CREATE, ("hook", "<lambda>")),
    "follow": (CREATE, ("follow", "part")),
    "form": (CREATE, ("format", "bad-code")),
    "format": (CREATE, ("format", "bad-code")),
    "type": (CREATE, ("type", "bad-size")),
    "update": (UPDATE, ("hook", "before_record_update")),
    "delete": (DELETE, ("hook", "before_record_delete")),
    "restore": (RESTORE, ("hook", "before_record_restore")),
    "action": ("mutation { badAct }", ("action", "bad.act")),
    "gate": (SEND, ("hook", "before_message_send")),
    "address": (SEND, ("message", "bad.news/address")),
    "query": ("{ badAsk }", ("query", "bad.ask")),
}
"""What raises → what somebody asks for then, and what is counted as failed."""


@pytest.fixture(scope="session")
def xrm_setup() -> Setup:
    rights = ("part,*,*", "bad.act,run,*", "bad.send,run,*", "bad.ask,run,*")
    files, policies = {"user": USER, "part": PART}, [f"clerk,{each},,allow" for each in rights]
    return Setup({"bad": Bad()}, pack=None, files=files, roles={"roles": {"clerk": {}}}, policies=policies)


@pytest.fixture
def xrm_database() -> str:
    """One kind is enough here: what becomes of transactions on both, the tests of each room show."""
    return "sqlite"


@pytest.fixture
def clerk(xrm: Xrm) -> Iterator[Client]:
    yield xrm.as_role("clerk")
    BROKEN.clear()
    del ERROR[1:]


def failed(xrm: Xrm) -> Counter[tuple[str, str]]:
    """Which functions were counted as failed, and how often."""
    found = xrm.platform.plugins.calls.now()
    return Counter({call[1:3]: sum(times.counts) for call, times in found if (call[0], call[3]) == ("bad", "failed")})


def stored(xrm: Xrm) -> list[tuple[Any, ...]]:
    with xrm.database.read() as connection:
        return [tuple(row) for row in connection.exec_driver_sql("SELECT id, name, version FROM part ORDER BY id")]


@pytest.mark.parametrize("error", [ZeroDivisionError("secret detail"), SystemExit("secret detail")])
def test_what_raises_is_refused_by_name_and_works_again(xrm: Xrm, clerk: Client, error: BaseException) -> None:
    ERROR.append(error)
    part, gone = (clerk.query(CREATE)["createPart"]["id"] for _ in range(2))
    clerk.query(DELETE, id=gone)
    before, counted = stored(xrm), failed(xrm)
    for name, (document, _) in REFUSED.items():
        BROKEN.add(name)
        given = {"id": gone if name == "restore" else part} if "$id" in document else {}

        refusal = clerk.refused(document, "REFUSED_BY_PLUGIN", **given)

        assert refusal.details["plugin"] == "bad", name
        assert "secret" not in str(refusal), name
        assert stored(xrm) == before, name
        BROKEN.clear()

    for document in (CREATE, UPDATE, "mutation { badAct }", SEND, "{ badAsk }", DELETE):
        clerk.query(document, **({"id": part} if "$id" in document else {}))
    clerk.query(RESTORE, id=gone)
    assert failed(xrm) - counted == Counter(call for _, call in REFUSED.values())


def test_filters_and_routes_that_raise_are_answered(xrm: Xrm, clerk: Client) -> None:
    BROKEN.update(("size", "route"))
    counted = failed(xrm)

    refusal = clerk.refused("{ parts(where: {size: {eq: 1}}) { totalCount } }", "BAD_QUERY")
    answer = clerk.request("GET", "/plugins/bad/see")

    ERROR.append(SystemExit(3))
    exits = clerk.request("GET", "/plugins/bad/see")

    assert "The plugin bad failed at this value." in refusal.message
    assert (exits.status_code, exits.text) == (422, answer.text)
    assert (answer.status_code, answer.json()["errors"][0]["extensions"]["details"]["plugin"]) == (422, "bad")
    assert "secret" not in f"{refusal}{answer.text}"
    assert set(failed(xrm) - counted) == {("type", "bad-size"), ("route", "bad/see")}
    BROKEN.clear()
    assert clerk.request("GET", "/plugins/bad/see").status_code == 204


def test_what_is_told_afterwards_is_tried_again_until_it_is_put_aside(xrm: Xrm, clerk: Client) -> None:
    xrm.work()
    xrm.clock.set("2026-03-01T12:00Z")
    part = clerk.query(CREATE)["createPart"]["id"]
    BROKEN.update(("created", "updated", "deleted"))
    clerk.query(UPDATE, id=part)
    clerk.query(DELETE, id=part)
    for _ in range(8):
        xrm.work(fails=True)
        xrm.clock.advance(hours=8)

    with xrm.database.begin() as connection:
        [dead] = readers.dead(connection, "plugin:bad", 9)
        assert (dead.record_id, dead.attempts, dead.error) == (part, 8, "ZeroDivisionError")
        BROKEN.clear()
        readers.retry(connection, "plugin:bad")

    xrm.work()

    assert [event.operation for event in xrm.events][-3:] == ["create", "update", "delete"]


def test_jobs_and_messages_that_raise_end_visibly(xrm: Xrm, clerk: Client) -> None:
    part = clerk.query(CREATE)["createPart"]["id"]
    ends, counted = [], failed(xrm)
    for name in ("compose", "channel", "ended", "told"):
        BROKEN.clear()
        clerk.query(SEND, id=part)
        BROKEN.add(name)
        xrm.work(fails=name == "compose")
        with xrm.database.read() as connection:
            ends.append((messages(connection)[0].state.value, messages(connection)[0].reason))
    BROKEN.update(("job", "dead"))
    with xrm.database.begin() as connection:
        enqueue(connection, "bad.work", {})
    job = xrm.work(fails=True).job("bad.work")

    assert ends == [("failed", "NOT_MADE"), ("failed", "OUTCOME_UNKNOWN"), ("sent", None), ("sent", None)]
    assert (job.state, (job.error or {})["code"]) == ("dead", "ZeroDivisionError")
    names = {("message", "bad.news/compose"), ("channel", "bad.radio"), ("message", "bad.news/ended")}
    names.add(("hook", "after_message_end"))
    assert set(failed(xrm) - counted) == {*names, ("job", "bad.work"), ("job", "bad.work/dead")}


ELSEWHERE = {
    "scan_file": ("tests/server/test_file_scans.py", "test_a_plugin_that_fails_or_answers_nonsense_withholds_the_file"),
    "before_data_leaves": (
        "tests/events/test_webhook_gates.py",
        "test_what_is_held_back_waits_and_is_sent_once_it_may",
    ),
}
"""Hooks whose failure is shown by tests of other rooms."""


def test_no_hook_is_left_out() -> None:
    later = {name for name in HOOKS if not name.startswith("register_")}

    assert later == {name for name in vars(Bad) if name in later} | set(ELSEWHERE)
    for file, name in ELSEWHERE.values():
        assert re.search(rf"def {name}\b", (REPOSITORY / file).read_text("utf-8")), name
