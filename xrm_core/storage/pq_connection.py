"""One connection to PostgreSQL through libpq, driven by the event loop: statements in, bytes of their one value out."""

import asyncio
import datetime as dt
from collections import OrderedDict
from typing import Any

import psycopg
from psycopg.pq import ConnStatus, DiagnosticField, ExecStatus
from psycopg.pq.abc import PGresult

from xrm_core.storage.engines import milliseconds
from xrm_core.storage.pq_socket import SocketWatch
from xrm_core.storage.readers import ANEW

MAX_PREPARED = 256
_STALE_PLAN, _NO_SUCH_STATEMENT = b"0A000", b"26000"
_SHUT_DOWN = b"57P"


class Lost(Exception):
    """The connection is gone."""


class Refused(Exception):
    """The server answered with an error."""

    def __init__(self, state: bytes) -> None:
        super().__init__(state)
        self.state = state


class Stale(Refused):
    """A prepared statement does not fit the tables any more, since they were changed."""


class PqConnection:
    """One connection in libpq's asynchronous mode, one command at a time; its statements may take ``seconds``."""

    def __init__(self, owner: psycopg.AsyncConnection[Any], seconds: float) -> None:
        self._owner = owner
        self._seconds = seconds
        self._pg = owner.pgconn
        self._pg.nonblocking = 1
        self._loop = asyncio.get_running_loop()
        self._future: asyncio.Future[PGresult] | None = None
        self._result: PGresult | None = None
        self._prepared: OrderedDict[str, bytes] = OrderedDict()
        self._count = 0
        self._watch = SocketWatch(self._pg.socket, self._readable)

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
        except (Lost, Refused):
            return False
        return True

    def close(self) -> None:
        """Close it, whatever it is doing."""
        self._watch.end()
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
                self._watch.await_room(self._writable)
        except psycopg.OperationalError as error:
            self._future = None
            self._lose()
            raise Lost from error
        result = await future
        if result.status in (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK):
            return result
        state = result.error_field(DiagnosticField.SQLSTATE) or b""
        if state.startswith(_SHUT_DOWN):
            raise Lost
        raise Stale(state) if state in (_STALE_PLAN, _NO_SUCH_STATEMENT) else Refused(state)

    def _writable(self) -> None:
        try:
            if not self._pg.flush():
                self._watch.has_room()
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
            future.set_exception(Lost())
        else:
            future.set_result(result)

    def _lose(self) -> None:
        self._watch.end()
        future, self._future = self._future, None
        if future is not None and not future.done():
            future.set_exception(Lost())


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
