"""What follows from a model and policies: made once, shared by all databases that have this model."""

import threading
from dataclasses import dataclass, replace
from weakref import WeakValueDictionary

from sqlalchemy import Dialect

from xrm_core.errors import ModelOutOfDate, SettingsError
from xrm_core.graphql.asking import Asking
from xrm_core.graphql.demands import Limits
from xrm_core.graphql.limits import DocumentLimits
from xrm_core.graphql.query_fields import QueryFields
from xrm_core.graphql.roles import Roles
from xrm_core.metadata.model import USER, Model
from xrm_core.permissions.authority import Authority
from xrm_core.permissions.in_force import in_force
from xrm_core.permissions.policy import PolicySet
from xrm_core.plugins import Plugins
from xrm_core.records.door import Records
from xrm_core.sealed.key_store import keys_of
from xrm_core.server.content_stores import content_stores
from xrm_core.settings import Settings
from xrm_core.storage.applied import applied_fingerprint, current_model, tables_version
from xrm_core.storage.engines import Database
from xrm_core.storage.readers import statement_dialect
from xrm_core.storage.tables import Tables

LOOK_SECONDS = 5.0
"""How long a look at a database for its model and policies may take."""


@dataclass(frozen=True, eq=False)
class Blueprint:
    """A model and what stands on it, but no database."""

    model: Model
    records: Records
    authority: Authority
    roles: Roles

    def for_another_loop(self) -> "Blueprint":
        """The same for another event loop: schemas and plans that are made for either, both have."""
        return replace(self, roles=self.roles.for_another_loop())


class Blueprints:
    """Blueprints by model, policies and kind of database; each goes when no database uses it any more.

    Args:
        settings: limits.
        plugins: asked before writes.
    """

    def __init__(self, settings: Settings, plugins: Plugins) -> None:
        self._settings = settings
        self.plugins = plugins
        self._made: WeakValueDictionary[tuple[str, str, str], Blueprint] = WeakValueDictionary()
        self._making = threading.Lock()

    def __len__(self) -> int:
        """How many are in use."""
        return len(self._made)

    def get(self, model: Model, policies: PolicySet, dialect: Dialect) -> Blueprint:
        """The blueprint of a model under policies, which must fit it. Blocking.

        Raises:
            SettingsError: nobody could sign in.
        """
        with self._making:
            key = (model.fingerprint, policies.version, dialect.name)
            found = self._made.get(key)
            # A fingerprint is short; that two databases with equal ones share rights must not rest on that alone.
            if found is None or found.model != model:
                found = self._made_of(model, Authority(model, policies), dialect)
            return found

    def _made_of(self, model: Model, authority: Authority, dialect: Dialect) -> Blueprint:
        """A new blueprint. What does not depend on policies is shared with others of the same model."""
        for (fingerprint, _, name), other in list(self._made.items()):
            if (fingerprint, name) == (model.fingerprint, dialect.name) and other.model == model:
                return self._keep(Blueprint(other.model, other.records, authority, other.roles), dialect)
        return self.add(
            model,
            Records(
                model,
                Tables(model, lazy=True),
                self.plugins,
                most_along=self._settings.max_deletion,
                key_store=keys_of(self._settings),
                stores=content_stores(self._settings),
            ),
            authority,
            dialect,
        )

    def add(self, model: Model, records: Records, authority: Authority, dialect: Dialect) -> Blueprint:
        """A blueprint of parts that are there already.

        Raises:
            SettingsError: nobody could sign in.
            PluginLoadError: what a plugin says of the change log cannot be used.
        """
        if USER not in model:
            raise SettingsError(
                f"The pack has no entity «{USER}», so nobody could sign in.", hint="Add its entity file."
            )
        roles = make_roles(self._settings, records.tables, dialect, records)
        _ = records.log_rules  # a plugin that fails there stops the start
        return self.take(Blueprint(model, records, authority, roles), dialect)

    def take(self, made: Blueprint, dialect: Dialect) -> Blueprint:
        """One that was made elsewhere, of the same plugins and under the same settings."""
        made.records.asks = Asking(made.roles)
        return self._keep(made, dialect)

    def _keep(self, made: Blueprint, dialect: Dialect) -> Blueprint:
        self._made[made.model.fingerprint, made.authority.policies.version, dialect.name] = made
        return made


def make_roles(settings: Settings, tables: Tables, dialect: Dialect, records: Records | None = None) -> Roles:
    """What is kept for the roles of a model, under the limits of the settings; ``dialect`` is that of the database.

    ``records`` know the actions and the query fields of plugins: without, no role has any.

    Raises:
        PluginLoadError: a plugin registers a query field that cannot be used.
    """
    pages = Limits(settings.default_page_size, settings.max_page_size, settings.max_cost, settings.max_network_depth)
    limits = DocumentLimits(
        settings.max_tokens, settings.max_depth, settings.max_aliases, variables=settings.max_variables
    )
    actions = None if records is None else records.actions
    queries = None if records is None else QueryFields(records.plugins, records.model, records.actions)
    return Roles(tables, statement_dialect(dialect), pages, limits, settings.statement_timeout, actions, queries)


def asking_of(settings: Settings, records: Records, dialect: Dialect) -> Asking:
    """What answers documents of plugins where no roles are at hand; ``dialect`` is that of the database."""
    return Asking(make_roles(settings, records.tables, dialect, records))


def blueprint_of(database: Database, blueprints: Blueprints) -> tuple[Blueprint, int | None]:
    """What follows from the model and the policies that a database has, and the version of its tables. Blocking.

    Raises:
        ModelOutOfDate: there is none, or this version of the platform reads it differently.
        PolicyInvalid: there are no policies, or they do not fit it.
        DatabaseUnavailable: the database does not answer.
    """
    with database.read(LOOK_SECONDS) as connection:
        model = current_model(connection)
        applied = None if model is None else applied_fingerprint(connection)
        tables = tables_version(connection)
        policies = None if model is None or model.fingerprint != applied else in_force(connection, model)
    if model is None:
        raise ModelOutOfDate("The database has no model.", hint="Run «xrm schema apply».")
    if policies is None:
        raise ModelOutOfDate(
            "This version of the platform reads the model in another way than the one that applied it.",
            hint="Look at «xrm schema plan», then run «xrm schema apply».",
        )
    return blueprints.get(model, policies, database.dialect), tables
