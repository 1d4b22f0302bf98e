"""Write transactions on PostgreSQL in the event loop, for writes that know their statements: without a thread, in one
or two round trips.
"""

from collections.abc import Sequence
from typing import Any, Self

import psycopg
from psycopg.types.string import TextLoader

from xrm_core.errors import Overloaded, Timeout
from xrm_core.storage.driver_statements import Call
from xrm_core.storage.engines import POSTGRES_CONNECTION, Database, milliseconds
from xrm_core.storage.late import Late
from xrm_core.storage.pq_connection import Lost
from xrm_core.storage.pq_pipeline import BEGIN, COMMIT, NotRun, PqPipeline
from xrm_core.storage.pq_pool import PqPool
from xrm_core.storage.prepared_steps import Row, StepFailed
from xrm_core.telemetry.pool_use import PoolUse

MAX_CONNECTIONS = 16
HELD_MILLISECONDS = 100
"""How long a statement waits for what others hold: who waits longer does so elsewhere, and makes room for others."""

_TURN_SECONDS = 1.0
_GRACE_SECONDS = 5.0
_LOCK_TIMEOUT, _CANCELLED = "55P03", "57014"


class NotWritten(Exception):
    """Nothing was written: a statement failed, perhaps one that does if something is not as it has to be."""


class StillHeld(NotWritten):
    """Nothing was written: others hold for longer what it is about."""


_AFTER_ERRORS = (NotWritten, StillHeld, Timeout)


class PostgresWriter:
    """A pool of connections.

    Args:
        database: a PostgreSQL database.
        timeout: seconds that a statement may take.
    """

    def __init__(self, database: Database, timeout: float) -> None:
        self._database = database
        self._timeout = timeout
        self.pool: PqPool[PqPipeline] = PqPool(min(MAX_CONNECTIONS, 2 * database.pool), self._connect, _TURN_SECONDS)
        # The server keeps the limits itself; these, by their seconds, are for one that does not answer any more.
        self._late: dict[float, Late[Writing]] = {}

    @property
    def is_listened_to(self) -> bool:
        """Whether somebody wants to hear of the statements of the database: these would not be told."""
        listeners = self._database.engine.dispatch
        return bool(listeners.before_cursor_execute or listeners.after_cursor_execute)

    def writing(self, seconds: float) -> "Writing":
        """A transaction whose statements may take so long; ``async with`` it."""
        late = self._late.get(seconds)
        if late is None:
            late = self._late[seconds] = Late(seconds + _GRACE_SECONDS, Writing.give_up)
        return Writing(self.pool, self._database, seconds, late)

    def use(self) -> PoolUse:
        """How many connections there are at the moment."""
        return self.pool.use()

    def close(self) -> None:
        """Give all connections back."""
        self.pool.close()

    async def _connect(self) -> PqPipeline:
        # The same arguments that the engine for writes connects with.
        positional, arguments = self._database.dialect.create_connect_args(self._database.url)
        limits = f"-c lock_timeout={HELD_MILLISECONDS} -c statement_timeout={milliseconds(self._timeout)}"
        options = f"{self._database.options} {limits}"
        try:
            owner = await psycopg.AsyncConnection.connect(
                *positional, **{**POSTGRES_CONNECTION, **arguments, "autocommit": True, "options": options}
            )
            owner.adapters.register_loader("uuid", TextLoader)  # ids are texts; those of Python would be made into them
            return PqPipeline(owner, self._timeout)
        except psycopg.Error as error:
            raise NotWritten from error


class Writing:
    """One transaction: :meth:`ask` any number of times, then :meth:`finish`, or nothing was written."""

    __slots__ = ("_begun", "_connection", "_database", "_late", "_pool", "_seconds")

    def __init__(self, pool: PqPool[PqPipeline], database: Database, seconds: float, late: "Late[Writing]") -> None:
        self._pool = pool
        self._database = database
        self._seconds = seconds
        self._late = late
        self._connection: PqPipeline | None = None
        self._begun = False

    async def __aenter__(self) -> Self:
        try:
            self._connection = connection = await self._pool.acquire()
        except Overloaded as error:
            raise NotWritten from error
        self._late.add(self)
        try:
            await connection.limit(self._seconds)
        except (StepFailed, Lost) as error:
            await self.__aexit__(NotWritten)
            raise NotWritten from error
        except BaseException:
            await self.__aexit__(None)
            raise
        return self

    async def __aexit__(self, kind: Any, *_rest: Any) -> None:
        connection = self._connection
        if connection is None:
            return
        healthy = False
        try:
            healthy = connection.idle or (kind in _AFTER_ERRORS and await connection.recover())
        finally:
            self._late.remove(self)  # not before: the server may not answer to what ends the transaction either
            self._connection = None
            self._pool.release(connection, healthy=healthy)

    async def ask(self, calls: Sequence[Call]) -> list[Row]:
        """Run statements, the first of them behind the beginning of the transaction; the rows that the first has found.

        Raises:
            NotWritten: one of them failed, or the connection is lost.
            StillHeld: one of them has waited for what others hold.
            Timeout: one of them has taken too long.
        """
        connection = self._its_connection()
        try:
            results = await connection.run([*self._first(), *((each.text, each.values) for each in calls)])
        except StepFailed as error:
            raise self._not_written(error) from error
        except Lost as error:
            raise NotWritten from error
        return connection.rows(calls[0], results[-len(calls)])

    async def finish(self, calls: Sequence[Call]) -> list[bytes | None]:
        """Run the last statements and commit; of each, the first value of its first row, as PostgreSQL has it as text.

        One statement that is all of the transaction is one by itself.

        Raises:
            NotWritten: one of them failed, or the connection was lost before the commit; nothing was written.
            StillHeld: one of them has waited for what others hold.
            Timeout: one of them has taken too long; nothing was written.
            DatabaseUnavailable: the connection was lost with the commit; nobody knows what was written.
        """
        connection = self._its_connection()
        if self._begun and not connection.alive:
            raise NotWritten
        alone = len(calls) == 1 and not self._begun
        texts: list[Any] = [(each.text, each.values) for each in calls]
        if not alone:
            texts = [*self._first(), *texts, (COMMIT, ())]
        try:
            results = await connection.run(texts, commits=not alone)
        except StepFailed as error:
            raise self._not_written(error) from error
        except NotRun as error:
            raise NotWritten from error
        except Lost as error:
            raise self._database.unavailable() from error
        answers = results if alone else results[-len(calls) - 1 : -1]
        return [each.get_value(0, 0) if each.ntuples else None for each in answers]

    def give_up(self) -> None:
        """The server does not answer any more: close the connection, so that who waits for it goes on."""
        if self._connection is not None:
            self._connection.lose()

    def _not_written(self, failed: StepFailed) -> Exception:
        """Another try of what has taken too long would only take as long again, with a connection and a thread."""
        state = failed.error.sqlstate
        if state == _LOCK_TIMEOUT:
            return StillHeld()
        late = state == _CANCELLED
        return (self._database.understood(failed.error, self._seconds) if late else None) or NotWritten()

    def _first(self) -> list[Any]:
        begun, self._begun = self._begun, True
        return [] if begun else [(BEGIN, ())]

    def _its_connection(self) -> PqPipeline:
        if self._connection is None:
            raise RuntimeError("not in the transaction")
        return self._connection
