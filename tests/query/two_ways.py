"""Asking a world in both ways: by the statements' bytes put together, and by graphql-core's executor."""

import json
import re
from collections.abc import Mapping
from dataclasses import replace

from graphql import GraphQLField, GraphQLSchema

from tests.graphql.kit import World, uid
from tests.query.client_documents import BESIDE, ClientDocument
from tests.query.counting import check_cost, counted
from xrm_core.errors import XrmError
from xrm_core.graphql.answers import Answer
from xrm_core.graphql.engine import Engine, Request
from xrm_core.graphql.meanings import Root
from xrm_core.permissions.caller import User

INTROSPECTION = f'{BESIDE}: __type(name: "PageInfo") {{ name kind }}'
INTROSPECTED = b'"' + BESIDE.encode() + b'":{"name":"PageInfo","kind":"OBJECT"}'
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|[ \n]+|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?')
CURSOR = re.compile(rb'"(5b[0-9a-f]{20,})"')


def compact(body: bytes) -> bytes:
    """JSON in which databases have no freedom any more: blanks between tokens, and how a float is written (2, 2.0).

    A whole number beyond 64 bits is a float of which all digits are written (1e30).
    """
    return _TOKEN.sub(_compact, body)


def _compact(token: re.Match[bytes]) -> bytes:
    text = token[0]
    if text.startswith(b'"') or (text.removeprefix(b"-").isdigit() and -(2**63) <= int(text) < 2**63):
        return text
    if text.isspace():
        return b""
    return repr(float(text)).removesuffix(".0").encode()


def alike(body: bytes) -> bytes:
    """A compact answer without what differs between databases: blanks in cursors, the last digits of floats."""
    return CURSOR.sub(_opened, _TOKEN.sub(_rounded, body))


def _rounded(token: re.Match[bytes]) -> bytes:
    return token[0] if token[0].startswith(b'"') else b"%.12g" % float(token[0])


def _opened(cursor: re.Match[bytes]) -> bytes:
    """A cursor as the values that it holds."""
    return compact(bytes.fromhex(cursor[1].decode()))


def too_deep(body: bytes) -> bool:
    """Whether an old SQLite refuses what nests deeper than it can read, and says so."""
    return b"deeper than this SQLite" in body


class Ways:
    """A world, asked in both ways by somebody with the role ``role``.

    Args:
        world: whom to ask.
        caller: id of the user who asks.
        team: and that of the user's team.
    """

    def __init__(self, world: World, caller: str = uid(1), team: str | None = None) -> None:
        self.world = world
        self._caller, self._team = caller, team
        engine = world.engine
        self.executor = Engine(
            world.records, world.database, world.reader, roles=engine.roles, threads=engine.threads, executes_reads=True
        )

    def ask(self, request: Request) -> Answer:
        """The answer as the role gets it."""
        return self.world.run(self.world.engine.execute(request, self._user()))

    def executed(self, request: Request) -> Answer:
        """The answer of the executor."""
        return self.world.run(self.executor.execute(request, self._user()))

    def at_hand(self, request: Request) -> bytes | None:
        """The body that a connection gets without waiting, if it gets one, and nothing is wrong."""
        given = (request.query, request.operation_name, request.variables, self._user())
        try:
            return self.world.engine.at_hand(*given)
        except XrmError:
            return None

    def roots(self) -> tuple[GraphQLSchema, dict[str, GraphQLField]]:
        """The schema of the role, and its root fields that read records."""
        engine = self.world.engine
        role = self.world.run(engine.roles.get(self._user().access, engine.threads.planning))
        query = role.schema.graphql.query_type
        fields = query.fields if query is not None else {}
        found = {key: of for key, of in fields.items() if isinstance(role.schema.meanings.get("Query", key), Root)}
        return role.schema.graphql, found

    def _user(self) -> User:
        return User(self._caller, self.world.authority.access(frozenset({"role"})), self._team)


def answers(ways: Mapping[str, Ways], document: ClientDocument) -> list[bytes]:
    """The answers of each database to a document; fails if they are not one."""
    request = Request(document.text(), document.variables, document.operation_name, tells_cost=True)
    asked = f"{request.query}\n{json.dumps(request.variables)} {request.operation_name}"
    bodies = {name: _answer(each, document, request, asked) for name, each in ways.items()}
    plain = document.inlined()
    if plain is not None and b'"data"' in bodies["sqlite"]:
        again = ways["sqlite"].ask(replace(request, query=plain, variables={}, operation_name=None))
        assert compact(again.body) == bodies["sqlite"], f"{asked}\n{plain}"
    if not too_deep(bodies["sqlite"]):
        assert len({alike(body) for body in bodies.values()}) == 1, asked
    return [*bodies.values()]


def _answer(ways: Ways, document: ClientDocument, request: Request, asked: str) -> bytes:
    """The answer to a document, after a look whether both paths give it, and the same beside introspection, and whether
    its cost is no smaller than what is in it.
    """
    with counted() as records:
        executed = ways.executed(request)
    fast = ways.ask(request)
    body = compact(fast.body)
    near = ways.at_hand(request)
    if near is not None:
        assert fast.executed, asked
        assert compact(near) == body.partition(b',"extensions":')[0] + b"}", asked
    if fast.executed:
        check_cost(fast.body, len(records), asked)
    assert (compact(executed.body), executed.executed, executed.status) == (body, fast.executed, fast.status), asked
    assert b"INTERNAL_ERROR" not in body, asked
    for place in ("before", "behind"):
        mixed = ways.ask(replace(request, query=document.text(**{place: INTROSPECTION})))
        if fast.executed:
            data, extensions = body.removesuffix(b"}").split(b',"extensions":')
            inner = data.removeprefix(b'{"data":{').removesuffix(b"}")
            both = (INTROSPECTED, inner) if place == "before" else (inner, INTROSPECTED)
            parts = b",".join(each for each in both if each)
            assert compact(mixed.body) == b'{"data":{' + parts + b'},"extensions":' + extensions + b"}", asked
        elif b"locations" not in body:
            assert (compact(mixed.body), mixed.executed, mixed.status) == (body, fast.executed, fast.status), asked
    return body
