"""Reads on PostgreSQL straight through libpq (``psycopg.pq``), since this is the path of every list and record.

Measured against psycopg's AsyncConnection: a third less CPU per request, and the answer arrives as the bytes that
are sent on (``docs/adr/0003-postgresql-reads-through-libpq.md``). Parameters travel as text; the SQL casts them.
"""

import asyncio
import contextlib
import datetime as dt
from collections import OrderedDict, deque
from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg.pq import DiagnosticField, ExecStatus
from psycopg.pq.abc import PGresult
from sqlalchemy import Dialect

from xrm_core.errors import DatabaseUnavailable, InternalError
from xrm_core.storage.engines import Database, timed_out
from xrm_core.storage.readers import Call, read_dialect

MAX_CONNECTIONS = 16
MAX_PREPARED = 256
WAIT_SECONDS = 10.0
_CANCELLED, _STALE_PLAN, _NO_SUCH_STATEMENT = b"57014", b"0A000", b"26000"
_SNAPSHOT = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"


class PostgresReader:
    """A list of connections, the last used first; each keeps its prepared statements.

    Args:
        database: a PostgreSQL database.
        timeout: seconds that a statement may take.
    """

    def __init__(self, database: Database, timeout: float) -> None:
        self.dialect: Dialect = read_dialect(database)
        self._database = database
        self._timeout = timeout
        self._idle: list[_Connection] = []
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._open = 0
        self._closed = False

    async def fetch(self, calls: Sequence[Call]) -> list[bytes | None]:
        """See :class:`~xrm_core.storage.readers.Reader`."""
        try:
            return await self._on_some(calls)
        except _Lost:
            # The server was restarted, or a connection was cut while idle: reading again does no harm.
            try:
                return await self._on_some(calls)
            except _Lost as error:
                raise self._unavailable() from error

    async def _on_some(self, calls: Sequence[Call]) -> list[bytes | None]:
        connection = await self._acquire()
        healthy = False
        try:
            if len(calls) == 1:
                answers = [await connection.answer(*calls[0])]
            else:
                await connection.command(_SNAPSHOT)
                answers = [await connection.answer(*call) for call in calls]
                await connection.command("COMMIT")
            healthy = True
        except _Refused as error:
            healthy = await connection.recover()
            if error.state == _CANCELLED:
                raise timed_out(self._timeout) from None
            raise InternalError(
                "The database refused a statement.",
                hint="The log has the cause.",
                details={"sqlstate": error.state.decode()},
            ) from error
        else:
            return answers
        finally:
            # A connection whose request was cancelled midway is in an unknown state and is not used again.
            self._release(connection, healthy=healthy)

    async def _acquire(self) -> "_Connection":
        while not self._idle:
            if self._open < MAX_CONNECTIONS:
                self._open += 1
                try:
                    return await self._connect()
                except BaseException:
                    self._open -= 1
                    raise
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(waiter)
            try:
                await asyncio.wait_for(waiter, WAIT_SECONDS)
            except TimeoutError:
                raise DatabaseUnavailable("All connections to the database are busy.", hint="Try again.") from None
            finally:
                with contextlib.suppress(ValueError):
                    self._waiting.remove(waiter)
        return self._idle.pop()

    def _release(self, connection: "_Connection", *, healthy: bool) -> None:
        if healthy and not self._closed:
            self._idle.append(connection)
        else:
            connection.close()
            self._open -= 1
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(None)
                break

    async def _connect(self) -> "_Connection":
        url = self._database.url.set(drivername="postgresql")
        options = (
            f"-c timezone=UTC -c default_transaction_read_only=on -c statement_timeout={int(self._timeout * 1000)}"
        )
        try:
            owner = await psycopg.AsyncConnection.connect(
                url.render_as_string(hide_password=False), autocommit=True, options=options, connect_timeout=10
            )
        except psycopg.Error as error:
            raise self._unavailable() from error
        return _Connection(owner)

    def _unavailable(self) -> DatabaseUnavailable:
        return DatabaseUnavailable(
            f"The database {self._database.url.render_as_string(hide_password=True)} does not answer.",
            hint="Check that it runs and can be reached.",
        )

    async def close(self) -> None:
        """See :class:`~xrm_core.storage.readers.Reader`."""
        self._closed = True
        while self._idle:
            self._idle.pop().close()
            self._open -= 1


class _Lost(Exception):
    """The connection is gone."""


class _Refused(Exception):
    """The server answered with an error."""

    def __init__(self, state: bytes) -> None:
        super().__init__(state)
        self.state = state


class _Connection:
    """One connection in libpq's asynchronous mode, one command at a time."""

    def __init__(self, owner: psycopg.AsyncConnection[Any]) -> None:
        self._owner = owner
        self._pg = owner.pgconn
        self._pg.nonblocking = 1
        self._loop = asyncio.get_running_loop()
        self._socket = self._pg.socket
        self._future: asyncio.Future[PGresult] | None = None
        self._prepared: OrderedDict[str, bytes] = OrderedDict()
        self._count = 0
        self._loop.add_reader(self._socket, self._readable)

    async def answer(self, sql: str, values: tuple[Any, ...]) -> bytes | None:
        """Run a statement with values and return its one value."""
        parameters = [_text(value) for value in values]
        name = await self._name(sql)
        try:
            result = await self._run(lambda: self._pg.send_query_prepared(name, parameters))
        except _Refused as error:
            if error.state not in (_STALE_PLAN, _NO_SUCH_STATEMENT) or self._in_transaction():
                raise
            self._prepared.pop(sql)  # the tables were changed since it was prepared
            name = await self._name(sql)
            result = await self._run(lambda: self._pg.send_query_prepared(name, parameters))
        return result.get_value(0, 0)

    async def command(self, sql: str) -> None:
        """Run a command without result."""
        await self._run(lambda: self._pg.send_query(sql.encode()))

    async def recover(self) -> bool:
        """After an error of the server: end the transaction, if any. False if the connection is of no more use."""
        try:
            if self._in_transaction():
                await self.command("ROLLBACK")
        except (_Lost, _Refused):
            return False
        return True

    def close(self) -> None:
        """Close it, whatever it is doing."""
        self._loop.remove_reader(self._socket)
        self._loop.remove_writer(self._socket)
        self._pg.finish()

    def _in_transaction(self) -> bool:
        return self._pg.transaction_status != 0

    async def _name(self, sql: str) -> bytes:
        name = self._prepared.get(sql)
        if name is not None:
            self._prepared.move_to_end(sql)
            return name
        if len(self._prepared) >= MAX_PREPARED:
            _, oldest = self._prepared.popitem(last=False)
            await self.command(f"DEALLOCATE {oldest.decode()}")
        self._count += 1
        name = b"x%d" % self._count
        await self._run(lambda: self._pg.send_prepare(name, sql.encode()))
        self._prepared[sql] = name
        return name

    async def _run(self, send: Any) -> PGresult:
        future: asyncio.Future[PGresult] = self._loop.create_future()
        self._future = future
        try:
            send()
            if self._pg.flush():
                self._loop.add_writer(self._socket, self._writable)
        except psycopg.OperationalError as error:
            raise _Lost from error
        result = await future
        if result.status in (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK):
            return result
        raise _Refused(result.error_field(DiagnosticField.SQLSTATE) or b"")

    def _writable(self) -> None:
        try:
            if not self._pg.flush():
                self._loop.remove_writer(self._socket)
        except psycopg.OperationalError:
            self._lose()

    def _readable(self) -> None:
        try:
            self._pg.consume_input()
            if self._future is None or self._pg.is_busy():
                return
            result = self._pg.get_result()
            while result is not None and self._pg.get_result() is not None:
                pass
        except psycopg.OperationalError:
            self._lose()
            return
        future, self._future = self._future, None
        if result is not None and not future.done():
            future.set_result(result)

    def _lose(self) -> None:
        self._loop.remove_reader(self._socket)
        self._loop.remove_writer(self._socket)
        future, self._future = self._future, None
        if future is not None and not future.done():
            future.set_exception(_Lost())


def _text(value: Any) -> bytes | None:
    """A value in PostgreSQL's text format."""
    if value is None:
        return None
    if isinstance(value, bool):
        return b"t" if value else b"f"
    if isinstance(value, list | tuple):
        return ("{" + ",".join(_element(each) for each in value) + "}").encode()
    if isinstance(value, dt.datetime | dt.date):
        return value.isoformat().encode()
    return str(value).encode()


def _element(value: Any) -> str:
    text = _text(value)
    if text is None:
        return "NULL"
    return '"' + text.decode().replace("\\", "\\\\").replace('"', '\\"') + '"'
