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
from psycopg.pq import ConnStatus, DiagnosticField, ExecStatus
from psycopg.pq.abc import PGresult
from sqlalchemy import Dialect

from xrm_core.errors import DatabaseUnavailable, InternalError
from xrm_core.storage.engines import (
    POSTGRES_CONNECTION,
    Database,
    does_not_fit,
    milliseconds,
    overloaded,
    tables_changed,
    timed_out,
)
from xrm_core.storage.late import Late
from xrm_core.storage.readers import ANEW, Call, read_dialect

MAX_CONNECTIONS = 16
MAX_PREPARED = 256
MAX_HELPERS = 3  # connections beside its own on which the statements of one document run
_CHECK_MILLISECONDS = 1000  # between looks of the server at the connection of a running statement
WAIT_SECONDS = 10.0
GRACE_SECONDS = 5.0
_CANCELLED, _STALE_PLAN, _NO_SUCH_STATEMENT, _NO_MEMORY = b"57014", b"0A000", b"26000", b"53200"
_SHUT_DOWN = b"57P"
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
        self._most = min(MAX_CONNECTIONS, 2 * database.pool)
        # The server keeps the limits itself; these, by their seconds, are for one that does not answer any more.
        self._late: dict[float, Late[_Work]] = {}
        # A statement locks each table and index that it may look into; a server has room for some thousands of locks.
        self._wide = asyncio.Lock()

    async def fetch(
        self,
        calls: Sequence[Call],
        tables: int | None = None,  # noqa: ARG002
        seconds: float | None = None,
        *,
        wide: bool = False,
    ) -> list[bytes | None]:
        """See :class:`~xrm_core.storage.readers.Reader`; PostgreSQL has no version of tables."""
        seconds = seconds or self._timeout
        late = self._late.get(seconds) or self._late.setdefault(seconds, Late(seconds + GRACE_SECONDS, _Work.give_up))
        work = _Work(asyncio.current_task())
        late.add(work)
        try:
            if not wide:
                return await self._twice(calls, seconds, MAX_HELPERS)
            async with self._wide:
                return await self._twice(calls, seconds, 0)
        except asyncio.CancelledError:
            if work.was_given_up():
                raise timed_out(seconds) from None
            raise
        finally:
            late.remove(work)

    async def _twice(self, calls: Sequence[Call], seconds: float, helpers: int) -> list[bytes | None]:
        try:
            return await self._on_some(calls, seconds, helpers)
        except _Lost:
            # The server was restarted, or a connection was cut while idle: reading again does no harm. The others that
            # are idle are likely to be gone as well, whether they know it already or not.
            self._drop_idle()
            try:
                return await self._on_some(calls, seconds, helpers)
            except _Lost as error:
                raise self._unavailable() from error

    async def _on_some(self, calls: Sequence[Call], seconds: float, helpers: int) -> list[bytes | None]:
        team = [await self._acquire(), *self._spare(min(len(calls) - 1, helpers))]
        healthy = False
        try:
            for each in team:
                await each.limit(seconds)
            try:
                answers = await _answers(team, calls)
            except _Stale:
                for each in team:
                    await each.forget()
                answers = await _answers(team, calls)
            healthy = True
        except _Refused as error:
            healthy = all([await each.recover() for each in team])
            if error.state == _CANCELLED:
                raise timed_out(seconds) from None
            if error.state == _NO_MEMORY:
                raise overloaded() from error
            if does_not_fit(error.state.decode()):
                raise tables_changed(error.state.decode()) from error
            raise InternalError(
                "The database refused a statement.",
                hint="The log has the cause.",
                details={"sqlstate": error.state.decode()},
            ) from error
        else:
            return answers
        finally:
            # A connection whose request was cancelled midway is in an unknown state and is not used again.
            for each in team:
                self._release(each, healthy=healthy)

    def _spare(self, count: int) -> list["_Connection"]:
        """Up to so many connections that are idle and that nobody waits for; none is opened for it."""
        found: list[_Connection] = []
        while self._idle and not self._waiting and len(found) < count:
            connection = self._idle.pop()
            if connection.alive:
                found.append(connection)
            else:
                self._open -= 1
        return found

    async def _acquire(self) -> "_Connection":
        while True:
            while self._idle:
                connection = self._idle.pop()
                if connection.alive:
                    return connection
                connection.close()
                self._open -= 1
            if self._open < self._most:
                self._open += 1
                try:
                    return await self._connect()
                except BaseException:
                    self._open -= 1
                    self._wake()
                    raise
            await self._turn()

    async def _turn(self) -> None:
        """Wait until a connection is free."""
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                await waiter
        except BaseException as error:
            if waiter.done() and not waiter.cancelled():
                self._wake()  # it was our turn, but we are no longer here to take it
            if isinstance(error, TimeoutError):
                raise DatabaseUnavailable("All connections to the database are busy.", hint="Try again.") from None
            raise
        finally:
            with contextlib.suppress(ValueError):
                self._waiting.remove(waiter)

    def _release(self, connection: "_Connection", *, healthy: bool) -> None:
        if healthy and connection.alive and not self._closed:
            self._idle.append(connection)
        else:
            connection.close()
            self._open -= 1
        self._wake()

    def _wake(self) -> None:
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(None)
                break

    async def _connect(self) -> "_Connection":
        # The same arguments that the engine for writes connects with.
        positional, arguments = self._database.dialect.create_connect_args(self._database.url)
        options = (
            f"{self._database.options} -c default_transaction_read_only=on "
            f"-c statement_timeout={milliseconds(self._timeout)}"
        )
        try:
            owner = await psycopg.AsyncConnection.connect(
                *positional, **{**POSTGRES_CONNECTION, **arguments, "autocommit": True, "options": options}
            )
        except psycopg.Error as error:
            raise self._unavailable() from error
        connection = _Connection(owner, self._timeout)
        try:
            # A statement whose connection was closed, since its client has gone, ends with it.
            await connection.command(f"SET client_connection_check_interval = {_CHECK_MILLISECONDS}")
        except _Refused:
            pass  # a server on Windows cannot look
        except BaseException:
            connection.close()
            raise
        return connection

    def _unavailable(self) -> DatabaseUnavailable:
        return DatabaseUnavailable(
            f"The database {self._database.url.render_as_string(hide_password=True)} does not answer.",
            hint="Check that it runs and can be reached.",
        )

    async def close(self) -> None:
        """See :class:`~xrm_core.storage.readers.Reader`."""
        self._closed = True
        self._drop_idle()

    def _drop_idle(self) -> None:
        while self._idle:
            self._idle.pop().close()
            self._open -= 1


class _Work:
    """A task that reads."""

    __slots__ = ("_before", "_late", "_task")

    def __init__(self, task: asyncio.Task[Any] | None) -> None:
        self._task = task
        self._before = 0 if task is None else task.cancelling()
        self._late = False

    def give_up(self) -> None:
        """Cancel it."""
        if self._task is not None:
            self._late = True
            self._task.cancel()

    def was_given_up(self) -> bool:
        """Whether it was cancelled by :meth:`give_up`, and by nobody else; takes that cancellation back."""
        return self._late and self._task is not None and self._task.uncancel() <= self._before


class _Lost(Exception):
    """The connection is gone."""


class _Refused(Exception):
    """The server answered with an error."""

    def __init__(self, state: bytes) -> None:
        super().__init__(state)
        self.state = state


class _Stale(_Refused):
    """A prepared statement does not fit the tables any more, since they were changed."""


class _Connection:
    """One connection in libpq's asynchronous mode, one command at a time; its statements may take ``seconds``."""

    def __init__(self, owner: psycopg.AsyncConnection[Any], seconds: float) -> None:
        self._owner = owner
        self._seconds = seconds
        self._pg = owner.pgconn
        self._pg.nonblocking = 1
        self._loop = asyncio.get_running_loop()
        self._socket = self._pg.socket
        self._future: asyncio.Future[PGresult] | None = None
        self._result: PGresult | None = None
        self._prepared: OrderedDict[str, bytes] = OrderedDict()
        self._count = 0
        self._loop.add_reader(self._socket, self._readable)

    @property
    def alive(self) -> bool:
        """False once the server has closed it."""
        return self._pg.status == ConnStatus.OK

    async def answer(self, sql: str, values: tuple[Any, ...]) -> bytes | None:
        """Run a statement and return its one value."""
        parameters = [_text(value) for value in values]
        if sql.startswith(ANEW):
            result = await self._run(lambda: self._pg.send_query_params(sql.encode(), parameters))
            return result.get_value(0, 0)
        name = await self._name(sql)
        result = await self._run(lambda: self._pg.send_query_prepared(name, parameters))
        return result.get_value(0, 0)

    async def limit(self, seconds: float) -> None:
        """Let statements take so long from now on."""
        if seconds != self._seconds:
            await self.command(f"SET statement_timeout = {milliseconds(seconds)}")
            self._seconds = seconds

    async def forget(self) -> None:
        """Drop all prepared statements, and the transaction if there is one."""
        if self._in_transaction():
            await self.command("ROLLBACK")
        await self.command("DEALLOCATE ALL")
        self._prepared.clear()

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
        state = result.error_field(DiagnosticField.SQLSTATE) or b""
        if state.startswith(_SHUT_DOWN):
            raise _Lost
        raise _Stale(state) if state in (_STALE_PLAN, _NO_SUCH_STATEMENT) else _Refused(state)

    def _writable(self) -> None:
        try:
            if not self._pg.flush():
                self._loop.remove_writer(self._socket)
        except psycopg.OperationalError:
            self._lose()

    def _readable(self) -> None:
        try:
            self._pg.consume_input()
            while self._future is not None and not self._pg.is_busy():
                result = self._pg.get_result()
                if result is None:  # the command is complete
                    self._finish(self._future)
                else:
                    self._result = result
        except psycopg.OperationalError:
            self._lose()

    def _finish(self, future: asyncio.Future[PGresult]) -> None:
        result, self._result, self._future = self._result, None, None
        if future.done():
            return
        if result is None:
            future.set_exception(_Lost())
        else:
            future.set_result(result)

    def _lose(self) -> None:
        self._loop.remove_reader(self._socket)
        self._loop.remove_writer(self._socket)
        future, self._future = self._future, None
        if future is not None and not future.done():
            future.set_exception(_Lost())


async def _answers(team: Sequence[_Connection], calls: Sequence[Call]) -> list[bytes | None]:
    """Run statements and return the one value of each; several in one snapshot, side by side if there is a team.

    Raises:
        _Lost, _Refused: of the first statement, in their order, with which something went wrong.
    """
    leader, *helpers = team
    if len(calls) == 1:
        return [await leader.answer(*calls[0])]
    await leader.command(_SNAPSHOT)
    if helpers:
        shared = await leader.answer("SELECT pg_export_snapshot()", ()) or b""
        join = f"{_SNAPSHOT}; SET TRANSACTION SNAPSHOT '{shared.decode()}'"
        await asyncio.gather(*(each.command(join) for each in helpers))  # while the leader's transaction is open
    pending = iter(range(len(calls)))
    found: list[bytes | None] = [None] * len(calls)
    failed: dict[int, Exception] = {}

    async def work(connection: _Connection) -> None:
        for number in pending:
            try:
                found[number] = await connection.answer(*calls[number])
            except (_Lost, _Refused) as error:
                failed[number] = error
                return
        await connection.command("COMMIT")

    await asyncio.gather(*(work(each) for each in team))
    if failed:
        raise failed[min(failed)]
    return found


def _text(value: Any) -> bytes | None:
    """A value in PostgreSQL's text format."""
    if value is None:
        return None
    if isinstance(value, bool):
        return b"t" if value else b"f"
    if isinstance(value, list | tuple):
        return ("{" + ",".join(_element(each) for each in value) + "}").encode()
    if isinstance(value, dt.datetime | dt.date | dt.time):
        return value.isoformat().encode()
    return str(value).encode()


def _element(value: Any) -> str:
    text = _text(value)
    if text is None:
        return "NULL"
    return '"' + text.decode().replace("\\", "\\\\").replace('"', '\\"') + '"'
