"""Texts in the formats of plugins: in their one form, and as they must be."""

from collections.abc import Mapping
from typing import Any

from xrm_core.metadata.keywords import formats_of
from xrm_core.metadata.model import Entity, Model
from xrm_core.metadata.text_formats import TextFormat
from xrm_core.plugins import Plugins
from xrm_core.records.wording import Problem

Known = Mapping[str, tuple[str, TextFormat]]
"""Field → plugin and format."""


class Formats:
    """The fields of a model that have a format of a plugin that is loaded.

    Args:
        plugins: have the formats.
        model: has the fields.

    Raises:
        PluginLoadError: a plugin registers one that cannot be used.
    """

    def __init__(self, plugins: Plugins, model: Model) -> None:
        self._plugins = plugins
        found = formats_of(plugins)
        self._of: dict[str, Known] = {}
        for entity in model if found else ():
            known = {
                name: found[field.text_format] for name, field in entity.fields.items() if field.text_format in found
            }
            if known:
                self._of[entity.name] = known

    def __contains__(self, entity: str) -> bool:
        return entity in self._of

    def normal(self, kind: Entity, values: Mapping[str, Any]) -> Mapping[str, Any]:
        """The values, those that have a format in their one form.

        Raises:
            RefusedByPlugin: a plugin failed.
        """
        known = self._of.get(kind.name)
        if known is None:
            return values
        found = dict(values)
        for name in known.keys() & found.keys():
            plugin, text_format = known[name]
            if isinstance(found[name], str) and text_format.normal is not None:
                with self._plugins.following(plugin, kind.name):
                    found[name] = text_format.normal(found[name])
        return found

    def problems(self, kind: Entity, record: Mapping[str, Any]) -> list[Problem]:
        """What plugins have against the texts of a record.

        Raises:
            RefusedByPlugin: a plugin failed.
        """
        found: list[Problem] = []
        for name, (plugin, text_format) in self._of.get(kind.name, {}).items():
            value = record.get(name)
            if isinstance(value, str):
                with self._plugins.following(plugin, kind.name):
                    wrong = text_format.check(value)
                if wrong:
                    message = self._plugins.say(plugin, wrong, {})
                    found.append({"field": name, "rule": "format", "message": message})
        return found
