"""What a subscription tells: changes out of the log since a place, each with the rights of the moment it is told."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson
from graphql import GraphQLResolveInfo, execute_sync
from sqlalchemy import Connection

from xrm_core.errors import XrmError
from xrm_core.graphql import answers
from xrm_core.graphql.documents import Document
from xrm_core.graphql.executor import type_of
from xrm_core.graphql.feed_operations import FeedOperations, Reads, value_of
from xrm_core.graphql.feed_plans import IDS
from xrm_core.graphql.meanings import FeedField, Followed
from xrm_core.graphql.plans import Plan
from xrm_core.graphql.subscription_plans import ID_KEY, MOST, NODES_KEY, SubscriptionPlan
from xrm_core.permissions.caller import User
from xrm_core.query.context import ContextValues
from xrm_core.records.feed.changed import Feed, Kind, Told
from xrm_core.records.feed.cursors import Cursor
from xrm_core.records.feed.place import head
from xrm_core.storage.policy_sets import require_current
from xrm_core.storage.readers import fetch_in


class ChangesGap(XrmError):
    """A subscription cannot go on without leaving something out."""

    code = "CHANGES_GAP"
    http_status = 409

    def __init__(self, reason: str) -> None:
        super().__init__(
            "What you can see has changed by something that no subscription tells.",
            hint="Load the records anew, and subscribe without a cursor.",
            details={"reason": reason},
        )


@dataclass(frozen=True, slots=True)
class Batch:
    """What a subscription tells at a time: bodies of answers. ``more``: there is more already.

    ``place`` is from where to go on. ``reads`` is what is shown of entities whose reads are logged.
    """

    bodies: Sequence[bytes]
    place: Cursor
    more: bool
    reads: Reads


@dataclass(frozen=True)
class SubscriptionOperations(FeedOperations):
    """Tells subscriptions what has happened. Blocking."""

    def batch(
        self,
        plan: SubscriptionPlan,
        document: Document,
        operation_name: str | None,
        raw: Mapping[str, Any],
        coerced: Mapping[str, Any],
        caller: User,
        place: Cursor | None,
    ) -> Batch:
        """The next changes.

        Args:
            plan: the plan.
            document: parsed and valid.
            operation_name: which operation; None if there is one.
            raw: variables as the client sent them.
            coerced: the same, coerced.
            caller: who asks, with the rights of now.
            place: from where to go on; None: where the subscription says, or from now on.

        Raises:
            ModelOutOfDate, TablesChanged: the database has another model or other policies.
            BadCursor: the cursor is none of this server's.
            ChangesGap: the log does not tell what has changed since that place.
        """
        values = plan.values(coerced, ContextValues(caller))
        with self.database.read(self.timeout) as connection:
            require_current(connection, self.planner.model, self.policies)
            end = head(connection)
            fresh = self._cursor(end.position, end.position, end, caller)
            text = value_of(plan.after, values)
            if place is None:
                place = fresh if text is None else self.cursors.read(connection, text)
            reason = self._reload(connection, place, fresh)
            if reason is not None:
                raise ChangesGap(reason)
            feed = Feed(connection, replace(self.planner.scope, dialect=self.database.dialect), caller)
            found = feed.changes([plan.entity], place.base, place.after, end.position, MOST)
            reads = Reads()
            told, nodes = self._told(connection, feed, plan, values, found.told, place.base, reads)
            seal = self.cursors.sealer(connection)
            sources = [
                {
                    "operation": each.kind.value,
                    "id": each.record_id,
                    "cursor": seal(replace(fresh, base=place.base, after=each.position)),
                    "nodes": {key: records.get(each.record_id) for key, records in nodes.items()},
                }
                for each in told
            ]
        after = self._cursor(place.base if found.more else found.after, found.after, end, caller)
        bodies = [self._body(document, operation_name, raw, source) for source in sources]
        return Batch(bodies, after, found.more, reads)

    def _told(
        self,
        connection: Connection,
        feed: Feed,
        plan: SubscriptionPlan,
        values: dict[str, Any],
        found: Sequence[Told],
        base: int,
        reads: Reads,
    ) -> tuple[list[Told], dict[str, dict[str, Any]]]:
        """The changes that are asked for, and the records of them by response key and id."""
        there = [each.record_id for each in found if each.kind is not Kind.REMOVE]
        matching = self._read(connection, plan.matching, values, there, reads)
        others = [id_ for id_ in there if id_ not in matching]
        left = feed.met_before(plan.entity, others, base, plan.where, values)
        wanted = value_of(plan.operations, values)
        told = []
        for each in found:
            if each.kind is not Kind.REMOVE and each.record_id not in matching:
                if each.record_id not in left:
                    continue
                each = replace(each, kind=Kind.REMOVE)
            if wanted is None or each.kind.value in wanted:
                told.append(each)
        shown = [each.record_id for each in told if each.kind is not Kind.REMOVE]
        return told, {key: self._read(connection, part, values, shown, reads) for key, part in plan.nodes.items()}

    def _read(
        self, connection: Connection, plan: Plan, values: dict[str, Any], ids: Sequence[str], reads: Reads
    ) -> dict[str, Any]:
        if not ids:
            return {}
        values[IDS] = list(ids)
        [call] = plan.calls(values)
        [result] = plan.opened(connection, [fetch_in(connection, call, self.timeout)])
        if plan.reads:
            [result], shown = plan.shown([result])
            reads.extend(shown)
        return {node[ID_KEY]: node for node in orjson.loads(result or b"{}")[NODES_KEY]}

    def _body(
        self, document: Document, operation_name: str | None, raw: Mapping[str, Any], source: Mapping[str, Any]
    ) -> bytes:
        outcome = execute_sync(
            self.planner.role.graphql,
            document.ast,  # type: ignore[arg-type] # valid documents have one
            root_value=source,
            variable_values=dict(raw),
            operation_name=operation_name,
            field_resolver=self._resolve_event,
            type_resolver=type_of,
        )
        return answers.result(outcome.data, outcome.errors, self.database.understood).body

    def _resolve_event(self, source: Any, info: GraphQLResolveInfo[Any], **_arguments: Any) -> Any:
        match self.planner.role.meanings.get(info.parent_type.name, info.field_name):
            case Followed():
                return source
            case FeedField("node"):
                return source["nodes"].get(str(info.path.key))
            case FeedField(part):
                return source[part]
        return source[str(info.path.key)]
