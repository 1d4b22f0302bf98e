"""Actions of plugins: mutations with a right of their own, in one transaction with all else."""

import datetime as dt
import enum
import re
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.records.kit import CUSTOMERS
from tests.server.http_kit import Client, code, serving
from xrm_core.api import Action, ActionContext, Record, Refuse, hookimpl
from xrm_core.auth import tokens
from xrm_core.errors import PluginLoadError
from xrm_core.graphql.demands import Limits
from xrm_core.graphql.limits import DocumentLimits
from xrm_core.graphql.roles import Roles
from xrm_core.plugins import InstalledPlugin, Plugins
from xrm_core.records.actions import Actions
from xrm_core.storage.engines import Database


class Channel(enum.Enum):
    PHONE = 1
    LETTER = 2


@dataclass
class Line:
    text: str
    amount: Decimal


@dataclass
class WinInput:
    """What is said about a win."""

    closed_on: dt.date
    channel: Channel
    lines: list[Line]
    remark: str | None = None
    bonus: int = 7


@dataclass
class Won:
    total: Decimal
    closed_on: dt.date
    channel: Channel
    remark: str | None
    lines: list[Line] = field(default_factory=list)


def win(context: ActionContext, customer: Record, given: WinInput) -> Won:
    total = sum((line.amount for line in given.lines), Decimal(given.bonus))
    door, connection = context.records, context.connection
    door.update(connection, context.system, "customer", customer["id"], {"status": "active", "revenue": str(total)})
    door.create(connection, context.system, "note", {"text": f"won: {given.remark}", "customer": customer["id"]})
    if given.remark == "refuse":
        raise Refuse({"en": "Not this one.", "de": "Diesen nicht."}, field="remark")
    if given.remark == "crash":
        raise ZeroDivisionError("secret detail")
    return Won(total, given.closed_on, given.channel, given.remark, given.lines)


def touch(context: ActionContext, customer: Record) -> None:
    context.records.update(context.connection, context.caller, "customer", customer["id"], {"city": "touched"})


def count(context: ActionContext) -> None:
    if context.is_dry_run:
        return
    context.records.create(context.connection, context.system, "note", {"text": "counted"})


ACTIONS = [
    Action("test.win", win, "customer", input=WinInput, answers=Won, description={"de": "Gewonnen.", "en": "Win."}),
    Action("test.touch", touch, "customer", needs="read"),
    Action("test.count", count),
    Action("test.of_elsewhere", touch, "nothing_here"),
]


def plugin(*actions: Action) -> SimpleNamespace:
    @hookimpl
    def register_actions() -> list[Action]:
        return list(actions)

    return SimpleNamespace(register_actions=register_actions)


POLICIES = f"""{CUSTOMERS.policies}rep,test.win,run,*,,allow
rep,test.touch,run,*,,allow
giver,test.count,run,*,,deny
viewer,*,run,*,,allow
viewer,test.win,run,*,,deny
"""
PACK = replace(CUSTOMERS, policies=POLICIES)
WIN = """mutation ($id: ID!, $input: WinCustomerInput!, $version: Int, $dry: Boolean) {
  winCustomer(id: $id, input: $input, version: $version, dryRun: $dry) {
    total closedOn channel remark lines { text amount } again: record { status revenue version } } }"""
INPUT = {"closedOn": "2026-11-27", "channel": "LETTER", "lines": [{"text": "a", "amount": "0.10"}] * 3}


@pytest.fixture
def client(database: Database, tmp_path: Path) -> Iterator[Client]:
    with serving(database, tmp_path, PACK, plugin(*ACTIONS)) as found:
        yield found


def as_(client: Client, role: str, user: str = "ben") -> Any:
    """A function that asks as a user with a role."""
    with client.database.begin() as connection:
        tokens.set_roles(connection, client.world.users[user], [role])
        token = tokens.create_token(connection, client.world.users[user], role)

    def ask(query: str, **variables: Any) -> Any:
        return client.post({"query": query, "variables": variables}, Authorization=f"Bearer {token}")

    return ask


def customer(client: Client, owner: str = "ben") -> str:
    return client.world.create("admin", "customer", {"name": f"of {owner}", "owner": client.world.users[owner]})


def test_an_action_is_a_mutation_that_writes_what_its_caller_could_not(client: Client) -> None:
    ben, id_ = as_(client, "rep"), customer(client)
    # when ben, who may not set the status, runs the action
    answer = ben(WIN, id=id_, input={**INPUT, "remark": "by ben"}).json()
    # then it answers with what it says, exactly, and with the record as it is now
    assert answer == {
        "data": {
            "winCustomer": {
                "total": "7.30",
                "closedOn": "2026-11-27",
                "channel": "LETTER",
                "remark": "by ben",
                "lines": [{"text": "a", "amount": "0.10"}] * 3,
                "again": {"status": "active", "revenue": "7.30", "version": 2},
            }
        }
    }
    # and the log names ben, and the action as a cause
    history = "query ($id: ID!) { customer(id: $id) { history { actor version causes { kind name } } } }"
    changes = client.ask(history, id=id_)["data"]["customer"]["history"]
    change = next(each for each in changes if each["version"] == 2)
    assert change["actor"] == client.world.users["ben"]
    assert {"kind": "action", "name": "test.win"} in change["causes"]


def test_what_fails_inside_leaves_nothing(client: Client) -> None:
    ben, id_ = as_(client, "rep"), customer(client)
    before = client.world.state()
    refused = ben(WIN, id=id_, input={**INPUT, "remark": "refuse"})
    assert code(refused) == "REFUSED_BY_PLUGIN"
    [error] = refused.json()["errors"]
    assert error["message"] == "Not this one."
    assert error["extensions"]["details"] == {"plugin": "test", "action": "test.win", "field": "remark"}
    crashed = ben(WIN, id=id_, input={**INPUT, "remark": "crash"})
    assert code(crashed) == "REFUSED_BY_PLUGIN"
    assert "secret" not in crashed.text
    for other in (client.world.users["ben"], "x"):
        assert code(ben(WIN, id=other, input=INPUT)) == "NOT_FOUND"
    assert code(ben(WIN, id=id_, input=INPUT, version=9)) == "VERSION_CONFLICT"
    for input_ in ({}, {**INPUT, "channel": "FAX"}, {**INPUT, "closedOn": "soon"}, {**INPUT, "lines": [{"text": "a"}]}):
        wrong = ben(WIN, id=id_, input=input_).json()["errors"]
        assert {each["extensions"]["code"] for each in wrong} == {"BAD_QUERY"}
    assert client.world.state() == before


def test_a_dry_run_answers_and_changes_nothing(client: Client) -> None:
    ben, id_ = as_(client, "rep"), customer(client)
    before = client.world.state()
    answer = ben(WIN, id=id_, input=INPUT, dry=True).json()
    assert answer["data"]["winCustomer"]["again"]["status"] == "active"
    assert answer["extensions"]["dryRun"] is True
    assert client.world.state() == before


def test_one_that_is_told_nothing_answers_with_the_record_or_with_true(client: Client) -> None:
    anna, id_ = as_(client, "admin"), customer(client)
    touched = anna("mutation ($id: ID!) { touchCustomer(id: $id) { city } }", id=id_).json()
    assert touched == {"data": {"touchCustomer": {"city": "touched"}}}
    both = anna("mutation { a: testCount b: testCount(dryRun: false) }").json()
    assert both == {"data": {"a": True, "b": True}}
    assert "ofElsewhere" not in anna("{ __schema { mutationType { fields { name } } } }").text


def test_the_row_rule_of_the_right_that_it_needs_holds(client: Client) -> None:
    ben, of_anna = as_(client, "rep"), customer(client, "anna")
    before = client.world.state()
    hidden = ben(WIN, id=of_anna, input=INPUT)
    missing = ben(WIN, id=client.world.users["ben"], input=INPUT)
    # a record that ben cannot see is not told apart from one that is not there
    assert code(hidden) == code(missing) == "NOT_FOUND"
    assert client.world.state() == before
    # and what the action does as its caller, its caller must be allowed to do: viewers may not change
    viewer = as_(client, "viewer")
    assert code(viewer("mutation ($id: ID!) { touchCustomer(id: $id) { city } }", id=of_anna)) == "FORBIDDEN"
    assert client.world.state() == before


def fields(ask: Any) -> set[str]:
    found = ask("{ __schema { mutationType { fields { name } } } }").json()["data"]["__schema"]["mutationType"]
    return {each["name"] for each in found["fields"]} & {"winCustomer", "touchCustomer", "testCount"}


@pytest.mark.parametrize(
    ("role", "shown"),
    [
        ("admin", {"winCustomer", "touchCustomer", "testCount"}),
        ("rep", {"winCustomer", "touchCustomer"}),
        ("viewer", {"touchCustomer", "testCount"}),  # not to win: that needs the right to change, and is denied
        ("giver", set()),
    ],
)
def test_a_role_sees_the_actions_that_it_may_run(client: Client, role: str, shown: set[str]) -> None:
    ask = as_(client, role)
    assert fields(ask) == shown
    for name, query in (("winCustomer", WIN), ("testCount", "mutation { testCount }")):
        answer = ask(query, id=customer(client), input=INPUT)
        codes = {each["extensions"]["code"] for each in answer.json().get("errors", ())}
        assert codes == (set() if name in shown else {"BAD_QUERY"})


def test_a_token_may_be_held_to_one_action(client: Client) -> None:
    with client.database.begin() as connection:
        limits = tokens.TokenLimits(grants={"test.touch": ["run"], "customer": ["read"]})
        token = tokens.create_token(connection, client.world.users["anna"], "narrow", limits=limits)

    def ask(query: str, **variables: Any) -> Any:
        return client.post({"query": query, "variables": variables}, Authorization=f"Bearer {token}")

    assert fields(ask) == {"touchCustomer"}


@pytest.mark.parametrize(
    ("action", "cause"),
    [
        (Action("win", win), "a name that is none"),
        (Action("other.win", win), "begins with 'test'"),
        (Action("test.create", win, "customer"), "would have the mutation createCustomer, which is the platform's"),
        (Action("test.win", None), "no function"),  # type: ignore[arg-type]
        (Action("test.win", win, needs="delete"), "needs neither"),  # type: ignore[arg-type]
        (Action("test.win", win, input=dict), "no dataclass"),
        (Action("test.win", win, input=SimpleNamespace), "no dataclass"),
    ],
)
def test_a_wrong_action_is_found_at_the_start(client: Client, action: Action, cause: str) -> None:
    with pytest.raises(PluginLoadError, match=f"The plugin test cannot be loaded: the action .*{cause}"):
        Actions(Plugins([InstalledPlugin("test", plugin(action))]), client.world.model)


def test_no_action_takes_the_name_of_a_mutation_of_the_platform(tmp_path: Path) -> None:
    # given users who may sign in, so that there are mutations about accounts, and everything that an administrator may
    user = {"properties": {"name": {"type": "string"}, "email": {"type": "string", "format": "email"}}}
    pack = replace(CUSTOMERS, files={**CUSTOMERS.files, "user": user})
    with closing(Database(f"sqlite:///{tmp_path / 'names.db'}")) as database:
        with serving(database, tmp_path, pack) as client:
            asked = client.ask("{ __schema { mutationType { fields { name } } } }")
            names = [each["name"] for each in asked["data"]["__schema"]["mutationType"]["fields"]]
        assert {"inviteUser", "changePassword", "applyPermissions", "pauseWebhook", "updateCustomers"} <= set(names)
        # then an action of any of these names stops the start, and both are named
        tables, dialect = client.records.tables, database.dialect
        for name in names:
            first, *rest = re.findall("^[a-z]+|[A-Z][a-z]*", name)
            action = Action(f"{first}.{'_'.join(rest).lower()}", count)
            plugins = Plugins([InstalledPlugin(first, plugin(action))])
            with pytest.raises(PluginLoadError, match=f"{action.name}' would have the mutation {name}, which is the"):
                Roles(tables, dialect, Limits(), DocumentLimits(), 30, Actions(plugins, client.world.model))
    with closing(Database(f"sqlite:///{tmp_path / 'invite.db'}")) as other:
        wrong = pytest.raises(PluginLoadError, match=r"'test\.invite' would have the mutation inviteUser, which")
        with wrong, serving(other, tmp_path, pack, plugin(Action("test.invite", touch, "user"))):
            pass


def test_two_of_one_name_and_types_that_are_not_possible_are_named(client: Client) -> None:
    @dataclass
    class Odd:
        anything: dict[str, str]

    def load(*actions: Action) -> None:
        Actions(Plugins([InstalledPlugin("test", plugin(*actions))]), client.world.model)

    class Word(enum.Enum):
        true = 1

    @dataclass
    class WithWord:
        word: Word

    @dataclass
    class Umlaut:
        größe: int

    @dataclass
    class Twice:
        a_b: int
        a__b: int

    @dataclass
    class Taken:
        record: str

    wrong: dict[str, type] = {"word of GraphQL": WithWord, "name that is none": Umlaut, "several fields": Twice}
    for cause, given in wrong.items():
        with pytest.raises(PluginLoadError, match=cause):
            load(Action("test.win", win, input=given))
    with pytest.raises(PluginLoadError, match="«record» among its answers"):
        load(Action("test.win", win, "customer", answers=Taken))
    with pytest.raises(PluginLoadError, match="registered twice"):
        load(Action("test.win", win), Action("test.win", win))
    with pytest.raises(PluginLoadError, match=r"Odd\.anything is of a type"):
        load(Action("test.win", win, input=Odd))
    with pytest.raises(PluginLoadError, match=r"name that is none"):
        load(Action("test.win", win), Action("test.Win", win))
