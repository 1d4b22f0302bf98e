"""What an action answers once, such as the link of a quote, stands in no table, also where its answer is kept."""

import base64
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import inspect, text

from tests.testing.conftest import FILES
from xrm_core.api import Action, ActionContext, hookimpl
from xrm_core.testing import Setup, Xrm

SECRET = "a-link-that-only-one-customer-has-2f7c"
KEY = {"Idempotency-Key": "8e03978e-40d5-43e8-bc93-6894a57f9324"}
OPEN = "mutation { keysOpen { link } }"


@dataclass
class Opened:
    """What is told once."""

    link: str


class Plugin:
    """Writes something and answers a secret."""

    @hookimpl
    def register_actions(self) -> list[Action]:
        return [Action("keys.open", _open, answers=Opened)]


def _open(context: ActionContext) -> Opened:
    context.records.create(context.connection, context.caller, "task", {"text": "opened"})
    return Opened(SECRET)


@pytest.fixture(scope="session")
def xrm_setup() -> Setup:
    return Setup(
        {"keys": Plugin()},
        pack=None,
        files=FILES,
        roles={"roles": {"clerk": {}}},
        policies=["clerk,task,*,*,,allow", "clerk,keys.open,run,*,,allow"],
    )


def everything(xrm: Xrm) -> bytes:
    """All values of all tables."""
    found: list[Any] = []
    with xrm.database.read() as connection:
        for name in inspect(connection).get_table_names():
            for row in connection.execute(text(f'SELECT * FROM "{name}"')):
                found += [bytes(each) if isinstance(each, bytes | memoryview) else str(each).encode() for each in row]
    return b"\n".join(found)


def test_a_kept_answer_of_an_action_is_sealed_by_the_key_of_its_client(xrm: Xrm) -> None:
    clerk = xrm.as_role("clerk")

    first, again = (clerk.post(OPEN, headers=KEY) for _ in range(2))

    assert first.json()["data"]["keysOpen"]["link"] == SECRET
    assert again.content == first.content
    assert clerk.query("{ tasks { totalCount } }") == {"tasks": {"totalCount": 1}}, "it was done once"
    stored = everything(xrm)
    assert b"opened" in stored, "the record is found so"
    for form in (SECRET.encode(), base64.b64encode(SECRET.encode()).rstrip(b"="), SECRET.encode().hex().encode()):
        assert form not in stored
    assert KEY["Idempotency-Key"].encode() not in stored
