"""Operations that ask for the feed of changes: log and records are read from one snapshot."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson
from graphql import GraphQLResolveInfo, execute_sync
from sqlalchemy import Connection

from xrm_core.graphql import answers
from xrm_core.graphql.answers import Answer
from xrm_core.graphql.arguments import Tree
from xrm_core.graphql.documents import Document
from xrm_core.graphql.executor import type_of
from xrm_core.graphql.feed_plans import IDS, FeedPlan, Path
from xrm_core.graphql.meanings import FeedField, FeedRoot
from xrm_core.graphql.plans import Planner
from xrm_core.metadata.predicate import Literal_
from xrm_core.permissions.caller import User
from xrm_core.query.context import ContextValues
from xrm_core.query.reads import Read
from xrm_core.records.feed.changed import Feed, Found, Kind, Told
from xrm_core.records.feed.cursors import Cursor, Cursors, model_of, rights_of
from xrm_core.records.feed.place import Head, has_all_after, has_batch, head
from xrm_core.storage.engines import Database
from xrm_core.storage.policy_sets import require_current
from xrm_core.storage.readers import fetch_in

Reads = list[tuple[Read, Sequence[str]]]


@dataclass(frozen=True)
class FeedOperations:
    """Executes operations that consist of the field ``changes``. Blocking.

    ``policies`` is the digest of those under which the caller is authorised, if they are to be held.
    """

    database: Database
    planner: Planner
    cursors: Cursors
    timeout: float
    policies: str | None = None

    def run(
        self,
        plan: FeedPlan,
        document: Document,
        operation_name: str | None,
        raw: Mapping[str, Any],
        coerced: Mapping[str, Any],
        caller: User,
        extensions: Mapping[str, Any] | None = None,
    ) -> tuple[Answer, Reads]:
        """The answer to an operation, and what it shows of entities whose reads are logged.

        Args:
            plan: its plan.
            document: parsed and valid.
            operation_name: which operation; None if there is one.
            raw: variables as the client sent them.
            coerced: the same, coerced.
            caller: who asks.
            extensions: those of the answer.

        Raises:
            ModelOutOfDate, TablesChanged: the database has another model or other policies.
            BadCursor: the cursor is none of this server's.
            BadQuery, QueryTooLarge: it asks for too much.
        """
        values = plan.values(coerced, ContextValues(caller))
        with self.database.read(self.timeout) as connection:
            require_current(connection, self.planner.model, self.policies)
            source, reads = self._source(connection, plan, values, caller)
        outcome = execute_sync(
            self.planner.role.graphql,
            document.ast,  # type: ignore[arg-type] # valid documents have one
            root_value=source,
            variable_values=dict(raw),
            operation_name=operation_name,
            field_resolver=self._resolve,
            type_resolver=type_of,
        )
        return answers.result(outcome.data, outcome.errors, self.database.understood, extensions), reads

    def _resolve(self, source: Any, info: GraphQLResolveInfo[Any], **_arguments: Any) -> Any:
        match self.planner.role.meanings.get(info.parent_type.name, info.field_name):
            case FeedRoot():
                return source
            case FeedField("node"):
                path, above = info.path, info.path.prev and info.path.prev.prev
                return source["nodes"].get((str(above.key) if above else "", str(path.key)))
            case FeedField(part):
                return source[part]
        return source[str(info.path.key)]

    def _source(
        self, connection: Connection, plan: FeedPlan, values: dict[str, Any], caller: User
    ) -> tuple[dict[str, Any], Reads]:
        entities, given = value_of(plan.entities, values), value_of(plan.after, values)
        wanted = list(plan.known) if entities is None else [name for name in plan.known if name in entities]
        end, text = head(connection), given
        cursor = None if text is None else self.cursors.read(connection, text)
        fresh = self._cursor(end.position, end.position, end, caller)
        reload_ = "START" if cursor is None else self._reload(connection, cursor, fresh)
        scope = replace(self.planner.scope, dialect=self.database.dialect)
        feed = Feed(connection, scope, caller)
        found, reads = Found((), end.position, more=False), Reads()
        nodes: Mapping[str, Mapping[Path, Any]] = {}
        if cursor is not None and reload_ is None:
            found = feed.changes(wanted, cursor.base, cursor.after, end.position, value_of(plan.first, values))
            nodes = self._nodes(connection, plan, values, found.told, reads)
            fresh = self._cursor(cursor.base if found.more else found.after, found.after, end, caller)
        source = {
            "changes": [_shown(each, nodes) for each in found.told],
            "cursor": self.cursors.text(connection, fresh),
            "has_more": found.more,
            "reload": reload_,
            "incomplete": feed.incomplete(wanted),
        }
        return source, reads

    def _cursor(self, base: int, after: int, end: Head, caller: User) -> Cursor:
        return Cursor(base, after, rights_of(caller), model_of(self.planner.model.fingerprint), end)

    @staticmethod
    def _reload(connection: Connection, cursor: Cursor, fresh: Cursor) -> str | None:
        """Why the log says nothing of what has changed since a cursor, if so."""
        if not has_batch(connection, cursor.seen):
            return "LOG_REPLACED"
        if cursor.model != fresh.model:
            return "MODEL_CHANGED"
        if cursor.rights != fresh.rights:
            return "RIGHTS_CHANGED"
        return None if has_all_after(connection, cursor.base) else "TOO_OLD"

    def _nodes(
        self, connection: Connection, plan: FeedPlan, values: dict[str, Any], told: Sequence[Told], reads: Reads
    ) -> dict[str, dict[Path, Any]]:
        """The records by id and place; ``reads`` gets what is shown of those whose reads are logged."""
        by_entity: dict[str, list[str]] = {}
        for each in told:
            if each.kind is not Kind.REMOVE:
                by_entity.setdefault(each.entity, []).append(each.record_id)
        found: dict[str, dict[Path, Any]] = {}
        for path in plan.nodes:
            for entity, ids in by_entity.items():
                part = plan.plan(path, entity)
                values[IDS] = ids
                [call] = part.calls(values)
                [result] = part.opened(connection, [fetch_in(connection, call, self.timeout)])
                if part.reads:
                    [result], shown = part.shown([result])
                    reads.extend(shown)
                records = orjson.loads(result or b"[]")
                for id_, record in zip(ids, records, strict=True):
                    found.setdefault(id_, {})[path] = record
        return found


def _shown(told: Told, nodes: Mapping[str, Mapping[Path, Any]]) -> dict[str, Any]:
    own = nodes.get(told.record_id, {})
    return {"entity": told.entity, "id": told.record_id, "operation": told.kind.value, "nodes": own}


def value_of(tree: Tree, values: Mapping[str, Any]) -> Any:
    """An argument: an enum value, a list of them, or a scalar; None if it is absent."""
    return None if tree is None else tree.value if isinstance(tree, Literal_) else values[tree.name]
