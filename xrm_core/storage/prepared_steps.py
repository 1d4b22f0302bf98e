"""What a connection to PostgreSQL is sent for statements: it knows what is prepared there, and how values go and come.

Who sends it and waits for the answers is another matter: :mod:`~xrm_core.storage.driver_calls` does so in a thread,
:mod:`~xrm_core.storage.pq_pipeline` in the event loop.
"""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

import psycopg
from psycopg.adapt import PyFormat, Transformer
from psycopg.pq import ConnStatus, ExecStatus
from psycopg.pq.abc import PGresult

Row = tuple[Any, ...]

MAX_PREPARED = 256
"""Statements that a connection keeps prepared; of more, those that were not used for the longest go."""

_STALE_PLAN, _NO_SUCH_STATEMENT = "0A000", "26000"
_LOOKING_AT_PLANS = "RevalidateCachedQuery"
"""The function of PostgreSQL that finds a plan stale: its SQLSTATE says no more than that something is not possible."""

_NUMBERS = count()


class Text:
    """SQL with placeholders: ``?`` on SQLite, ``$1`` on PostgreSQL. Made once, run often.

    Each has a name of its own, so that a plan of another model's tables is never taken for one of these.
    """

    __slots__ = ("formats", "number", "sent", "sql")

    def __init__(self, sql: str, places: int) -> None:
        self.sql = sql
        self.sent = sql.encode()
        self.number = next(_NUMBERS)
        self.formats = [PyFormat.AUTO] * places


@dataclass(slots=True)
class Step:
    """Something that is sent to PostgreSQL for a statement, by ``send`` with ``given``.

    ``asks``: its result is that of the statement. ``prepares``: what is prepared then, and as what. ``drops``: what is
    not prepared any more then.
    """

    text: Text
    send: Callable[..., None]
    given: tuple[Any, ...] = ()
    asks: bool = False
    prepares: tuple[Any, bytes] | None = None
    drops: bytes | None = None


class PreparedSteps:
    """The statements of one connection.

    Args:
        driver: the connection.
    """

    def __init__(self, driver: "psycopg.Connection[Any] | psycopg.AsyncConnection[Any]") -> None:
        self.pg: Any = driver.pgconn
        self._transformer: Any = Transformer(driver)
        self._names: OrderedDict[tuple[int, tuple[int, ...]], bytes | None] = OrderedDict()
        self._undropped: list[bytes] = []

    def add(self, steps: list[Step], text: Text, values: Sequence[Any]) -> None:
        """Add what is sent for a statement: from the second time on, it is prepared.

        Raises psycopg's errors: a value cannot be sent. Nothing was added then.
        """
        sent: Any = None
        types: tuple[int, ...] = ()
        formats: Any = None
        if values:
            transformer = self._transformer
            sent = transformer.dump_sequence(values, text.formats)
            types, formats = transformer.types, transformer.formats
        key = (text.number, types)
        name = self._names.get(key)
        if name is not None:
            self._names.move_to_end(key)
            steps.append(Step(text, self.pg.send_query_prepared, (name, sent, formats), asks=True))
        elif self._seen(key):
            name = _new_name(text)
            steps.append(Step(text, self.pg.send_prepare, (name, text.sent, types), prepares=(key, name)))
            steps.append(Step(text, self.pg.send_query_prepared, (name, sent, formats), asks=True))
        else:
            if (oldest := self._too_many()) is not None:
                self._undropped.append(oldest)
            while self._undropped:
                dropped = self._undropped.pop()
                steps.append(Step(text, self.pg.send_query_params, (b"DEALLOCATE " + dropped, None), drops=dropped))
            steps.append(Step(text, self.pg.send_query_params, (text.sent, sent, types, formats), asks=True))

    def asked(self, steps: Sequence[Step], results: Sequence[PGresult]) -> list[PGresult]:
        """The results of the statements out of those of their steps.

        Raises:
            StepFailed: the first that failed.
        """
        found = []
        for number, (step, result) in enumerate(zip(steps, results, strict=True)):
            try:
                self.checked(result)
            except psycopg.Error as error:
                self.not_sent(steps[number if _was_not_run(error) else number + 1 :])
                if step.asks:
                    self._forget(step.given[0], error)
                raise StepFailed(step.text, error) from error
            if step.prepares is not None:
                key, name = step.prepares
                if (other := self._names.get(key)) is not None:  # it stood there more than twice
                    self._undropped.append(other)
                self._names[key] = name
            if step.asks:
                found.append(result)
        return found

    def not_sent(self, steps: Sequence[Step]) -> None:
        """These were not run: what they would have dropped is dropped the next time."""
        self._undropped += [step.drops for step in steps if step.drops is not None]

    def run(self, text: Text, values: Sequence[Any], *, prepares: bool = True) -> PGresult:
        """The result of a statement that is run alone; waits for it. Raises psycopg's errors."""
        sent, types, formats = self.dumped(text, values)
        name = self._name(text, types) if prepares else None
        if name is None:
            return self.checked(self.pg.exec_params(text.sent, sent, types, formats))
        try:
            return self.checked(self.pg.exec_prepared(name, sent, formats))
        except psycopg.Error as error:
            self._forget(name, error)
            raise

    def rows(self, result: PGresult) -> list[Row]:
        """The rows of a result, as psycopg has them."""
        transformer = self._transformer
        transformer.set_pgresult(result)
        found: list[Row] = transformer.load_rows(0, result.ntuples, tuple)
        transformer.set_pgresult(None)
        return found

    def checked(self, result: PGresult) -> PGresult:
        """A result that is none of an error. Raises psycopg's errors."""
        if result.status in (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK):
            return result
        if self.pg.status != ConnStatus.OK:
            raise psycopg.OperationalError(result.get_error_message())
        raise psycopg.errors.error_from_result(result)

    def dumped(self, text: Text, values: Sequence[Any]) -> tuple[Any, tuple[int, ...], Any]:
        """Values as they are sent, with their types and formats."""
        if not values:
            return None, (), None
        transformer = self._transformer
        sent = transformer.dump_sequence(values, text.formats)
        return sent, transformer.types, transformer.formats

    def _name(self, text: Text, types: tuple[int, ...]) -> bytes | None:
        """What the statement is prepared as; None: it is run for the first time, and perhaps the last."""
        key = (text.number, types)
        if not self._seen(key):
            if (oldest := self._too_many()) is not None:
                self._undropped.append(oldest)
            while self._undropped:
                self._drop(self._undropped.pop())
            return None
        name = self._names[key]
        if name is None:
            name = _new_name(text)
            self.checked(self.pg.prepare(name, text.sent, types))
            self._names[key] = name
        return name

    def _forget(self, name: bytes, error: psycopg.Error) -> None:
        """Prepare a statement anew the next time, if that is what an error says."""
        key = next((key for key, known in self._names.items() if known == name), None)
        if key is not None and is_stale(error):
            self._names[key] = None
            if error.sqlstate == _STALE_PLAN:
                self._undropped.append(name)

    def _drop(self, name: bytes) -> None:
        try:
            self.checked(self.pg.exec_(b"DEALLOCATE " + name))
        except psycopg.Error as error:
            if _was_not_run(error):
                self._undropped.append(name)
            raise

    def _seen(self, key: tuple[int, tuple[int, ...]]) -> bool:
        """Whether the connection has run a statement with values of these types before; from now on it has."""
        names = self._names
        if key in names:
            names.move_to_end(key)
            return True
        names[key] = None
        return False

    def _too_many(self) -> bytes | None:
        """The name of what is not to be prepared any longer, to make room."""
        if len(self._names) <= MAX_PREPARED:
            return None
        _, oldest = self._names.popitem(last=False)
        return oldest


class StepFailed(Exception):
    """A statement failed; ``error`` is psycopg's."""

    def __init__(self, text: Text, error: psycopg.Error) -> None:
        super().__init__(str(error))
        self.text = text
        self.error = error


def is_stale(error: BaseException | None) -> bool:
    """Whether it says that what is prepared does not serve any more: tables were changed under it, or somebody between
    us and the server has dropped it. It did nothing, and is prepared anew the next time.
    """
    if not isinstance(error, psycopg.Error):
        return False
    planned = error.sqlstate == _STALE_PLAN and error.diag.source_function == _LOOKING_AT_PLANS
    return planned or error.sqlstate == _NO_SUCH_STATEMENT


def _was_not_run(error: psycopg.Error) -> bool:
    """Whether a statement was refused since another one of its transaction had failed."""
    return isinstance(error, psycopg.errors.InFailedSqlTransaction)


def _new_name(text: Text) -> bytes:
    return b"xrm_%d_%d" % (text.number, next(_NUMBERS))
