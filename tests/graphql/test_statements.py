"""A root field is one SQL statement, however deep its document nests."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest

from tests.graphql.kit import World, uid
from xrm_core.storage.pq_connection import PqConnection
from xrm_core.storage.sqlite_reader import SqliteReader

DEEP = f"""{{
  firm(id: "{uid(101)}") {{ name
    owner {{ firms {{ totalCount nodes {{ deals {{ nodes {{ seller {{ name }} }} }} }} }} }}
    children(where: {{deals: {{some: {{seller: {{name: {{ne: "x"}}}}}}}}}}, orderBy: [{{owner: {{name: ASC}}}}]) {{
      edges {{ cursor node {{ name parent {{ name }} visits {{ nodes {{ regarding {{ __typename }} }} }} }} }}
      pageInfo {{ hasNextPage endCursor }} }} }}
}}"""


@contextmanager
def statements(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The statements that the database runs meanwhile."""
    seen: list[str] = []
    if isinstance(world.reader, SqliteReader):
        connect = SqliteReader._open

        def traced(reader: SqliteReader) -> sqlite3.Connection:
            connection = connect(reader)
            connection.set_trace_callback(seen.append)
            return connection

        for connection in world.reader._opened:
            connection.set_trace_callback(seen.append)
        with monkeypatch.context() as patch:
            patch.setattr(SqliteReader, "_open", traced)
            # by a thread at once: one that took too long in the event loop would be run by it a second time
            patch.setattr(SqliteReader, "at_once", lambda *_: None)
            yield seen
        for connection in world.reader._opened:
            connection.set_trace_callback(None)
    else:
        url = world.database.url.set(drivername="postgresql").render_as_string(hide_password=False)
        run = PqConnection._run

        async def counted(connection: PqConnection, send: object) -> object:
            seen.append("sent")
            return await run(connection, send)

        with psycopg.connect(url), monkeypatch.context() as patch:
            patch.setattr(PqConnection, "_run", counted)
            yield seen


def test_a_deep_document_is_one_statement(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    first = world.ask("admin", DEEP)  # connects, prepares
    with statements(world, monkeypatch) as seen:
        assert world.ask("admin", DEEP) == first
    assert len(seen) == 1, seen


def test_several_root_fields_are_one_statement_each_in_one_snapshot(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    query = f'{{ a: firms {{ totalCount }} b: firmsAggregate {{ count }} c: firm(id: "{uid(101)}") {{ name }} }}'
    first = world.ask("admin", query)
    with statements(world, monkeypatch) as seen:
        assert world.ask("admin", query) == first
    assert len(seen) == 5, seen  # begin, three statements, end


def test_a_query_that_is_refused_runs_no_statement(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    refused = [
        "{ firms(first: -1) { totalCount } }",
        "{ firms { nodes { nothing } } }",
        '{ firms(after: "x") { nodes { id } } }',
        "{ firms(where: {revenue: {gt: 1}}) { totalCount } }",
        "{ firms(orderBy: [{revenue: ASC}]) { totalCount } }",
        "{ secrets { totalCount } }",
        "{",
    ]
    with statements(world, monkeypatch) as seen:
        for query in refused:
            assert world.errors("rep", query)
    assert seen == []
