"""Asking a world in both ways: by the statements' bytes put together, and by graphql-core's executor."""

import re

from graphql import GraphQLField, GraphQLSchema

from tests.graphql.kit import World
from tests.query.client_documents import BESIDE
from xrm_core.graphql.answers import Answer
from xrm_core.graphql.engine import Engine, Request
from xrm_core.graphql.meanings import Root

INTROSPECTION = f'{BESIDE}: __type(name: "PageInfo") {{ name kind }}'
INTROSPECTED = b'"' + BESIDE.encode() + b'":{"name":"PageInfo","kind":"OBJECT"}'
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|[ \n]+|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?')
CURSOR = re.compile(rb'"(5b[0-9a-f]{20,})"')


def compact(body: bytes) -> bytes:
    """JSON in which databases have no freedom any more: blanks between tokens, and how a float is written (2, 2.0)."""
    return _TOKEN.sub(_compact, body)


def _compact(token: re.Match[bytes]) -> bytes:
    text = token[0]
    if text.startswith(b'"') or text.removeprefix(b"-").isdigit():
        return text
    if text.isspace():
        return b""
    return repr(float(text)).removesuffix(".0").encode()


def alike(body: bytes) -> bytes:
    """A compact answer without what differs between databases: blanks in cursors, the last digits of floats."""
    return CURSOR.sub(b'"cursor"', _TOKEN.sub(lambda token: _rounded(token[0]), body))


def _rounded(token: bytes) -> bytes:
    return token if token.startswith(b'"') else b"%.12g" % float(token)


class Ways:
    """A world, asked in both ways."""

    def __init__(self, world: World) -> None:
        self.world = world
        engine = world.engine
        self.executor = Engine(
            world.records, world.database, world.reader, roles=engine.roles, threads=engine.threads, executes_reads=True
        )

    def ask(self, request: Request) -> Answer:
        """The answer to the role ``role`` as it gets it."""
        return self.world.run(self.world.engine.execute(request, self.world.user("role")))

    def executed(self, request: Request) -> Answer:
        """The answer of the executor."""
        return self.world.run(self.executor.execute(request, self.world.user("role")))

    def roots(self) -> tuple[GraphQLSchema, dict[str, GraphQLField]]:
        """The schema of the role, and its root fields that read records."""
        engine = self.world.engine
        role = self.world.run(engine.roles.get(self.world.user("role").access, engine.threads.planning))
        query = role.schema.graphql.query_type
        fields = query.fields if query is not None else {}
        found = {key: of for key, of in fields.items() if isinstance(role.schema.meanings.get("Query", key), Root)}
        return role.schema.graphql, found
