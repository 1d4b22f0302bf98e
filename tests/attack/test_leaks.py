"""Nothing that is hidden leaves: not in answers, headers or logs, whatever is asked; nor does it make any difference.

A crawler issues what introspection offers to each role, on two worlds that differ only in what is hidden from it. The
canary of a world must be in no byte, and both worlds must say the same. By day it is a sample, under ``slow`` all.
"""

import io
import json
import logging
import random
import re
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from graphql import GraphQLSchema, build_client_schema, get_introspection_query

from tests.attack.crawler import documents, sample
from tests.attack.secret_world import WORLDS, Served, serving
from tests.graphql.kit import uid
from tests.plain_logs import plain
from tests.postgres import PostgresServer
from tests.query.two_ways import CURSOR
from xrm_core.cli.logs import configure_logs

ROLES = ["rep", "guest", "nobody"]
_VARYING = {"date", "x-request-id", "content-length"}
_MADE = re.compile(
    rb"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}|20\d\d-\d\d-\d\dT[\d:.]+(Z|\+00:00)"
    rb'|(?<="cursor":")[\w-]{350,}=*'  # of the feed of changes: encrypted
)
WRONG = [
    "{ accounts { nodes { secretText } } }",
    "{ accounts(where: {secretText: {contains: \"zqa\"}}) { totalCount } }",
    "{ accounts(where: {salary: {gt: 800000000}}) { totalCount } }",
    "{ accounts(where: {phone: {gt: 1}}) { totalCount } }",
    "{ accounts(orderBy: [{salary: ASC}]) { nodes { id } } }",
    "{ accountsAggregate { sum { salary } } }",
    "{ accountsAggregate(groupBy: [{secretText: VALUE}]) { count } }",
    "{ vaults { nodes { word } } }",
    "{ accounts { nodes { vault { word } doubled ticket paper { name url } } } }",
    "{ accounts { nodes { secretTex salari vaul } } }",
    "{ accounts(where: {code: {startsWith: 7}}) { totalCount } }",
    "{ accounts(after: \"5b5d\") { totalCount } }",
    "{ accounts(first: -1) { totalCount } }",
    "query($v: AccountFilter) { accounts(where: $v) { totalCount } }",
    "{ __type(name: \"Vault\") { name fields { name } } }",
    "{ __schema { types { name description fields { name description } inputFields { name } enumValues { name } } } }",
    "{ node(id: \"" + uid(900) + "\") { id __typename } }",
    "mutation { createVault(input: {word: \"x\"}) { id } }",
    "mutation { updateAccount(id: \"" + uid(13) + "\", input: {name: \"x\"}) { id } }",
    "mutation { updateAccount(id: \"" + uid(15) + "\", input: {name: \"x\"}) { id } }",
    "mutation { updateAccount(id: \"" + uid(11) + "\", input: {parentId: \"" + uid(13) + "\"}) { id } }",
    "mutation { updateAccount(id: \"" + uid(11) + "\", input: {ownerId: \"" + uid(2) + "\"}) { id } }",
    "mutation { updateAccount(id: \"" + uid(11) + "\", input: {friends: {remove: [\"" + uid(22) + "\"]}}) { id } }",
    "mutation { updateAccount(id: \"" + uid(11) + "\", input: {salary: 1}) { id } }",
    "mutation { deleteAccount(id: \"" + uid(14) + "\") { id } }",
    "{ accounts { nodes { name ",
]  # fmt: skip
PATHS = [
    "/",
    "/health",
    "/files/" + uid(990),
    "/files/" + uid(991),
    "/files/x",
    "/graphql",
    "/graphql?query={vaults{totalCount}}",
]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def worlds(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Served]]:
    """Both worlds, each on a database of its own, with all that is logged meanwhile."""
    with ExitStack() as stack:
        found = []
        for secret in WORLDS:
            folder = tmp_path_factory.mktemp(secret.word)
            url = f"sqlite:///{folder}/world.db"
            if request.param == "postgresql":
                server: PostgresServer = request.getfixturevalue("postgres_server")
                url = stack.enter_context(server.database())
            found.append(stack.enter_context(serving(secret, url, folder)))
        yield found


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """All that the servers log, as they log it."""
    text = io.StringIO()
    handlers = list(logging.getLogger().handlers)
    monkeypatch.setattr(sys, "stderr", text)
    configure_logs()
    yield text
    plain()
    logging.getLogger().handlers[:] = handlers


@pytest.mark.parametrize("role", ROLES)
def test_a_sample_of_what_can_be_asked(worlds: list[Served], log: io.StringIO, role: str) -> None:
    schema = introspected(worlds[0], role)
    crawl(worlds, role, [*WRONG, *sample(schema, 9, random.Random(role))], log)


@pytest.mark.slow
@pytest.mark.parametrize("role", ROLES)
def test_all_that_can_be_asked(worlds: list[Served], log: io.StringIO, role: str) -> None:
    schema = introspected(worlds[0], role)
    found = dict.fromkeys([*WRONG, *documents(schema, 2, 2), *sample(schema, 600, random.Random(role))])
    told = [each for each in found if not tells_whether_an_id_was_used(each)]
    assert len(told) > len(found) - 10
    crawl(worlds, role, sorted(told, key=lambda each: each.startswith("mutation")), log)


def tells_whether_an_id_was_used(document: str) -> bool:
    """Whether somebody gives a new record an id of their own that a record of one of the two worlds has.

    They learn that it was used, by whichever entity and whether or not it still is (docs/upsert.md), and no more.
    """
    return "by: id" in document and any(f'{{id: "{uid(each)}"' in document for each in (14, 15))


def test_the_canaries_are_there_for_who_may_see_them(worlds: list[Served]) -> None:
    """Else their absence would show nothing: an admin gets those of each kind."""
    for world in worlds:
        schema = introspected(world, "admin")
        chance = random.Random(1)
        bodies = b"".join(ask(world, "admin", each)[1] for each in sample(schema, 0, chance))
        assert sum(mark in bodies for mark in world.secrets.marks()) >= 8
        other = WORLDS[world.secrets is WORLDS[0]]
        assert not any(mark in bodies for mark in other.marks())
        assert world.secrets.word.encode() in get(world, "admin", "/files/" + uid(990))[1]


def test_what_is_asked_of_files_and_pages(worlds: list[Served], log: io.StringIO) -> None:
    for role in ROLES:
        for path in PATHS:
            same(worlds, f"{role} {path}", [get(each, role, path) for each in worlds])
    check_log(worlds, log)


def crawl(worlds: list[Served], role: str, found: list[str], log: io.StringIO) -> None:
    assert len(found) >= len(WRONG)
    good = 0
    for document in found:
        answers = [ask(each, role, document) for each in worlds]
        same(worlds, f"{role}: {document}", answers)
        good += b'"data":{' in answers[0][1]
    assert role == "nobody" or good > 3  # what is refused shows little
    check_log(worlds, log)


def same(worlds: list[Served], asked: str, answers: list[tuple[int, bytes, dict[str, str]]]) -> None:
    """No canary in any answer, and the same answer of both worlds but for what is made anew each time."""
    for world, (_, body, headers) in zip(worlds, answers, strict=True):
        sent = body + opened(body) + json.dumps(headers).encode()
        assert b"INTERNAL_ERROR" not in body, asked
        for mark in world.secrets.marks():
            assert mark not in sent, f"{asked}\n{sent!r}"
    one, other = ((status, _MADE.sub(b"MADE", opened(body)), headers) for status, body, headers in answers)
    assert one == other, asked


def opened(body: bytes) -> bytes:
    """An answer with its cursors as the values that they hold."""
    return CURSOR.sub(lambda found: bytes.fromhex(found[1].decode()), body)


def ask(world: Served, role: str, document: str) -> tuple[int, bytes, dict[str, str]]:
    body: dict[str, Any] = {"query": document}
    if "$v" in document:
        body["variables"] = {"v": {"secretText": {"contains": "zqa"}}}
    answer = world.http.post("/graphql", json=body, headers=bearer(world, role))
    return answer.status_code, answer.content, kept(answer.headers)


def get(world: Served, role: str, path: str) -> tuple[int, bytes, dict[str, str]]:
    answer = world.http.get(path, headers=bearer(world, role))
    return answer.status_code, answer.content, kept(answer.headers)


def bearer(world: Served, role: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {world.tokens[role]}"}


def kept(headers: Any) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name.lower() not in _VARYING}


def check_log(worlds: list[Served], log: io.StringIO) -> None:
    text = log.getvalue().encode()
    for world in worlds:
        assert not any(mark in text for mark in world.secrets.marks()), text


def introspected(world: Served, role: str) -> GraphQLSchema:
    """The schema as the role may know it."""
    answer = world.http.post("/graphql", json={"query": get_introspection_query()}, headers=bearer(world, role))
    return build_client_schema(answer.json()["data"])
