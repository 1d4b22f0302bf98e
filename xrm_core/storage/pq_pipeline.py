"""One connection to PostgreSQL for writes, driven by the event loop: many statements go in one round trip."""

import asyncio
from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg.pq import ConnStatus, DiagnosticField, ExecStatus, TransactionStatus
from psycopg.pq.abc import PGresult

from xrm_core.storage.driver_statements import Call
from xrm_core.storage.engines import milliseconds
from xrm_core.storage.pq_connection import Lost
from xrm_core.storage.pq_socket import SocketWatch
from xrm_core.storage.prepared_steps import PreparedSteps, Row, Step, StepFailed, Text, is_stale

_CONNECTION_LOST = b"08"

BEGIN, COMMIT, ROLLBACK = Text("BEGIN", 0), Text("COMMIT", 0), Text("ROLLBACK", 0)


class NotRun(Lost):
    """The connection is gone, and the last of the statements was not run: it was not sent, or one before it failed."""


class PqPipeline:
    """A connection that stays in libpq's pipeline mode. One round trip at a time; who is cancelled meanwhile closes it.

    Args:
        owner: the connection.
        seconds: that a statement may take.
    """

    def __init__(self, owner: psycopg.AsyncConnection[Any], seconds: float) -> None:
        self._owner = owner
        self._seconds = seconds
        self._pg = owner.pgconn
        self._pg.nonblocking = 1
        self._pg.enter_pipeline_mode()
        self._steps = PreparedSteps(owner)
        self._loop = asyncio.get_running_loop()
        self._future: asyncio.Future[list[PGresult]] | None = None
        self._results: list[PGresult] = []
        self._limits: dict[float, Text] = {}
        self._lost = False
        self._worn = False
        self._watch = SocketWatch(self._pg.socket, self._readable)

    @property
    def alive(self) -> bool:
        """False once the server has closed it, or it is of no more use; looked at, not asked."""
        if self._lost or self._worn:
            return False
        if self._pg.status == ConnStatus.OK:
            try:
                self._pg.consume_input()  # what the server says when it closes
                self._pg.consume_input()  # and the end
            except psycopg.OperationalError:
                self.lose()
        return self._pg.status == ConnStatus.OK

    @property
    def idle(self) -> bool:
        """Whether no transaction is under way."""
        return self._pg.transaction_status == TransactionStatus.IDLE

    async def run(self, texts: Sequence[tuple[Text, Sequence[Any]]], *, commits: bool = True) -> list[PGresult]:
        """Run statements in their order; those after one that fails are not run.

        ``commits``: the last of them is a commit, of which nobody knows what it has done if it fails. Without, it has
        done nothing then.

        Raises:
            StepFailed: of the first that fails.
            NotRun: the connection is gone, and the last statement was not run.
            Lost: the connection is gone, and nobody knows how far it came.
        """
        if self._lost:
            raise NotRun
        steps = self._steps_of(texts)
        future: asyncio.Future[list[PGresult]] = self._loop.create_future()
        self._future, self._results = future, []
        sent = 0
        try:
            for step in steps:
                step.send(*step.given)
                sent += 1
            self._pg.pipeline_sync()
            if self._pg.flush():
                self._watch.await_room(self._writable)
        except psycopg.OperationalError as error:
            self._future = None
            self.lose()
            raise (NotRun if sent < len(steps) - 1 else Lost) from error
        try:
            results = await future
        except Lost:
            certain = self._results[: len(steps) - 1 if commits else len(steps)]
            if any(map(_says_failed, certain)):
                raise NotRun from None
            raise
        try:
            return self._steps.asked(steps, results)
        except StepFailed as failed:
            # Tables were changed under what is prepared, or somebody between us and the server has dropped it.
            self._worn = self._worn or is_stale(failed.error)
            raise

    def _steps_of(self, texts: Sequence[tuple[Text, Sequence[Any]]]) -> list[Step]:
        steps: list[Step] = []
        for text, values in texts:
            try:
                self._steps.add(steps, text, values)
            except psycopg.Error as error:  # a value that cannot be sent
                self._steps.not_sent(steps)
                raise StepFailed(text, error) from error
        return steps

    def rows(self, call: Call, result: PGresult) -> list[Row]:
        """The rows of a statement."""
        found = self._steps.rows(result)
        return found if call.made is None else [tuple(call.made(row)) for row in found]

    async def limit(self, seconds: float) -> None:
        """Let statements take so long from now on. Raises as :meth:`run`."""
        if seconds != self._seconds:
            text = self._limits.get(seconds)
            if text is None:  # one for each, or they would take the places of statements that are prepared
                text = self._limits[seconds] = Text(f"SET statement_timeout = {milliseconds(seconds)}", 0)
            await self.run([(text, ())])
            self._seconds = seconds

    async def recover(self) -> bool:
        """After an error: end the transaction, if any. False if the connection is of no more use."""
        try:
            if not self.idle:
                await self.run([(ROLLBACK, ())])
        except (Lost, StepFailed):
            return False
        return self.idle

    def close(self) -> None:
        """Close it, whatever it is doing."""
        self._watch.end()
        self._pg.finish()

    def _writable(self) -> None:
        try:
            if not self._pg.flush():
                self._watch.has_room()
        except psycopg.OperationalError:
            self.lose()

    def _readable(self) -> None:
        pg = self._pg
        try:
            pg.consume_input()
            while self._future is not None and not pg.is_busy():
                result = pg.get_result()
                if result is None:  # that was all of one statement
                    if pg.status != ConnStatus.OK:
                        self.lose()
                elif result.status == ExecStatus.PIPELINE_SYNC:
                    self._finish()
                else:
                    self._results.append(result)
        except psycopg.OperationalError:
            self.lose()

    def _finish(self) -> None:
        results, future = self._results, self._future
        self._results, self._future = [], None
        if future is not None and not future.done():
            future.set_result(results)

    def lose(self) -> None:
        """Whoever waits for an answer gets none any more, nor does who asks after that."""
        self._lost = True
        self._watch.end()
        future, self._future = self._future, None
        if future is not None and not future.done():
            future.set_exception(Lost())


def _says_failed(result: PGresult) -> bool:
    """Whether the server says that a statement has failed.

    What stands between us and the server may say that it has lost it: nobody knows then what the server has done.
    """
    state = result.error_field(DiagnosticField.SQLSTATE) or b""
    return result.status == ExecStatus.FATAL_ERROR and not state.startswith(_CONNECTION_LOST)
