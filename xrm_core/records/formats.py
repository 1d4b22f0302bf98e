"""Values in formats and types of plugins: in their one form, and as they must be."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from xrm_core.metadata.custom_types import custom_types_of
from xrm_core.metadata.keywords import formats_of
from xrm_core.metadata.model import Entity, Field, Model
from xrm_core.metadata.types import WHOLE, FieldType
from xrm_core.plugins import Plugins
from xrm_core.records.stored import canonical
from xrm_core.records.wording import Problem


@dataclass(frozen=True)
class _Known:
    """What a plugin does for one field, by a format or type of this name. ``kind`` is the Python type of its values."""

    plugin: str
    name: str
    rule: str
    kind: type | tuple[type, ...]
    check: Callable[[Any], str | None] | None
    normal: Callable[[Any], Any] | None

    def fits(self, value: Any) -> bool:
        """Whether a value is one that the plugin's functions are for."""
        return isinstance(value, self.kind) and (self.kind is bool or not isinstance(value, bool))


class Formats:
    """The fields of a model that have a format or a type of a plugin that is loaded.

    Args:
        plugins: have the formats and types.
        model: has the fields.

    Raises:
        PluginLoadError: a plugin registers one that cannot be used.
    """

    def __init__(self, plugins: Plugins, model: Model) -> None:
        self._plugins = plugins
        formats, types = formats_of(plugins), custom_types_of(plugins)
        self._of: dict[str, Mapping[str, _Known]] = {}
        for entity in model if formats or types else ():
            known: dict[str, _Known] = {}
            for name, field in entity.fields.items():
                if field.text_format in formats:
                    plugin, text_format = formats[field.text_format]
                    known[name] = _Known(plugin, text_format.name, "format", str, text_format.check, text_format.normal)
                elif field.custom_type in types:
                    plugin, custom = types[field.custom_type]
                    known[name] = _Known(plugin, custom.name, "type", _kind(field), custom.check, custom.normal)
            if known:
                self._of[entity.name] = known

    def __contains__(self, entity: str) -> bool:
        return entity in self._of

    def normal(self, kind: Entity, values: Mapping[str, Any]) -> Mapping[str, Any]:
        """The values, those that have a format or a type of a plugin in their one form.

        Raises:
            RefusedByPlugin: a plugin failed.
        """
        known = self._of.get(kind.name)
        if known is None:
            return values
        found = dict(values)
        for name in known.keys() & found.keys():
            if known[name].normal is not None:
                found[name] = self._one_form(kind, name, known[name], found[name])
        return found

    def _one_form(self, kind: Entity, name: str, known: _Known, given: Any) -> Any:
        value = canonical(kind, {name: given})[name]
        if known.normal is None or not known.fits(value):
            return given  # for the validator to report
        with self._plugins.following(known.plugin, kind.name, known.rule, known.name):
            return known.normal(value)

    def problems(self, kind: Entity, record: Mapping[str, Any]) -> list[Problem]:
        """What plugins have against the values of a record.

        Raises:
            RefusedByPlugin: a plugin failed.
        """
        found: list[Problem] = []
        for name, known in self._of.get(kind.name, {}).items():
            value = record.get(name)
            if known.check is not None and known.fits(value):
                with self._plugins.following(known.plugin, kind.name, known.rule, known.name):
                    wrong = known.check(value)
                if wrong:
                    message = self._plugins.say(known.plugin, wrong, {})
                    found.append({"field": name, "rule": known.rule, "message": message})
        return found


def _kind(field: Field) -> type | tuple[type, ...]:
    field = field.given
    if field.type in WHOLE:
        return int
    if field.type is FieldType.DECIMAL:
        return Decimal
    if field.type is FieldType.JSON:
        return dict
    return bool if field.type is FieldType.BOOLEAN else str
