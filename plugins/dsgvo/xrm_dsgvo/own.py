"""What the plugin alone writes: consents, their events, objections and suppressions.

Whatever door a write comes through (GraphQL, bulk, upsert, import, other plugins), the guards here are asked about it,
and let through what the plugin itself has announced just before: one write at a time, so that what other plugins do in
between is not taken for ours.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, Protocol, TypeVar

from sqlalchemy import Connection

from xrm_core.api import ActionContext, JobContext, On, Record, RecordChange, Refuse, RouteContext, Vaulted

Making = ActionContext | RouteContext
"""What answers are made with: an action, or a route."""

Result = TypeVar("Result")

_under_way: ContextVar[str | None] = ContextVar("dsgvo_under_way", default=None)
"""The entity of which the plugin writes a record at the moment."""

_announced: ContextVar[tuple[str, tuple[str | None, ...]] | None] = ContextVar("dsgvo_announced", default=None)
"""An entity, and the operations on it that are still to come; None: any."""


class Looking(Protocol):
    """What reads records: a hook before a write, and all below."""

    settings: Any

    def read(self, entity: str, id_: str) -> Record | None:
        """A record as it is stored now."""

    def find(self, entity: str, where: Mapping[str, Any], limit: int = 100) -> list[Record]:
        """Records for which a filter holds."""


class Writing(Looking, Protocol):
    """A transaction in which the plugin writes: of an action, of what follows a write, of a route, of a job."""

    settings: Any

    def find(self, entity: str, where: Mapping[str, Any], limit: int = 100, after: str = "") -> list[Record]:
        """The same, from where a page before has ended."""

    def hold(self, entity: str, id_: str) -> None:
        """Let nobody else change a record before the end."""

    def vaulted(self, entity: str, ids: Iterable[str] | None = None) -> list[Vaulted]:
        """What lies in the vault of an entity: what is searched, or of some records."""

    def deleted(self, entity: str, after: str = "", limit: int = 1_000) -> list[Record]:
        """Records in the trash."""

    def gone(self, entity: str, limit: int = 1_000, id_: str = "") -> list[Record]:
        """Records that only the change log has."""

    def in_clear(self, entity: str, record: Record) -> Record:
        """A record with its sealed values in clear."""

    def attempt(self, act: Callable[[], object], speak: str | None = None) -> Any:
        """Do something that may be refused; why it was, None: it was done."""

    @property
    def records(self) -> Any:
        """The door for records."""

    @property
    def connection(self) -> Connection:
        """With the transaction."""

    @property
    def plugins(self) -> Any:
        """Those that are loaded."""

    @property
    def tenant(self) -> str:
        """The name of the tenant."""

    @property
    def system(self) -> Any:
        """The platform, on behalf of whoever has begun it."""

    def query_as_system(self, document: str, variables: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """What a query answers to the platform."""


def create(context: Writing, entity: str, values: Mapping[str, Any]) -> str:
    """Create a record of the plugin; its id."""
    with _announcing(entity):
        return str(context.records.create(context.connection, context.system, entity, values))


def change(context: Writing, entity: str, id_: str, values: Mapping[str, Any]) -> None:
    """Change a record of the plugin."""
    with _announcing(entity):
        context.records.update(context.connection, context.system, entity, id_, values)


def delete(context: Writing, entity: str, id_: str) -> None:
    """Delete a record, also one that nobody else may."""
    with _announcing(entity):
        context.records.delete(context.connection, context.system, entity, id_)


def upsert(context: Writing, entity: str, by: tuple[str, ...], values: Mapping[str, Any]) -> str:
    """The record with this key, created if there is none: of two who do it at once one creates it, and the other, who
    has begun to, changes it: that is asked about as two writes.
    """
    with _announcing(entity, "create", "update"):
        id_, _ = context.records.upsert(context.connection, context.system, entity, by, values)
    return str(id_)


def create_many(context: Writing, entity: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Create records of the plugin together; none of them if one is refused."""
    if rows:
        with _announcing(entity, *["create"] * len(rows)):
            context.records.create_many(context.connection, context.system, entity, rows)


def is_own(change_: RecordChange) -> bool:
    """Whether the plugin has announced this write; asked once, the next one is none."""
    entity, operations = _announced.get() or ("", ())
    if entity != change_.entity or not {None, change_.operation} & set(operations):
        return False
    rest = list(operations)
    rest.remove(None if None in rest else change_.operation)
    _announced.set((entity, tuple(rest)) if rest else None)
    return True


def is_under_way(entity: str) -> bool:
    """Whether the plugin is writing a record of an entity; unlike :func:`is_own` it may be asked again."""
    return _under_way.get() == entity


def kept(entity: str, text: Mapping[str, str], *operations: str, fields: tuple[str, ...] = ()) -> On:
    """A guard: these operations are the plugin's, and ``text`` says by what they are done."""

    def refuse(change_: RecordChange) -> None:
        if not is_own(change_):
            raise Refuse(text, field=fields[0] if len(fields) == 1 else None)

    guarded: Any = operations or ("create", "update", "delete", "restore")
    return On(entity, guarded, fields=fields, before=refuse)


def now() -> str:
    """The moment, as records have it."""
    return datetime.now(UTC).isoformat()


def check_past(at: Any, field: str, english: str, german: str) -> None:
    """Raise Refuse, in these words: a moment has no zone, or is still to come."""
    moment = at if isinstance(at, datetime) else datetime.fromisoformat(str(at).replace("Z", "+00:00"))
    if moment.tzinfo is None or moment > datetime.now(UTC):
        raise Refuse({"en": english, "de": german}, field=field)


@contextmanager
def _announcing(entity: str, *operations: str) -> Iterator[None]:
    token, under_way = _announced.set((entity, operations or (None,))), _under_way.set(entity)
    try:
        yield
    finally:
        _announced.reset(token)
        _under_way.reset(under_way)


def within(job: JobContext, connection: Connection) -> Any:
    """A transaction of a job as the plugin's other functions see theirs, with the plugin's settings."""
    context: Any = job.within(connection)
    context.settings = job.settings
    return context


def in_job(job: JobContext, do: Callable[[Any], Result], timeout: float = 30.0) -> Result:
    """Do something in a transaction of a job; all of it again if that met a deadlock."""
    return job.transact(lambda connection: do(within(job, connection)), timeout)


Check = Callable[[RecordChange], Mapping[str, Any] | None]
