"""Scalars of field types that plugins bring: on the wire as what is stored, taken in any form that the plugin knows."""

from collections.abc import Mapping
from typing import Any

import structlog
from graphql import GraphQLNonNull, ValueNode

from xrm_core.graphql import builder
from xrm_core.graphql.scalars import scalar_of
from xrm_core.metadata.custom_types import custom_types_of, scalar_name
from xrm_core.metadata.model import Field
from xrm_core.plugins import Plugins

_log = structlog.get_logger(__name__)


def custom_scalar(name: str, field: Field, plugins: Plugins) -> builder.ScalarType:
    """The scalar of a type: values are brought into their one form here, so that filters have it, too.

    Args:
        name: of the type.
        field: one that has it, for what is stored.
        plugins: those that are loaded; without the one that has the type, values are taken as they are stored.
    """
    required = builder.converted(scalar_of(field))
    stored = required.of_type if isinstance(required, GraphQLNonNull) else required
    plugin, known = custom_types_of(plugins).get(name, ("", None))

    def normal(value: Any) -> Any:
        if known is None or known.normal is None:
            return value
        try:
            with plugins.calls.timed(plugin, "type", name):
                return known.normal(value)
        except Exception as error:  # of a plugin, whatever it is
            _log.error("plugin_hook_failed", plugin=plugin, name=name, exc_info=error)
            raise ValueError(f"The plugin {plugin} failed at this value.") from error

    def parse(value: Any) -> Any:
        return normal(stored.parse_value(value))

    def parse_literal(node: ValueNode, variables: Mapping[str, Any] | None = None) -> Any:
        return normal(stored.parse_literal(node, dict(variables) if variables is not None else None))

    told = known.description if known is not None else ""
    about = told or f"A value of the type {name}, in the form of {stored.name}."
    return builder.ScalarType(
        scalar_name(name),
        serialize=stored.serialize,
        parse_value=parse,
        parse_literal=parse_literal,
        description=about,
    )
