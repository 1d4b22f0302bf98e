"""Query fields of plugins: root fields with a right of their own, which see what their caller may see."""

import enum
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Annotated, Any

import pytest

from tests.records.kit import CUSTOMERS, FILES
from tests.server.http_kit import Client, code, serving
from tests.server.test_actions import as_, customer
from xrm_core.api import Action, ActionContext, QueryContext, QueryField, Record, RecordOf, Refuse, hookimpl
from xrm_core.errors import PluginLoadError
from xrm_core.graphql import engine
from xrm_core.graphql.query_fields import QueryFields
from xrm_core.graphql.query_fields.registry import CORE_FIELDS
from xrm_core.graphql.schema import build
from xrm_core.metadata.predicate import EVERYTHING
from xrm_core.permissions.access import Access, Permission
from xrm_core.permissions.policy import ALL, OBJECTS
from xrm_core.plugins import InstalledPlugin, Plugins
from xrm_core.records import read_log
from xrm_core.records.actions import Actions
from xrm_core.storage.engines import Database


class Sort(enum.Enum):
    NAME = 1
    REVENUE = 2


@dataclass
class Line:
    name: str
    revenue: Decimal | None


@dataclass
class Overview:
    """What there is."""

    seen: int
    all: int
    total: Decimal
    who: str | None
    lines: list[Line]


@dataclass
class OverviewInput:
    least: Decimal
    sort: Sort = Sort.NAME
    names: list[str] | None = None


LINES = """query ($order: [CustomerOrderBy!], $names: [String!]) {
  customers(orderBy: $order, where: {name: {in: $names}}) { totalCount nodes { name revenue } } }"""
COUNT = "{ customersAggregate { count } }"
ENDING = threading.Event()


def overview(context: QueryContext, given: OverviewInput) -> Overview:
    variables = {"order": [{given.sort.name.lower(): "ASC"}], "names": given.names}
    found = context.query(LINES, variables if given.names else {"order": variables["order"]})["customers"]
    [figures] = context.query_as_system(COUNT)["customersAggregate"]
    lines = [Line(each["name"], each["revenue"] and Decimal(each["revenue"])) for each in found["nodes"]]
    lines = [line for line in lines if (line.revenue or 0) >= given.least]
    total = sum((line.revenue or Decimal() for line in lines), Decimal())
    return Overview(found["totalCount"], figures["count"], total, context.caller.id, lines)


def stuck(context: QueryContext) -> int:
    ENDING.wait(20)
    context.check()
    return 1


def broken(context: QueryContext, given: Any) -> int:
    match given.how:
        case "refuse":
            raise Refuse({"en": "Not today.", "de": "Heute nicht."})
        case "crash":
            raise ZeroDivisionError("secret detail")
        case "mutation":
            context.query('mutation { createNote(input: {text: "x"}) { id } }')
        case "account":
            context.query("{ me { id } }")
        case "typo":
            context.query("{ customers { nodes { nothingOfThisName } } }")
        case "type":
            return "no number"  # type: ignore[return-value]
        case "much":
            for _ in range(5):  # 51 000 points each
                context.query(NOTES, {"first": 1000})
    return len(context.query(NOTES, {"first": 1}))


NOTES = "query ($first: Int!) { customers(first: $first) { nodes { notes { nodes { text } } } } }"


@dataclass
class How:
    how: str


def names_of(context: QueryContext) -> list[str | None]:
    return [each["name"] for each in context.query("{ customers { nodes { name } } }")["customers"]["nodes"]]


def write(context: ActionContext, record: Record) -> None:
    text = context.query("query ($id: ID!) { customer(id: $id) { name } }", {"id": record["id"]})["customer"]["name"]
    context.records.create(context.connection, context.system, "note", {"text": text, "customer": record["id"]})
    found = context.query_as_system(
        "query ($id: ID!) { customer(id: $id) { notes { totalCount } } }", {"id": record["id"]}
    )
    if found["customer"]["notes"]["totalCount"] > 1:
        raise Refuse("One note is enough.")


@dataclass
class Stop:
    place: int
    customer: Annotated[str, RecordOf("customer")]
    notes: list[Annotated[str, RecordOf("note")]]


TOUR = "{ customers(orderBy: {name: ASC}) { nodes { id notes { nodes { id } } } } }"


def tour(context: QueryContext) -> list[Stop]:
    found = context.query_as_system(TOUR)["customers"]["nodes"]
    return [
        Stop(place, each["id"], [note["id"] for note in each["notes"]["nodes"]])
        for place, each in enumerate(found, start=1)
    ]


def next_one(context: QueryContext, given: OverviewInput) -> str | None:
    found = context.query_as_system(TOUR)["customers"]["nodes"]
    return found[0]["id"] if found and given.least > 0 else None


FIELDS = [
    QueryField("test.tour", tour, list[Stop], records=3),
    QueryField("test.next", next_one, Annotated[str, RecordOf("customer")] | None, OverviewInput),
    QueryField(
        "test.overview", overview, Overview, OverviewInput, cost=123, description={"de": "x", "en": "All of it."}
    ),
    QueryField("test.names", names_of, list[str | None]),
    QueryField("test.stuck", stuck, int | None, seconds=0.2),
    QueryField("test.broken", broken, int, How),
]


def plugin(*fields: QueryField, actions: tuple[Action, ...] = ()) -> SimpleNamespace:
    @hookimpl
    def register_query_fields() -> list[QueryField]:
        return list(fields)

    @hookimpl
    def register_actions() -> list[Action]:
        return list(actions)

    return SimpleNamespace(register_query_fields=register_query_fields, register_actions=register_actions)


POLICIES = f"""{CUSTOMERS.policies}rep,test.overview,run,*,,allow
rep,test.note,run,*,,allow
rep,test.tour,run,*,,allow
rep,test.next,run,*,,allow
clerk,test.tour,run,*,,allow
clerk,test.names,run,*,,allow
clerk,test.broken,run,*,,allow
keeper,test.overview,run,*,,allow
viewer,*,run,*,,allow
viewer,test.broken,run,*,,deny
"""
PACK = replace(CUSTOMERS, policies=POLICIES, files={**FILES, "note": {**FILES["note"], "x-log-reads": True}})
OVERVIEW = """query ($least: Decimal!, $sort: TestOverviewSort, $names: [String!]) {
  testOverview(least: $least, sort: $sort, names: $names) {
    seen all again: total who rows: lines { name revenue } } }"""


@pytest.fixture
def client(database: Database, tmp_path: Path) -> Iterator[Client]:
    ENDING.clear()
    with serving(database, tmp_path, PACK, plugin(*FIELDS, actions=(Action("test.note", write, "customer"),))) as found:
        yield found
        ENDING.set()


def test_a_query_field_sees_what_its_caller_may_see(client: Client) -> None:
    for name, revenue, owner in (("Ada", "10.50", "ben"), ("Bob", "0.25", "ben"), ("Cid", "99", "anna")):
        values = {"name": name, "revenue": revenue, "owner": client.world.users[owner]}
        client.world.create("admin", "customer", values)
    ben = as_(client, "rep")
    answer = ben(OVERVIEW, least="0.2", sort="REVENUE").json()
    rows = [{"name": "Bob", "revenue": "0.25"}, {"name": "Ada", "revenue": "10.50"}]
    whole = {"seen": 2, "all": 3, "again": "10.75", "who": client.world.users["ben"], "rows": rows}
    assert answer == {"data": {"testOverview": whole}}
    # some of it, beside records, under other names and with a fragment; introspection may stand there, too
    mixed = """query { a: testOverview(least: 5) { ...F } b: testOverview(least: 0, names: ["Bob"]) { ...F }
        customers { totalCount nodes { __typename label: name } } __type(name: "TestOverview") { description }
        __typename } fragment F on TestOverview { total __typename }"""
    found = ben(mixed).json()["data"]
    assert found["a"] == {"total": "10.50", "__typename": "TestOverview"}
    assert found["b"]["total"] == "0.25"
    assert [each["label"] for each in found["customers"]["nodes"]] == ["Ada", "Bob"]
    assert (found["__type"], found["__typename"]) == ({"description": "What there is."}, "Query")
    # what the caller may see of one field only on some records is absent elsewhere
    clerk = as_(client, "clerk")
    assert code(clerk("{ testNames }")) == "FORBIDDEN"  # the name is none of a clerk's fields
    assert "name" not in clerk("{ testNames }").text
    viewer = as_(client, "viewer")
    assert viewer("{ testNames }").json() == {"data": {"testNames": ["Ada", "Bob", "Cid"]}}
    keeper = as_(client, "keeper")
    assert keeper(OVERVIEW, least=0).json()["data"]["testOverview"]["seen"] == 3


def shown(ask: Any) -> set[str]:
    found = ask("{ __schema { queryType { fields { name } } } }").json()["data"]["__schema"]["queryType"]["fields"]
    return {each["name"] for each in found if each["name"].startswith("test")}


def test_nobody_has_it_who_was_not_given_it(client: Client) -> None:
    expected = {
        "admin": {"testOverview", "testNames", "testStuck", "testBroken", "testTour", "testNext"},
        "rep": {"testOverview", "testTour", "testNext"},
        "viewer": {"testOverview", "testNames", "testStuck", "testTour", "testNext"},
        "giver": set(),
    }
    for role, names in expected.items():
        ask = as_(client, role)
        assert shown(ask) == names
        answer = ask(OVERVIEW, least=1).json()
        assert ("errors" in answer) == ("testOverview" not in names)
    assert code(as_(client, "giver")("{ testNames }")) == "BAD_QUERY"


def test_what_goes_wrong_is_told_without_its_cause(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "_AROUND_SECONDS", 0.5)  # tests wait longer
    clerk, broken = as_(client, "clerk"), "query ($how: String!) { testBroken(how: $how) }"
    refused = clerk(broken, how="refuse").json()["errors"][0]
    assert (refused["message"], refused["path"]) == ("Not today.", ["testBroken"])
    assert refused["extensions"]["details"] == {"plugin": "test", "query": "test.broken"}
    for how in ("crash", "mutation", "account", "typo", "type"):
        failed = as_(client, "admin")(broken, how=how)
        assert code(failed) == "REFUSED_BY_PLUGIN"
        assert failed.json()["errors"][0]["message"] == "The plugin test failed."
        assert not {"secret", "nothingOfThisName"} & set(failed.text.split())
    assert code(as_(client, "admin")(broken, how="much")) == "QUERY_TOO_LARGE"
    assert code(as_(client, "viewer")("{ testStuck }")) == "TIMEOUT"
    wrong: tuple[dict[str, Any], ...] = {"least": "many"}, {"least": 1, "sort": "SIZE"}, {}
    assert {code(as_(client, "rep")(OVERVIEW, **each)) for each in wrong} == {"BAD_QUERY"}


def test_it_costs_what_it_says(client: Client) -> None:
    both = {"query": "{ a: testOverview(least: 1) { total } testNames }", "extensions": {"cost": True}}
    cost = client.post(both).json()["extensions"]["cost"]
    assert (cost["requested"], cost["fields"][0]) == (223, {"path": ["a"], "points": 123})


def test_what_it_shows_of_logged_reads_is_logged(client: Client) -> None:
    ada = client.world.create("admin", "customer", {"name": "Ada"})
    note = client.world.create("admin", "note", {"text": "secret", "customer": ada})
    client.ask('{ testBroken(how: "1") }')
    with client.database.read() as connection:
        [read] = read_log.logged(connection)
    assert (read.entity, read.fields, read.record_ids) == ("note", ("text",), (note,))


def test_records_that_it_names_are_shown_as_the_caller_may_see_them(client: Client) -> None:
    create, users = client.world.create, client.world.users
    ada, bob = (
        create("admin", "customer", {"name": name, "owner": users[owner]})
        for name, owner in (("Ada", "ben"), ("Bob", "anna"))
    )
    note = create("admin", "note", {"text": "call", "customer": ada})
    query = """query ($least: Decimal!) { testTour { place who: customer { id label: name __typename }
        notes { text customer { name } } } testNext(least: $least) { city name } customers { totalCount } }"""
    answer = as_(client, "rep")(query, least=1).json()
    first = {"place": 1, "who": {"id": ada, "label": "Ada", "__typename": "Customer"}}
    notes = [{"text": "call", "customer": {"name": "Ada"}}]
    second = {"place": 2, "who": None, "notes": []}  # bob is not ben's
    both = {"testTour": [{**first, "notes": notes}, second], "testNext": {"city": None, "name": "Ada"}}
    assert answer == {"data": {**both, "customers": {"totalCount": 1}}}
    with client.database.read() as connection:
        [read] = read_log.logged(connection)
    assert (read.entity, read.record_ids) == ("note", (note,))
    # who may not read notes does not have them in the type; what a clerk may not see of a customer is not there
    clerk = as_(client, "clerk")
    assert code(clerk("{ testTour { notes { text } } }")) == "BAD_QUERY"
    assert clerk("{ testTour { customer { id } } }").json()["data"]["testTour"][1]["customer"] == {"id": bob}
    # it costs as many records as there may be: 3 customers, and 3 notes each with its customer
    told = client.post({"query": query, "variables": {"least": 1}, "extensions": {"cost": True}}).json()["extensions"]
    points: dict[str, int] = {}
    for each in told["cost"]["fields"]:
        points[each["path"][0]] = points.get(each["path"][0], 0) + each["points"]
    assert (points["testTour"], points["testNext"]) == (100 + 3 + 3 * 2, 100 + 50)
    assert client.ask("{ testNext(least: 0) { name } }") == {"data": {"testNext": None}}
    for name in ("Cid", "Dan"):
        create("admin", "customer", {"name": name})
    [error] = client.ask("{ testTour { place } }")["errors"]  # four are more than it says
    assert error["extensions"]["code"] == "REFUSED_BY_PLUGIN"


def test_an_action_asks_within_its_transaction(client: Client) -> None:
    ben, id_ = as_(client, "rep"), customer(client)
    note = "mutation ($id: ID!) { noteCustomer(id: $id) { notes { nodes { text } } } }"
    assert ben(note, id=id_).json()["data"]["noteCustomer"]["notes"]["nodes"] == [{"text": "of ben"}]
    refused = ben(note, id=id_).json()["errors"][0]  # it sees the note that it has just written
    assert refused["message"] == "One note is enough."


@pytest.mark.parametrize(
    ("field", "cause"),
    [
        (QueryField("overview", overview, int), "a name that is none"),
        (QueryField("other.names", overview, int), "begins with 'test'"),
        (QueryField("test.names", None, int), "no function"),  # type: ignore[arg-type]
        (QueryField("test.names", names_of, dict), "answers that cannot be used: the answer is of a type"),
        (QueryField("test.names", names_of, int, dict), "as input no dataclass"),
        (QueryField("test.names", names_of, int, cost=0), "a cost that is none"),
        (QueryField("test.names", names_of, int, seconds=61), "seconds that are none"),
        (QueryField("test.note", names_of, int), "the name of an action"),
        (QueryField("test.names", names_of, int, records=0), "a number of records that is none"),
        (QueryField("test.names", names_of, Annotated[int, RecordOf("customer")]), "no text with its id"),
        (QueryField("test.names", names_of, int, Stop), "input that cannot be used: Stop.customer is a record"),
        (QueryField("test.na_me", names_of, int), r"testNaMe of queries, which is that of test\.na__me"),
    ],
)
def test_a_wrong_query_field_is_found_at_the_start(client: Client, field: QueryField, cause: str) -> None:
    other = QueryField("test.na__me", names_of, int)
    plugins = Plugins([InstalledPlugin("test", plugin(other, field), "test-dist", "1.2")])
    with pytest.raises(PluginLoadError, match=f"The plugin test of test-dist 1.2 cannot be loaded: .*{cause}"):
        QueryFields(plugins, client.world.model, {"test.note": None})


def test_root_fields_of_the_platform_are_taken(client: Client) -> None:
    model = client.world.model
    objects = {(name, right): Permission(EVERYTHING) for name, rights in OBJECTS.items() for right in rights}
    rights = client.world.authority.access(frozenset({"admin"}))
    own = {(name, right): rights.get(name, right) for name in model.entities for _, right in objects}
    allowed = {key: found for key, found in own.items() if found is not None}
    whole = build(model, Access(ALL, {**allowed, **objects}, personal=True), Actions(Plugins(), model))
    assert whole.graphql.query_type is not None
    names = {name for name in whole.graphql.query_type.fields if not any(each in name for each in ("ustomer", "ote"))}
    assert names - {"user", "users", "usersAggregate", "usersTrash", "userMergedInto"} <= CORE_FIELDS
    for name, called in (("customer.merged_into", "customerMergedInto"), ("read.log", "readLog")):
        owner = InstalledPlugin(name.partition(".")[0], plugin(QueryField(name, names_of, int)))
        with pytest.raises(PluginLoadError, match=f"the field {called} of queries, which is the platform's"):
            QueryFields(Plugins([owner]), model, {})
