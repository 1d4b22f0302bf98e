"""Spans of the statements that read."""

from collections.abc import Sequence
from time import time_ns
from typing import TYPE_CHECKING, Any

from sqlalchemy import Dialect

from xrm_core.storage.readers import Call, Reader
from xrm_core.telemetry.pool_use import PoolUse

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer


class TracedReader:
    """A reader with a span for the statements of each document; see :class:`~xrm_core.storage.readers.Reader`."""

    def __init__(self, reader: Reader, tracer: "Tracer") -> None:
        self.reader = reader
        self.dialect: Dialect = reader.dialect
        self._tracer = tracer

    def at_once(self, calls: Sequence[Call], tables: int | None = None) -> list[bytes | None] | None:
        """See there."""
        began = time_ns()
        found = self.reader.at_once(calls, tables)
        if found is not None:
            self._tracer.start_span("SELECT", start_time=began, **self._words(calls)).end()
        return found

    async def fetch(
        self,
        calls: Sequence[Call],
        tables: int | None = None,
        seconds: float | None = None,
        *,
        wide: bool = False,
    ) -> list[bytes | None]:
        """See there."""
        with self._tracer.start_as_current_span(
            "SELECT", record_exception=False, set_status_on_exception=False, **self._words(calls)
        ):
            return await self.reader.fetch(calls, tables, seconds, wide=wide)

    def use(self) -> PoolUse:
        """See there."""
        return self.reader.use()

    async def close(self) -> None:
        """See there."""
        await self.reader.close()

    def _words(self, calls: Sequence[Call]) -> dict[str, Any]:
        return words_of("SELECT", self.dialect.name, {"db.operation.batch.size": len(calls)} if len(calls) > 1 else {})


def words_of(operation: str, system: str, more: dict[str, Any]) -> dict[str, Any]:
    """Kind and attributes of the span of a statement, in the words of OpenTelemetry. No SQL: it may have values."""
    from opentelemetry.trace import SpanKind

    attributes = {"db.system.name": system, "db.operation.name": operation, **more}
    return {"kind": SpanKind.CLIENT, "attributes": attributes}
