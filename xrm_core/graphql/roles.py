"""What is kept for each permission shape: its schema, documents and plans. Nothing in it belongs to one database."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Executor as Threads
from copy import copy
from dataclasses import dataclass, replace
from threading import Lock

from sqlalchemy import Dialect

from xrm_core.graphql.demands import Limits
from xrm_core.graphql.documents import Documents
from xrm_core.graphql.limits import DocumentLimits
from xrm_core.graphql.own_fields import require_free
from xrm_core.graphql.plans import Planner
from xrm_core.graphql.query_fields.registry import QueryFields
from xrm_core.graphql.schema import RoleSchema, build
from xrm_core.metadata.model import Model
from xrm_core.permissions.access import Access
from xrm_core.permissions.role_limits import Decided
from xrm_core.plugins import Plugins
from xrm_core.query.scan import Scope
from xrm_core.records.actions import Actions
from xrm_core.storage.tables import Tables

MAX_ROLES = 128
"""Permission shapes for which all of that is kept; of more, those that were not asked for the longest go."""

_MAX_APART = 16


@dataclass(frozen=True)
class Role:
    """Everything that is kept for one permission shape; ``timeout`` is the seconds that a statement of it may take."""

    schema: RoleSchema
    documents: Documents
    planner: Planner
    timeout: float


class Roles:
    """The roles of one model, each made when it is first asked for.

    Databases that have the same model may share it, and so may all of its policy sets: equal rights have equal shapes.
    Statements name no schema or file, and values of a caller are bound when they run.

    Args:
        tables: of the model.
        dialect: what statements are compiled for.
        pages: limits on pages and on the cost.
        limits: limits on documents.
        timeout: seconds that a statement may take.
        actions: of plugins.
        queries: query fields of plugins.

    Some of the limits are for roles that do not have their own.

    Raises:
        PluginLoadError: an action of a plugin has the name of a mutation of the platform.
    """

    def __init__(
        self,
        tables: Tables,
        dialect: Dialect,
        pages: Limits,
        limits: DocumentLimits,
        timeout: float,
        actions: Actions | None = None,
        queries: QueryFields | None = None,
    ) -> None:
        if actions is not None:
            require_free(actions, tables.model)
        self._actions = actions
        self.queries = QueryFields(Plugins(), tables.model, {}) if queries is None else queries
        self._tables = tables
        self._dialect = dialect
        self._pages = pages
        self._limits = limits
        self._usual = Decided(pages.cost, pages.largest_page, limits.depth, timeout)
        self._made: OrderedDict[str, Role] = OrderedDict()
        self._making = asyncio.Lock()
        self._apart: OrderedDict[str, Role] = OrderedDict()
        self._making_apart = Lock()

    @property
    def model(self) -> Model:
        """The model."""
        return self._tables.model

    def for_another_loop(self) -> "Roles":
        """The same ones for another event loop: what is made for either, both have."""
        same = copy(self)
        same._making = asyncio.Lock()  # belongs to the loop in which somebody first waits for it
        return same

    @property
    def shapes(self) -> list[str]:
        """The permission shapes that are in use."""
        return list(self._made)

    def known(self, access: Access) -> Role | None:
        """The role of a permission shape, if it was made before."""
        found = self._made.get(access.shape)
        if found is not None:
            self._made.move_to_end(access.shape)  # those that are not used are let go first
        return found

    async def get(self, access: Access, threads: Threads) -> Role:
        """The role of a permission shape; ``threads`` make it if need be."""
        return self.known(access) or await self._make(access, threads)

    def made(self, access: Access) -> Role:
        """The same for threads, blocking: one that nobody has asked for yet is made, and kept apart from the others."""
        found = self._made.get(access.shape)  # the order in which they go is the event loop's
        if found is None:
            with self._making_apart:
                found = self._apart.get(access.shape)
                if found is None:
                    found = self._apart[access.shape] = self._build(access)
                    if len(self._apart) > _MAX_APART:
                        self._apart.popitem(last=False)
        return found

    async def _make(self, access: Access, threads: Threads) -> Role:
        async with self._making:
            found = self._made.get(access.shape)
            if found is None:
                work: Callable[[Access], Role] = self._build
                found = await asyncio.get_running_loop().run_in_executor(threads, work, access)
                if len(self._made) >= MAX_ROLES:
                    self._made.popitem(last=False)
                self._made[access.shape] = found
        return found

    def _build(self, access: Access) -> Role:
        limits = access.limits.within(self._usual)
        pages = self._pages.of(limits)
        schema = build(self.model, access, self._actions, self.queries)
        planner = Planner(self.model, schema, Scope(self.model, self._tables, access, self._dialect), pages)
        documents = Documents(schema.graphql, replace(self._limits, depth=limits.depth))
        return Role(schema, documents, planner, limits.timeout)
