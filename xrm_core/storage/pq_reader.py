"""Reads on PostgreSQL straight through libpq (``psycopg.pq``), since this is the path of every list and record.

Measured against psycopg's AsyncConnection: a third less CPU per request, and the answer arrives as the bytes that
are sent on (``docs/adr/0003-postgresql-reads-through-libpq.md``). Parameters travel as text; the SQL casts them.
"""

import asyncio
from collections.abc import Sequence
from typing import Any

import psycopg
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
from xrm_core.storage.pq_connection import Lost, PqConnection, Refused, Stale
from xrm_core.storage.pq_pool import PqPool
from xrm_core.storage.readers import Call, read_dialect
from xrm_core.telemetry.pool_use import PoolUse

MAX_CONNECTIONS = 16
MAX_HELPERS = 3  # connections beside its own on which the statements of one document run
_CHECK_MILLISECONDS = 1000  # between looks of the server at the connection of a running statement
GRACE_SECONDS = 5.0
_CANCELLED, _NO_MEMORY = b"57014", b"53200"
_SNAPSHOT = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"


class PostgresReader:
    """Reads on a pool of connections.

    Args:
        database: a PostgreSQL database.
        timeout: seconds that a statement may take.
    """

    def __init__(self, database: Database, timeout: float) -> None:
        self.dialect: Dialect = read_dialect(database)
        self._database = database
        self._timeout = timeout
        self._pool: PqPool[PqConnection] = PqPool(min(MAX_CONNECTIONS, 2 * database.pool), self._connect)
        # The server keeps the limits itself; these, by their seconds, are for one that does not answer any more.
        self._late: dict[float, Late[_Work]] = {}
        # A statement locks each table and index that it may look into; a server has room for some thousands of locks.
        self._wide = asyncio.Lock()

    def at_once(self, calls: Sequence[Call], tables: int | None = None) -> list[bytes | None] | None:  # noqa: ARG002
        """See :class:`~xrm_core.storage.readers.Reader`."""
        return None

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
        except Lost:
            # The server was restarted, or a connection was cut while idle: reading again does no harm. The others that
            # are idle are likely to be gone as well, whether they know it already or not.
            self._pool.drop_idle()
            try:
                return await self._on_some(calls, seconds, helpers)
            except Lost as error:
                raise self._unavailable() from error

    async def _on_some(self, calls: Sequence[Call], seconds: float, helpers: int) -> list[bytes | None]:
        team = [await self._pool.acquire(), *self._pool.spare(min(len(calls) - 1, helpers))]
        healthy = False
        try:
            for each in team:
                await each.limit(seconds)
            try:
                answers = await _answers(team, calls)
            except Stale:
                for each in team:
                    await each.forget()
                answers = await _answers(team, calls)
            healthy = True
        except Refused as error:
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
                self._pool.release(each, healthy=healthy)

    async def _connect(self) -> PqConnection:
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
        connection = PqConnection(owner, self._timeout)
        try:
            # A statement whose connection was closed, since its client has gone, ends with it.
            await connection.command(f"SET client_connection_check_interval = {_CHECK_MILLISECONDS}")
        except Refused:
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

    def use(self) -> PoolUse:
        """See :class:`~xrm_core.storage.readers.Reader`."""
        return self._pool.use()

    async def close(self) -> None:
        """See :class:`~xrm_core.storage.readers.Reader`."""
        self._pool.close()


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


async def _answers(team: Sequence[PqConnection], calls: Sequence[Call]) -> list[bytes | None]:
    """Run statements and return the one value of each; several in one snapshot, side by side if there is a team.

    Raises:
        Lost, Refused: of the first statement, in their order, with which something went wrong.
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

    async def work(connection: PqConnection) -> None:
        for number in pending:
            try:
                found[number] = await connection.answer(*calls[number])
            except (Lost, Refused) as error:
                failed[number] = error
                return
        await connection.command("COMMIT")

    await asyncio.gather(*(work(each) for each in team))
    if failed:
        raise failed[min(failed)]
    return found
