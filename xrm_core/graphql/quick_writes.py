"""Mutations that have a :class:`~xrm_core.graphql.quick_plans.QuickPlan`, answered in the event loop on PostgreSQL: all
statements of a creation in one round trip, those of a change in one or two.

Whatever goes wrong leaves nothing behind, and the executor does it again, and says what is wrong: so there is one place
that makes errors.
"""

import datetime as dt
from collections.abc import Mapping
from typing import Any, Protocol

import orjson
from sqlalchemy import Dialect

from xrm_core.errors import XrmError
from xrm_core.graphql.answers import Answer
from xrm_core.graphql.input_values import known_id
from xrm_core.graphql.quick_plans import NotSimple, QuickPlan
from xrm_core.graphql.selection import RECORD_ID
from xrm_core.metadata.model import Entity
from xrm_core.permissions.caller import User
from xrm_core.query.context import ContextValues
from xrm_core.query.scan import Scope
from xrm_core.records.at_once import change_of, changing_at_once, creating_at_once, holding_at_once, is_plain
from xrm_core.records.door import Records
from xrm_core.records.in_one import InOne, changing_in_one
from xrm_core.records.written import Written
from xrm_core.storage.driver_statements import Call
from xrm_core.storage.joined import shown_if, written_and_shown, written_together
from xrm_core.storage.policy_sets import versions_required
from xrm_core.storage.pq_writer import NotWritten, PostgresWriter, StillHeld
from xrm_core.storage.requirements import Requirement, requiring


class Required(Protocol):
    """Knows whether callers have what they were let in with."""

    def required(self, caller: User) -> Requirement:
        """That they have."""


class QuickWrites:
    """Answers on one model and one database.

    Args:
        writer: for transactions.
        records: the write door.
        policies: digest of those under which callers are authorised.
        held: as for :class:`~xrm_core.graphql.executor.Executor`.
    """

    def __init__(
        self, writer: PostgresWriter, records: Records, dialect: Dialect, policies: str, held: Required
    ) -> None:
        self._writer = writer
        self._records = records
        self._dialect = dialect
        self._policies = policies
        self._held = held
        self._plain: dict[str, bool] = {}

    def are_possible(self, kind: Entity) -> bool:
        """Whether records of an entity can be written so, and nobody has to be told of the statements."""
        plain = self._plain.get(kind.name)
        if plain is None:
            plain = self._plain[kind.name] = is_plain(self._records, kind)
        return plain and not self._writer.is_listened_to

    async def answer(
        self, plan: QuickPlan, variables: Mapping[str, Any], caller: User, seconds: float
    ) -> Answer | None:
        """The answer to a mutation; None: it is to be executed, nothing was done.

        Args:
            plan: of the document.
            variables: coerced.
            caller: who asks.
            seconds: that a statement may take.

        Raises:
            DatabaseUnavailable: the connection was lost; nobody knows whether it was done.
            StillHeld: others hold what it is about; it is to be executed by somebody who waits for them.
            Timeout: it has taken too long; nothing was done.
        """
        scope = Scope(self._records.model, self._records.tables, caller.access, self._dialect)
        write = self._create if plan.root.kind == "create" else self._update
        try:
            text = await write(plan, scope, variables, caller, seconds)
        except StillHeld:
            raise
        except (NotSimple, NotWritten):
            return None
        if text is None:
            return None
        return Answer(b'{"data":{%b:%b}}' % (orjson.dumps(plan.key), text))

    async def _create(
        self, plan: QuickPlan, scope: Scope, variables: Mapping[str, Any], caller: User, seconds: float
    ) -> bytes | None:
        try:
            values = plan.values(variables)
            made = creating_at_once(
                self._records, scope, caller, plan.kind, values, _now(), at_once=plan.same is not None
            )
            if made is None:
                return None
            id_, written = made
            calls = self._last(plan, variables, caller, id_, written)
        except XrmError:
            return None
        return await self._finish(calls, seconds)

    async def _finish(self, calls: list[Call], seconds: float) -> bytes | None:
        async with self._writer.writing(seconds) as writing:
            return (await writing.finish(calls))[-1]

    async def _update(
        self, plan: QuickPlan, scope: Scope, variables: Mapping[str, Any], caller: User, seconds: float
    ) -> bytes | None:
        try:
            id_ = known_id(plan.kind, plan.argument("id", variables))
            changes, version = plan.values(variables), plan.argument("version", variables)
            change = change_of(scope, caller, plan.kind, changes)
            if change is None:
                return None
            if (calls := self._in_one(plan, variables, caller, id_, changes, change.in_one, version)) is None:
                held = holding_at_once(scope, caller, plan.kind, id_, change)
        except XrmError:
            return None
        if calls is not None:
            return await self._finish(calls, seconds)
        async with self._writer.writing(seconds) as writing:
            found = await writing.ask(held)
            if not found:
                raise NotWritten
            before = change.make_record(found[0])
            if version is not None and version != before["version"]:
                raise NotWritten
            try:
                ready = changing_at_once(
                    self._records,
                    scope,
                    caller,
                    plan.kind,
                    before,
                    changes,
                    change,
                    _now(),
                    at_once=plan.same is not None,
                )
                calls = [] if ready is None else self._last(plan, variables, caller, id_, ready)
            except XrmError as error:
                raise NotWritten from error
            if not calls:
                raise NotWritten
            return (await writing.finish(calls))[-1]

    def _in_one(
        self,
        plan: QuickPlan,
        variables: Mapping[str, Any],
        caller: User,
        id_: str,
        changes: Mapping[str, Any],
        ready: InOne | None,
        version: int | None,
    ) -> list[Call] | None:
        """The one statement that changes a record; None: it takes more."""
        if plan.same is None or ready is None:
            return None
        given = (self._records, caller, plan.kind, id_, changes, ready, version, _now())
        written = changing_in_one(*given, beyond=plan.beyond)
        return None if written is None else self._last(plan, variables, caller, id_, written)

    def _last(
        self, plan: QuickPlan, variables: Mapping[str, Any], caller: User, id_: str, written: Written
    ) -> list[Call]:
        """What writes the record, what shows it then, and what fails if anything is not as it has to be."""
        given = ContextValues(caller)
        given[RECORD_ID] = id_
        values = plan.answer.values(variables, given)
        if values is None:
            raise NotSimple
        [statement] = [step.statement for step in plan.answer.steps if step.statement is not None]
        versions = versions_required(self._records.model, self._policies)
        wanted = [*written.required, self._held.required(caller), versions]
        kept = self._records.tables.statements
        required = requiring(wanted, kept, self._dialect, ContextValues(caller))
        if plan.same is not None and written.at_once:
            shown = Call(plan.same, statement.bind(values), None, _never)
            parts = written.row, written.entry, shown, required, kept, written.looked_at
            return [*written.first, written_and_shown(*parts)]
        shown = Call(plan.text, statement.bind(values), None, _never)
        both = written_together(written.row, written.entry, kept)
        return [*written.first, both, shown_if(shown, required, kept)]


def _never(_connection: Any) -> Any:
    raise RuntimeError("these are not run by SQLAlchemy")


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
