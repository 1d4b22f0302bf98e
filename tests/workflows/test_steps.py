"""Each kind of step, and what begins with records that go and come back."""

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest

from tests.testing.conftest import FILES as TASKS
from xrm_core.api import MessageContent, MessageContext, MessageKind, MessageOutcome, hookimpl
from xrm_core.testing import Setup, Xrm
from xrm_core.workflows import runs

TEXT = {"type": "string"}
FILES: Mapping[str, Any] = {
    "user": TASKS["user"],
    "tag": {"x-entity": "tag", "type": "object", "properties": {"name": TEXT}},
    "firm": {
        "x-entity": "firm",
        "type": "object",
        "properties": {
            "name": TEXT,
            "email": TEXT,
            "note": TEXT,
            "main_tag": {"x-relation": {"to": "tag", "inverse": "main_of", "on_delete": "set_null"}},
            "tags": {"x-relation": {"to": "tag", "many": True, "inverse": "firms"}},
        },
    },
    "order": {
        "x-entity": "order",
        "type": "object",
        "properties": {
            "state": TEXT,
            "firm": {"x-relation": {"to": "firm", "inverse": "orders", "on_delete": "cascade"}},
        },
    },
}
PAID = {
    "x-workflow": "paid",
    "system": True,
    "on": {"entity": "order", "change": ["update"], "fields": ["state"]},
    "where": {"state": {"eq": "paid"}},
    "steps": [
        {"update": {"note": "has paid"}, "of": "firm"},
        {"link": "tags", "to": {"$path": "firm.main_tag.id"}, "of": "firm"},
        {"message": "flow.thanks", "person": "firm"},
    ],
}
GONE = {
    "x-workflow": "gone",
    "system": True,
    "on": {"entity": "order", "change": ["delete"]},
    "steps": [{"create": "tag", "values": {"name": {"$path": "id"}}}],
}
BACK = {
    "x-workflow": "back",
    "system": True,
    "on": {"entity": "order", "change": ["restore"]},
    "steps": [{"update": {"state": "back"}}],
}
KILLED: list[type[BaseException]] = []


class Killed(BaseException):
    """As if the process were gone: nothing of the platform catches it."""


class Plugin(SimpleNamespace):
    """Thanks firms, and stops the worker after a step has written, if it is told to."""

    __hash__ = object.__hash__  # type: ignore[assignment]

    @hookimpl
    def register_message_kinds(self) -> list[MessageKind]:
        return [MessageKind("flow.thanks", _address, _letter, "contract", _ended)]

    @hookimpl
    def before_record_update(self, entity: str, changes: Mapping[str, Any]) -> None:
        if entity == "firm" and KILLED:
            raise KILLED.pop()


def _address(context: MessageContext) -> str | None:
    assert context.message.person is not None
    firm = context.read(*context.message.person)
    return None if firm is None else firm["email"]


def _letter(context: MessageContext) -> MessageContent:
    return MessageContent("Thank you", f"About the order {context.message.about[1]}.")


def _ended(context: MessageContext, outcome: MessageOutcome) -> None:
    """Nothing is shown of it."""


@pytest.fixture(scope="session")
def xrm_setup() -> Setup:
    return Setup(
        {"flow": Plugin()},
        pack=None,
        files=FILES,
        workflows={each["x-workflow"]: each for each in (PAID, GONE, BACK)},  # type: ignore[misc]
        roles={"roles": {"clerk": {}}},
        policies=["clerk,*,*,*,,allow"],
    )


def began(xrm: Xrm) -> tuple[str, str, str]:
    """Tag, firm and order; workers have met the workflows."""
    xrm.work()
    tag = xrm.create("tag", name="good")
    firm = xrm.create("firm", name="Kern", email="kern@example.com", main_tag=tag)
    return tag, firm, xrm.create("order", state="open", firm=firm)


def states(xrm: Xrm, workflow: str) -> list[tuple[str, int, str | None]]:
    with xrm.database.read() as connection:
        return [(each.state.value, each.step, each.error) for each in runs.runs(connection, workflow=workflow)]


def pay(xrm: Xrm, order: str) -> None:
    pay = "mutation ($id: ID!, $state: String!) { updateOrder(id: $id, input: {state: $state}) { id } }"
    xrm.as_role("clerk").query(pay, id=order, state="paid")


def test_steps_are_about_other_records_link_and_send_each_once(xrm: Xrm) -> None:
    _, firm, order = began(xrm)
    KILLED.append(Killed)
    pay(xrm, order)

    xrm.work()  # the worker is killed within the first step
    assert (states(xrm, "paid"), (xrm.get("firm", firm) or {})["note"]) == ([("ready", 0, None)], None)
    xrm.clock.advance(minutes=1)
    xrm.work()

    assert states(xrm, "paid") == [("done", 3, None)]
    clerk = xrm.as_role("clerk")
    asked = "query ($id: ID!) { firm(id: $id) { note tags { nodes { name } } } }"
    assert clerk.query(asked, id=firm)["firm"] == {"note": "has paid", "tags": {"nodes": [{"name": "good"}]}}
    [mail] = xrm.mails
    assert (mail["To"], order in mail.get_content()) == ("kern@example.com", True)

    # what is linked already stays so
    second = xrm.create("order", state="open", firm=firm)
    pay(xrm, second)
    xrm.work()
    assert [each[0] for each in states(xrm, "paid")] == ["done", "done"]
    assert len(clerk.query(asked, id=firm)["firm"]["tags"]["nodes"]) == 1


def test_what_goes_and_what_comes_back_begins_runs(xrm: Xrm) -> None:
    _, _, order = began(xrm)
    clerk = xrm.as_role("clerk")

    clerk.query("mutation ($id: ID!) { deleteOrder(id: $id) { id } }", id=order)
    xrm.work()
    assert states(xrm, "gone") == [("done", 1, None)]
    assert clerk.query("query ($id: String!) { tags(where: {name: {eq: $id}}) { totalCount } }", id=order) == {
        "tags": {"totalCount": 1}
    }

    clerk.query("mutation ($id: ID!) { restoreOrder(id: $id) { id } }", id=order)
    xrm.work()
    assert (states(xrm, "back"), (xrm.get("order", order) or {})["state"]) == ([("done", 1, None)], "back")
