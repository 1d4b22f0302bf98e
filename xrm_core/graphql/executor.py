"""Mutations: graphql-core executes the document on the role's schema, in a worker thread and inside one transaction.

Root fields answer by the same plans as queries; below them values are only picked out of the JSON by their key.
"""

import datetime as dt
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from dataclasses import field as attribute
from typing import Any, Protocol

import orjson
from graphql import (
    FieldNode,
    GraphQLError,
    GraphQLResolveInfo,
    execute_sync,
)
from sqlalchemy import Connection, Dialect

from xrm_core.errors import (
    Busy,
    DatabaseOverloaded,
    DatabaseUnavailable,
    Forbidden,
    ModelOutOfDate,
    TablesChanged,
    Timeout,
    XrmError,
)
from xrm_core.graphql import answers
from xrm_core.graphql.answers import Answer
from xrm_core.graphql.bulk import Plain, plain, resolve_many
from xrm_core.graphql.documents import Document
from xrm_core.graphql.dry_runs import NAME
from xrm_core.graphql.input_values import known_id, record_values
from xrm_core.graphql.known_variables import KnownVariables
from xrm_core.graphql.meanings import ActionRoot, Root
from xrm_core.graphql.merges import resolve_merge
from xrm_core.graphql.plans import FieldRequest, Plan, Planner
from xrm_core.graphql.selection import RECORD_ID, TYPE_KEY
from xrm_core.graphql.sharing import grantee_of
from xrm_core.graphql.upserts import upsert, upsert_many
from xrm_core.permissions.caller import User
from xrm_core.query.context import ContextValues
from xrm_core.query.reads import Read
from xrm_core.records import read_log
from xrm_core.records.actions import perform
from xrm_core.records.conflicts import RecordChanged
from xrm_core.records.door import Records
from xrm_core.records.idempotency import Kept, Repeatable
from xrm_core.records.rights import missing
from xrm_core.records.shares import Share
from xrm_core.records.wording import noun
from xrm_core.storage.counters import TAKEN_BACK
from xrm_core.storage.driver_statements import Ahead, Call, Outcome
from xrm_core.storage.engines import Database
from xrm_core.storage.policy_sets import asking_versions, require_current, require_versions
from xrm_core.storage.readers import fetch_in
from xrm_core.storage.retrying import RETRIES, is_conflict, pause
from xrm_core.translation import say

_LEAST_SECONDS = 0.05
"""For a try that begins just before the time is over."""


@dataclass(frozen=True)
class Execution:
    """One operation under way, as resolvers see it in ``info.context``."""

    connection: Connection
    caller: User
    records: Records
    planner: Planner
    document: Document
    variables: Mapping[str, Any]
    shape: Any
    timeout: float
    reads: list[tuple[Read, Sequence[str]]] = attribute(default_factory=list)
    address: str | None = None


class Held(Protocol):
    """Knows whether callers have what they were let in with."""

    def asking(self, dialect: Dialect, caller: User) -> Call:
        """The statement that asks for it."""

    def require(self, outcome: Outcome, caller: User) -> None:
        """Raise an XrmError if a caller has lost it, by what the statement has found."""


class _Undone(Exception):
    """Ends the transaction of an operation that had errors, or was a dry run: nothing of it stays."""

    def __init__(self, answer: Answer) -> None:
        super().__init__()
        self.answer = answer


@dataclass(frozen=True)
class Executor:
    """Executes mutations on one role's schema. Blocking: runs in a worker thread.

    ``policies`` is the digest of those that the role comes from, if transactions are to hold it. ``held`` refuses
    callers who have lost by now what they were let in with. ``dry``: nothing stays of it in any case. ``repeatable``:
    it is done once, and its answer is kept for ``kept_for``.
    """

    database: Database
    records: Records
    planner: Planner
    timeout: float
    policies: str | None = None
    held: Held | None = None
    dry: bool = False
    repeatable: Repeatable | None = None
    kept_for: dt.timedelta = dt.timedelta()

    def run(
        self,
        document: Document,
        operation_name: str | None,
        raw: Any,
        coerced: Any,
        caller: User,
        extensions: Mapping[str, Any] | None = None,
        address: str | None = None,
    ) -> Answer:
        """Execute a mutation; one that has any error leaves nothing behind. What another change has only got in the
        way of is executed again, as a whole, up to three times, as long as the time for one is not over.

        Args:
            document: parsed and valid.
            operation_name: which operation; None if there is one.
            raw: variables as the client sent them.
            coerced: the same, coerced.
            caller: who asks.
            extensions: those of the answer.
            address: of the client, for the log.

        Raises:
            IdempotencyKeyReused, IdempotencyAnswerWithheld, IdempotencyInProgress: nothing was done.
            ModelOutOfDate, TablesChanged: the database has another model or other policies; nothing was done.
            Busy, DatabaseUnavailable, Timeout: nothing was done.
        """
        until = time.monotonic() + self.timeout
        for retry in range(RETRIES + 1):
            gives_up = _gives_up(retry, until)
            # A later try has what the earlier ones have left, so whoever asks waits for one of them at most.
            one = self if retry == 0 else replace(self, timeout=max(until - time.monotonic(), _LEAST_SECONDS))
            try:
                return one._once(document, operation_name, raw, coerced, caller, extensions, address, gives_up)
            except XrmError as error:
                if gives_up(error):
                    raise
                pause(retry)
        raise AssertionError  # the last try has answered or raised

    def _once(
        self,
        document: Document,
        operation_name: str | None,
        raw: Any,
        coerced: Any,
        caller: User,
        extensions: Mapping[str, Any] | None,
        address: str | None,
        gives_up: Callable[[BaseException], bool],
    ) -> Answer:
        """One try. What does not give up leaves as it is, to be tried again; else it is a part of the answer."""
        reads: list[tuple[Read, Sequence[str]]] = []
        now = dt.datetime.now(dt.UTC)
        if self.dry:
            extensions = {**(extensions or {}), NAME: True}
        try:
            ahead = self._ahead(caller)
            with self.database.begin(self.timeout, ahead) as connection:
                self._require_all(connection, ahead, caller)
                if self.repeatable is not None and (before := self.repeatable.answered(connection, now)) is not None:
                    read_log.write(connection, caller, address, before.reads)
                    return Answer(before.body, status=before.status)
                if self.dry:
                    connection.execution_options(**{TAKEN_BACK: True})
                operation = document.operation(operation_name)
                variables = document.variables_of(operation)
                shape = variables.plan_key(coerced)
                execution = Execution(
                    connection,
                    caller,
                    self.records,
                    self.planner,
                    document,
                    coerced,
                    shape,
                    self.timeout,
                    reads,
                    address,
                )
                outcome = execute_sync(
                    self.planner.role.graphql,
                    document.ast,  # type: ignore[arg-type] # valid documents have one
                    operation_name=operation_name,
                    executor_class=KnownVariables(operation, variables.known(raw, coerced)),  # type: ignore[arg-type]
                    context_value=execution,
                    field_resolver=_resolve,
                    type_resolver=type_of,
                )
                self._refuse_other_model(outcome.errors or ())
                for each in map(answers.cause, outcome.errors or ()):
                    if not gives_up(each) or self._is_of_the_database(each):
                        raise each
                # A change of tables waits for whoever writes to them: what is still the model now, after all
                # statements, was the model of each of them. Policies are held by having been looked at.
                self._require_current(connection, failed=bool(outcome.errors))
                data = None if outcome.errors else outcome.data
                answer = answers.result(data, outcome.errors, self._understood, extensions)
                if outcome.errors or self.dry:
                    raise _Undone(answer)
                read_log.write(connection, caller, address, reads)
                if self.repeatable is not None:
                    kept = Kept(answer.status, answer.body, reads)
                    self.repeatable.keep(connection, kept, now + self.kept_for)
                return answer
        except _Undone as undone:
            if reads:  # what was read is told by this answer, too
                with self.database.begin(self.timeout) as connection:
                    read_log.write(connection, caller, address, reads)
            return undone.answer

    def _ahead(self, caller: User) -> Ahead:
        """What is asked at the beginning."""
        dialect = self.database.dialect
        versions = () if self.policies is None else (asking_versions(dialect),)
        return Ahead((*versions, *(() if self.held is None else (self.held.asking(dialect, caller),))))

    def _require_all(self, connection: Connection, ahead: Ahead, caller: User) -> None:
        if self.policies is None:
            require_current(connection, self.records.model, None)
        else:
            [versions] = ahead.outcomes[0][0]
            require_versions(versions, self.records.model, self.policies)
        if self.held is not None:
            self.held.require(ahead.outcomes[-1], caller)

    def _require_current(self, connection: Connection, *, failed: bool) -> None:
        """As :func:`require_current`; a transaction of PostgreSQL in which a statement failed answers nothing more.

        On SQLite nobody else has written since the transaction began.
        """
        if self.database.is_sqlite:
            return
        if failed:
            with self.database.read(self.timeout) as apart:
                require_current(apart, self.records.model, self.policies)
        else:
            require_current(connection, self.records.model, self.policies)

    def _refuse_other_model(self, errors: Iterable[GraphQLError]) -> None:
        for each in errors:
            cause = answers.cause(each)
            error = cause if isinstance(cause, XrmError) else self._understood(cause)
            if isinstance(error, ModelOutOfDate | TablesChanged):
                raise error

    def _is_of_the_database(self, error: BaseException) -> bool:
        """Whether it is no answer to what was asked for: it passes, and is told as for a database that is away."""
        ours = error if isinstance(error, XrmError) else self._understood(error)
        return isinstance(ours, Busy | DatabaseOverloaded | DatabaseUnavailable | Timeout)

    def _understood(self, error: BaseException) -> XrmError | None:
        return self.database.understood(error, self.timeout)


def _gives_up(retry: int, until: float) -> Callable[[BaseException], bool]:
    """Which errors another try would meet again: all but conflicts, and once, what others may have just made true.

    After the last try, and when it is ``until`` by the monotonic clock, there is no other try.
    """

    def gives_up(error: BaseException) -> bool:
        if retry == RETRIES or time.monotonic() >= until:
            return True
        overtaken = isinstance(error, XrmError) and error.overtaken and retry == 0
        return not (overtaken or is_conflict(error))

    return gives_up


def _resolve(source: Any, info: GraphQLResolveInfo[Any], **arguments: Any) -> Any:
    """Any field without a resolver of its own: root fields by what they stand for, all others by their key."""
    execution: Execution = info.context
    root = execution.planner.role.meanings.get(info.parent_type.name, info.field_name)
    if isinstance(root, ActionRoot):
        return _act(info, root, arguments)
    if isinstance(root, Root):
        return _resolver(root)(source, info, **arguments)
    if isinstance(source, Plain):
        return source[info.field_name]
    return None if source is None else source[str(info.path.key)]


def type_of(value: Mapping[str, Any], _info: GraphQLResolveInfo[Any], _type: Any) -> str:
    """The type of a record of a union, which the executor's plans have in it."""
    return str(value[TYPE_KEY])


def _resolver(root: Root) -> Any:
    def create(_source: Any, info: GraphQLResolveInfo[Any], **arguments: Any) -> Any:
        execution: Execution = info.context
        entity = execution.planner.model[root.entity]
        values = record_values(execution.planner.model, entity, arguments["input"])
        id_ = execution.records.create(execution.connection, execution.caller, entity.name, values)
        return _changed(info, root, id_)

    def update(_source: Any, info: GraphQLResolveInfo[Any], **arguments: Any) -> Any:
        execution: Execution = info.context
        entity = execution.planner.model[root.entity]
        id_ = known_id(entity, arguments["id"])
        changes = record_values(execution.planner.model, entity, arguments["input"])
        with _conflicts_read(execution):
            execution.records.update(
                execution.connection, execution.caller, entity.name, id_, changes, arguments.get("version")
            )
        return _changed(info, root, id_)

    def delete(_source: Any, info: GraphQLResolveInfo[Any], **arguments: Any) -> Any:
        execution: Execution = info.context
        entity = execution.planner.model[root.entity]
        id_ = known_id(entity, arguments["id"])
        execution.records.hold(execution.connection, execution.caller, entity.name, id_)
        before = _read(info, root, id_)  # as whoever changed it last has left it
        if before is None:
            scope = execution.records.scope(execution.connection, execution.caller)
            raise missing(execution.connection, scope, execution.caller, entity, id_)
        with _conflicts_read(execution):
            execution.records.delete(execution.connection, execution.caller, entity.name, id_, arguments.get("version"))
        return before

    def restore(_source: Any, info: GraphQLResolveInfo[Any], **arguments: Any) -> Any:
        execution: Execution = info.context
        id_ = known_id(execution.planner.model[root.entity], arguments["id"])
        execution.records.restore(execution.connection, execution.caller, root.entity, id_)
        return _changed(info, root, id_)

    def purge(_source: Any, info: GraphQLResolveInfo[Any], **arguments: Any) -> Any:
        execution: Execution = info.context
        id_ = known_id(execution.planner.model[root.entity], arguments["id"])
        execution.records.purge(execution.connection, execution.caller, root.entity, [id_], execution.address)
        return id_

    def share(_source: Any, info: GraphQLResolveInfo[Any], **arguments: Any) -> Any:
        given = Share(arguments["level"].lower(), _moment(arguments.get("until")), arguments.get("reason"))
        return _share(info, root, arguments, given)

    def unshare(_source: Any, info: GraphQLResolveInfo[Any], **arguments: Any) -> Any:
        return _share(info, root, arguments, None)

    def many(_source: Any, info: GraphQLResolveInfo[Any], **arguments: Any) -> Any:
        return resolve_many(info, root, arguments)

    def merge(_source: Any, info: GraphQLResolveInfo[Any], **arguments: Any) -> Any:
        with _conflicts_read(info.context):
            return resolve_merge(info, root, arguments)

    def merged(source: Any, info: GraphQLResolveInfo[Any]) -> Any:
        return _changed(info, root, source["id"])

    def upserting(_source: Any, info: GraphQLResolveInfo[Any], **arguments: Any) -> Any:
        execution: Execution = info.context
        act = upsert_many if root.kind == "upsert_many" else upsert
        return act(execution, execution.planner.model[root.entity], arguments)

    def upserted(source: Any, info: GraphQLResolveInfo[Any]) -> Any:
        return _changed(info, root, source["id"])

    if root.kind in ("upsert", "upsert_many"):
        return upserting
    if root.kind == "upserted":
        return upserted
    if root.kind.endswith("_many"):
        return many
    known = {"create": create, "update": update, "delete": delete, "restore": restore, "purge": purge}
    return {**known, "share": share, "unshare": unshare, "merge": merge, "merged": merged}[root.kind]


def _act(info: GraphQLResolveInfo[Any], root: ActionRoot, arguments: Mapping[str, Any]) -> Any:
    """Run an action of a plugin; its record is read by the field itself, or by ``record`` of its answer."""
    execution: Execution = info.context
    entity = None if root.entity is None else execution.planner.model[root.entity]
    id_ = None if entity is None else known_id(entity, arguments["id"])
    with _conflicts_read(execution):
        answer = perform(
            execution.records,
            execution.connection,
            execution.caller,
            root.action,
            id_=id_,
            given=arguments.get("input"),
            version=arguments.get("version"),
            reads=execution.reads,
        )
    if execution.records.actions.answer(root.action) is not None:
        told: Plain = plain(answer)
        return told if id_ is None else Plain(told, id=id_)
    return True if entity is None or id_ is None else _changed(info, Root("update", entity.name), id_)


@contextmanager
def _conflicts_read(execution: Execution) -> Iterator[None]:
    """What an error shows of a record is read as well."""
    try:
        yield
    except RecordChanged as conflict:
        execution.reads.extend(conflict.reads)
        raise


def _share(info: GraphQLResolveInfo[Any], root: Root, arguments: Mapping[str, Any], given: Share | None) -> Any:
    execution: Execution = info.context
    id_ = known_id(execution.planner.model[root.entity], arguments["id"])
    grantee = grantee_of(arguments["with"])
    execution.records.share(execution.connection, execution.caller, root.entity, id_, grantee, given, execution.address)
    return _changed(info, root, id_)


def _moment(value: Any) -> dt.datetime | None:
    return dt.datetime.fromisoformat(value) if isinstance(value, str) else value


def _changed(info: GraphQLResolveInfo[Any], root: Root, id_: str) -> Any:
    found = _read(info, root, id_)
    if found is None:
        raise Forbidden(
            say(
                "You could not read the {entity} after this change.",
                entity=noun(info.context.planner.model[root.entity]),
            ),
            hint=say("Your role may write only records that it may read, too."),
        )
    return found


def _read(info: GraphQLResolveInfo[Any], root: Root, record_id: str) -> Any:
    definition = info.parent_type.fields[info.field_name]
    return read_record(info, FieldRequest(root, list(info.field_nodes), definition), record_id)


def read_record(info: GraphQLResolveInfo[Any], request: FieldRequest, record_id: str) -> Any:
    """A record as a field asks for it; None if the caller may not see it."""
    execution: Execution = info.context
    nodes: tuple[FieldNode, ...] = tuple(info.field_nodes)
    key = (execution.shape, tuple(id(node) for node in nodes), "executor")
    plan, values = _with_values(execution, request, key, record_id)
    [call] = plan.calls(values)
    [answer] = plan.opened(execution.connection, [fetch_in(execution.connection, call, execution.timeout)])
    if plan.reads:
        [answer], reads = plan.shown([answer])
        execution.reads.extend(reads)
    return None if answer is None else orjson.loads(answer)


def _with_values(execution: Execution, request: FieldRequest, key: Any, record_id: str) -> tuple[Plan, dict[str, Any]]:
    plan = execution.planner.field_plan(request, execution.document, execution.variables, key=key)
    given = ContextValues(execution.caller)
    given[RECORD_ID] = record_id
    values = plan.values(execution.variables, given)
    if values is None:  # the cursors have empty values in other places than when the plan was made
        execution.document.plans.pop(key, None)
        return _with_values(execution, request, key, record_id)
    return plan, values
