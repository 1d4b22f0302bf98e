"""The query fields that plugins register, held against the model."""

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

from xrm_core import naming
from xrm_core.graphql import names
from xrm_core.graphql.query_fields.query_field import MOST_RECORDS, MOST_SECONDS, QueryField
from xrm_core.metadata.model import Model
from xrm_core.plugins import Plugins, wrong_name
from xrm_core.records.actions.shapes import Kind, Shape, kind_of, shape_of

CORE_FIELDS = frozenset(
    {
        *("node", "nodes", "search", "changes", "schemaFiles", "planSchemaChange", "permissions", "planPermissions"),
        *("me", "authEvents", "readLog", "userAccounts", "userAccount", "backgroundJobs", "backgroundJob"),
        *("webhooks", "webhook", "webhookDeliveries"),
        *("outboxMessages", "outboxMessage", "workflowDefinitions", "workflowRuns", "workflowRun"),
    }
)
"""The platform's own root fields of queries that are about no entity."""


class QueryFields(Mapping[str, QueryField]):
    """Query fields by name.

    Args:
        plugins: are asked.
        model: has the entities, whose root fields are taken.
        actions: are objects of permissions, too, so no field has the name of one.

    Raises:
        PluginLoadError: a plugin registers what cannot be used; names it.
    """

    def __init__(self, plugins: Plugins, model: Model, actions: Mapping[str, Any]) -> None:
        self._found: dict[str, QueryField] = {}
        self._plugins: dict[str, str] = {}
        self._inputs: dict[str, Shape] = {}
        self._answers: dict[str, Kind] = {}
        registered = plugins.registered("register_query_fields", QueryField)
        taken = dict.fromkeys(_core_fields(model) if registered else (), "the platform's")
        for plugin, field in registered:
            problem = _wrong(plugin, field, self._found, actions) or self._shaped(field)
            if not problem:
                name = self.field(field)
                if name in taken:
                    problem = f"would be the field {name} of queries, which is {taken[name]}"
                taken[name] = f"that of {field.name} of the plugin {plugins.origin(plugin)}"
                self._found[field.name], self._plugins[field.name] = field, plugin
            if problem:
                raise plugins.load_error(plugin, f"the query field {field.name!r} {problem}")

    def __getitem__(self, name: str) -> QueryField:
        return self._found[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)

    def plugin(self, name: str) -> str:
        """The plugin that has a query field."""
        return self._plugins[name]

    def input(self, name: str) -> Shape | None:
        """The shape of its arguments; None: it has none."""
        return self._inputs.get(name)

    def answer(self, name: str) -> Kind:
        """The type of what it answers."""
        return self._answers[name]

    @staticmethod
    def field(field: QueryField) -> str:
        """Its name in GraphQL: ``salesForecast`` for ``sales.forecast``."""
        return naming.camel(field.name.replace(".", "_"))

    def _shaped(self, field: QueryField) -> str:
        what = "input"
        try:
            if field.input is not None:
                self._inputs[field.name] = shape_of(field.input)
            what = "answers"
            self._answers[field.name] = kind_of(field.answers, "the answer", records=True)
        except (TypeError, NameError) as error:
            return f"has {what} that cannot be used: {error}"
        return ""


def _core_fields(model: Model) -> Iterator[str]:
    yield from CORE_FIELDS
    for entity in model:
        for name in (names.single, names.many, names.aggregate, names.trash, names.merged_into):
            yield name(entity)


def _wrong(plugin: str, field: QueryField, known: Mapping[str, Any], actions: Mapping[str, Any]) -> str:
    if problem := wrong_name(plugin, field.name, known, "plugin.field"):
        return problem
    if field.name in actions:
        return "has the name of an action, and policies would not tell them apart"
    if not callable(field.run):
        return "has no function to run"
    if not isinstance(field.cost, int) or isinstance(field.cost, bool) or field.cost < 1:
        return "has a cost that is none: whole points, from 1"
    if not isinstance(field.seconds, int | float) or not 0 < field.seconds <= MOST_SECONDS:
        return f"has seconds that are none: more than 0, and {MOST_SECONDS:g} at most"
    if not isinstance(field.records, int) or isinstance(field.records, bool) or not 1 <= field.records <= MOST_RECORDS:
        return f"has a number of records that is none: from 1 to {MOST_RECORDS}"
    if field.input is not None and not (isinstance(field.input, type) and dataclasses.is_dataclass(field.input)):
        return "has as input no dataclass"
    return ""
