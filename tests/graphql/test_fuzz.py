"""Whatever is sent: the answer is well-formed GraphQL with a code, never a failure of the server, and comes soon."""

import json
import random
import time
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.graphql.kit import World, uid
from tests.query.examples import NIGHT
from xrm_core.graphql.answers import Answer
from xrm_core.graphql.engine import Request
from xrm_core.permissions.caller import User
from xrm_core.server.graphql_http import GraphQLEndpoint

FUZZ = settings(
    max_examples=6_000 if NIGHT else 30,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
NO_DATABASE = pytest.mark.parametrize("world", ["sqlite"], indirect=True)
"""For what is refused before there is anything to ask a database."""


class Open:
    """A site that takes whoever asks for an admin, so that everything gets as far as it can."""

    name = ""

    def __init__(self, world: World) -> None:
        self._engine, self._user = world.engine, world.user("admin")

    async def user(self, _header: str | None, _address: str | None) -> User:
        return self._user

    async def answer(self, _header: str | None, request: Request) -> Answer:
        return await self._engine.execute(request, self._user)


class Http:
    """Raw requests to the endpoint."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._site = Open(world)
        self._endpoint = GraphQLEndpoint(1024 * 1024)

    def post(self, body: bytes, query_string: bytes = b"", method: str = "POST") -> tuple[int, Any]:
        """Status and JSON of the answer, after a look whether it is one."""
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        scope = {"type": "http", "method": method, "query_string": query_string, "path": "/graphql"}
        scope["headers"] = [(b"content-type", b"application/json")]
        scope["xrm.site"] = self._site
        self._world.run(self._endpoint(scope, receive, send))  # type: ignore[arg-type]
        start, end = sent
        answer = json.loads(end["body"].decode(), parse_constant=_refuse)
        well_formed(answer, start["status"])
        return start["status"], answer

    def ask(self, query: Any, variables: Any = None) -> str:
        """Code of the first error, or «fine»."""
        _, answer = self.post(json.dumps({"query": query, "variables": variables}).encode())
        return str(answer["errors"][0]["extensions"]["code"]) if "errors" in answer else "fine"


def _refuse(word: str) -> None:
    raise AssertionError(f"{word} is not JSON")


def well_formed(answer: Any, status: int) -> None:
    assert isinstance(answer, dict)
    assert set(answer) <= {"data", "errors"}
    assert "errors" in answer or "data" in answer
    assert status < 500, answer
    for error in answer.get("errors", []):
        assert isinstance(error["message"], str)
        assert error["extensions"]["code"].isupper()
        assert error["extensions"]["code"] != "INTERNAL_ERROR", answer
        for word in ("Traceback", "SELECT", "sqlite3", "psycopg", "xrm_core", ".py"):
            assert word not in json.dumps(error)


@pytest.fixture
def http(world: World) -> Http:
    return Http(world)


BODIES = [
    b"", b"x", b'"x"', b"7", b"null", b"[]", b"{}", b'[{"query":"{__typename}"}]', b'{"query":7}', b'{"query":null}',
    b'{"query":"{ __typename }","variables":[]}', b'{"query":"{ __typename }","operationName":7}',
    b'{"query":"{ __typename }","extensions":"x"}', b"\xff\xfe{}", b"\xef\xbb\xbf{}", b"[" * 100_000, b'{"a":' * 5000,
    b'{"query":"{ __typename }","variables":{"n":' + b"9" * 5000 + b"}}",
    b'{"query":"\\ud800"}', b'{"query":"\\u0000"}',
    b'{"query":"{ __typename }","variables":{"n":NaN}}', b'{"query":"{ __typename }","variables":{"n":1e999}}',
    b'{"query":"{ __typename }","variables":{"\\u0000":1}}', b'{"query":"{ __typename }","query":"{"}',
    b'{"query":"query($v: String) { firms(where: {name: {eq: $v}}) { totalCount } }","variables":{"v":"a\\u0000b"}}',
    b'{"query":"query($v: String) { firms(where: {name: {eq: $v}}) { totalCount } }","variables":{"v":"\\udfff"}}',
    '{"query":"{ __typename }"}'.encode("utf-16"),
]  # fmt: skip


@NO_DATABASE
@pytest.mark.parametrize("body", BODIES, ids=lambda body: repr(body[:40]))
def test_bodies_that_are_no_requests(http: Http, body: bytes) -> None:
    http.post(body)


@NO_DATABASE
@pytest.mark.parametrize(
    "query_string",
    [b"", b"query", b"query=%ff", b"query=%00", b"query={__typename}&variables=[[[[",
     b"query=%7B__typename%7D&variables=7",
     b"query=%ED%A0%80", b"query={__typename}&variables=%7B%22a%22:NaN%7D", b"query=" + b"{a" * 3000],
)  # fmt: skip
def test_query_strings_that_are_no_requests(http: Http, query_string: bytes) -> None:
    http.post(b"", query_string, "GET")


@NO_DATABASE
@FUZZ
@given(body=st.binary(max_size=200))
def test_random_bytes(http: Http, body: bytes) -> None:
    http.post(body)


_KEYS = st.sampled_from(["name", "and", "or", "eq", "in", "some", "owner", "x"])
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


@NO_DATABASE
@FUZZ
@given(query=_JSON, variables=_JSON, name=_JSON)
def test_random_json(http: Http, query: Any, variables: Any, name: Any) -> None:
    http.post(json.dumps({"query": query, "variables": variables, "operationName": name}).encode())


@FUZZ
@given(where=_JSON, by=_JSON, first=_JSON, after=_JSON, id_=_JSON)
def test_random_variables(http: Http, where: Any, by: Any, first: Any, after: Any, id_: Any) -> None:
    query = (
        "query($w: FirmFilter, $o: [FirmOrderBy!], $n: Int, $c: String, $i: ID = 7) { firms(where: $w, orderBy: $o, "
        "first: $n, after: $c) { totalCount } firmsAggregate(where: {id: {eq: $i}}) { count } }"
    )
    variables = {"w": where, "o": by, "n": first, "c": after, "i": id_}
    http.ask(query, variables)
    for key, value in variables.items():
        http.ask(query, {key: value})


_WORDS = [
    "{",
    "}",
    "{",
    "}",
    "(",
    ")",
    "[",
    "]",
    ":",
    "!",
    "$",
    "=",
    "@",
    "...",
    "on",
    "fragment",
    "query",
    "mutation",
    "subscription",
    "F",
    "F",
    "Query",
    "Firm",
    "firms",
    "firm",
    "nodes",
    "edges",
    "node",
    "cursor",
    "name",
    "where",
    "orderBy",
    "first",
    "after",
    "last",
    "before",
    "id",
    "revenue",
    "eq",
    "in",
    "null",
    "true",
    "1",
    "-1",
    "1.5",
    "1e999",
    "9999999999999999999",
    '"x"',
    '"\\u0000"',
    '"""b"""',
    "$w",
    "String",
    "FirmFilter",
    "@skip",
    "@include",
    "if",
    "__typename",
    "__schema",
    "__type",
    "ASC",
    "kind",
    "lead",
    "#",
    ",",
    "&",
    "|",
    "é",
    "\ufeff",
]


@NO_DATABASE
@FUZZ
@given(words=st.lists(st.sampled_from(_WORDS), max_size=25))
def test_random_words(http: Http, words: list[str]) -> None:
    http.ask(" ".join(words))
    http.ask("{ firms { nodes { " + " ".join(words) + " } } }")
    http.ask("{ firms(" + " ".join(words) + ") { totalCount } }")


def test_documents_with_something_broken(http: Http) -> None:
    good = (
        "query Q($w: FirmFilter, $n: Int = 2) { firms(where: $w, first: $n, orderBy: [{name: ASC}]) { totalCount nodes "
        "{ ...F deals(where: {stage: {eq: won}}) { edges { cursor node { title } } } } } } "
        "fragment F on Firm { name owner { id } }"
    )
    assert http.ask(good) == "fine"
    chance = random.Random(7)
    for _ in range(150):
        start = chance.randrange(len(good))
        end = start + chance.randrange(12)
        put = chance.choice(["", "", " ", "{", "}", "$", "x", '"', "null", "...F", good[start:end] * 2])
        http.ask(good[:start] + put + good[end:])


# -- attacks that want time -------------------------------------------------------------------------------------------

CYCLES = [
    "{ firms { nodes { ...A } } } fragment A on Firm { ...B } fragment B on Firm { ...A }",
    "{ firms { nodes { ...A } } } fragment A on Firm { ...A }",
    "{ __typename } fragment A on Firm { parent { ...A } }",
    "{ firms { nodes { ...A } } } fragment A on Firm { parent { ...B } children { nodes { ...A } } } "
    "fragment B on Firm { parent { ...A } }",
]


def doubling(levels: int) -> str:
    """Fragments that unfold to 2^levels fields."""
    parts = ["fragment F0 on Firm { name }"]
    for number in range(1, levels + 1):
        inner = f"{{ ...F{number - 1} }}"
        parts.append(f"fragment F{number} on Firm {{ parent {inner} other: parent {inner} }}")
    return f"{{ firms {{ nodes {{ ...F{levels} }} }} }} " + " ".join(parts)


LARGE = {
    "tokens": "{ " + "firms { totalCount } " * 8000 + "}",
    "aliases": "{ " + " ".join(f"a{n}: firms {{ totalCount }}" for n in range(10_000)) + " }",
    "aliases within tokens": "{ " + " ".join(f"a{n}: __typename" for n in range(3000)) + " }",
    "a long alias": "{ " + "a" * 64 + ": __typename }",
    "depth": "{ firms { nodes { " + "parent { " * 20 + "id" + " }" * 20 + " } } }",
    "depth by fragments": "{ firms { nodes { ...F0 } } } "
    + " ".join(f"fragment F{n} on Firm {{ parent {{ ...F{n + 1} }} }}" for n in range(20))
    + " fragment F20 on Firm { id }",
    "one field often": "{ " + "firms { nodes { owner { firms { nodes { name } } } } } " * 1000 + "}",
    "one field often in a nested place": "{ firms { nodes { " + "owner { name } " * 1000 + "} } }",
    "many fragments": "{ firms { nodes { "
    + " ".join(f"...F{n}" for n in range(400))
    + " } } } "
    + " ".join(f"fragment F{n} on Firm {{ owner {{ name }} }}" for n in range(400)),
    "doubling fragments": doubling(12),
    "deep braces": "{" * 5000,
    "deep lists": "{ firms(where: " + "[" * 5000 + ") { totalCount } }",
    "deep objects": "{ firms(where: " + "{not: " * 3000 + "{}" + "}" * 3000 + ") { totalCount } }",
    "deep filters": "{ firms(where: " + "{not: " * 60 + "{}" + "}" * 60 + ") { totalCount } }",
    "deep types": "query($w: " + "[" * 3000 + "Int" + "]" * 3000 + ") { __typename }",
    "many variables": "query(" + " ".join(f"$v{n}: Int" for n in range(4000)) + ") { __typename }",
    "many directives": "{ firms " + "@skip(if: false) " * 3000 + "{ totalCount } }",
    "many operations": " ".join(f"query Q{n} {{ __typename }}" for n in range(3000)),
    "many root fields": "{ " + " ".join(f"a{n}: firms {{ nodes {{ {'id ' * 15} }} }}" for n in range(99)) + " }",
    "many orders": "{ firms(orderBy: [" + "{name: ASC} " * 3000 + "]) { totalCount } }",
    "many unknown fields": "{ " + " ".join(f"unknown{n}" for n in range(5000)) + " }",
    "introspection in circles": "{ __schema { types { " + "fields { type { " * 4 + "name" + " } }" * 4 + " } } }",
}


@NO_DATABASE
@pytest.mark.parametrize("query", CYCLES)
def test_fragments_in_circles(http: Http, query: str) -> None:
    assert http.ask(query) == "BAD_QUERY"


@pytest.mark.parametrize("name", LARGE)
def test_documents_that_want_time_are_refused_or_answered_soon(http: Http, name: str) -> None:
    started = time.monotonic()
    code = http.ask(LARGE[name])
    assert code in ("QUERY_TOO_LARGE", "BAD_QUERY", "fine")
    assert time.monotonic() - started < 30  # a hundred times what it takes; some of these took minutes


@NO_DATABASE
@pytest.mark.parametrize(
    "name", ["tokens", "aliases", "a long alias", "depth", "depth by fragments", "one field often", "many fragments",
             "doubling fragments", "deep filters", "many orders"],
)  # fmt: skip
def test_what_is_too_large_says_so(http: Http, name: str) -> None:
    assert http.ask(LARGE[name]) == "QUERY_TOO_LARGE"


def test_variables_that_want_time(http: Http) -> None:
    query = "query($ids: [ID!]) { firms(where: {id: {in: $ids}}) { totalCount } }"
    assert http.ask(query, {"ids": [uid(number) for number in range(20_000)]}) == "fine"
    query = "query($w: FirmFilter) { firms(where: $w) { totalCount } }"
    for depth in (30, 300, 900):
        where: Any = {}
        for _ in range(depth):
            where = {"not": where}
        assert http.ask(query, {"w": where}) in ("QUERY_TOO_LARGE", "BAD_QUERY", "BAD_REQUEST")
    assert http.ask(query, {"w": {"or": [{"name": {"eq": "a"}}] * 20_000}}) == "QUERY_TOO_LARGE"
    assert http.ask(query, {"w": {"or": [{"or": [{}] * 100}] * 100}}) in ("fine", "QUERY_TOO_LARGE")
    assert http.ask(query, {"w": {f"unknown{number}": {} for number in range(5000)}}) == "BAD_QUERY"


@pytest.mark.parametrize("levels", [1, 3, 5])
def test_lists_in_lists_work_on_both_databases(http: Http, levels: int) -> None:
    query = "{ firms(first: 4) { nodes { id " + "children(first: 4) { nodes { id " * levels + "}} " * levels + "} } }"
    assert http.ask(query) == "fine"
    query = (
        "{ deals(first: 9) { nodes { id "
        + "firm { id deals(first: 9) { nodes { id " * (levels // 2)
        + "}}} " * (levels // 2)
        + "} } }"
    )
    assert http.ask(query) == "fine"
