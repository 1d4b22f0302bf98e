"""Plugins that are switched off, and what stands in for each: its data stays as it is, and can be read."""

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from xrm_core.errors import Refuse
from xrm_core.hookspecs import Record, hookimpl

_MISSING = object()
_OF_NEW_FIELDS = frozenset({"type", "x-type", "x-relation", "x-computed", "x-rollup", "$ref"})


@dataclass(frozen=True)
class Resting:
    """A plugin that was switched off.

    ``files`` are its entity files and extension files as they were then, name and text: they stay a part of the model,
    so that nothing of its data is dropped. ``removed``: they are not, since its data was removed. ``workflows`` are the
    names of its workflows, whose runs wait for it.
    """

    name: str
    distribution: str
    version: str
    files: Sequence[tuple[str, str]]
    removed: bool = False
    workflows: Sequence[str] = ()

    def entities(self) -> frozenset[str]:
        """Those that its files define."""
        found = (each.get("x-entity", each.get("x-relationship")) for each in self._documents())
        return frozenset(name for name in found if isinstance(name, str))

    def fields(self) -> Mapping[str, Mapping[str, Any]]:
        """Entity of another layer → field that its files add there → what they say of it."""
        found: dict[str, dict[str, Any]] = {}
        for each in self._documents():
            extended, added = each.get("x-extends"), each.get("properties")
            if isinstance(extended, str) and isinstance(added, dict):
                own = {name: text for name, text in added.items() if _defines(text)}
                found.setdefault(extended, {}).update(own)
        return found

    def _documents(self) -> list[dict[str, Any]]:
        found = []
        for _, text in self.files:
            with suppress(ValueError):  # what is wrong with a file is told when the model is read
                found.append(json.loads(text))
        return [each for each in found if isinstance(each, dict)]


def _defines(text: Any) -> bool:
    """Whether a field is one of the file's own, and not one below of which it says more."""
    return isinstance(text, dict) and not _OF_NEW_FIELDS.isdisjoint(text)


class StandIn:
    """Takes the place of a plugin that is switched off: refuses to change its records, whose rules nobody knows now."""

    def __init__(self, resting: Resting) -> None:
        self._name = resting.name
        self._entities = resting.entities()
        self._fields = resting.fields()

    @hookimpl
    def before_record_create(self, entity: str, record: Record) -> None:
        """Refuse its records, and values of its fields on those of others."""
        self._refuse_record(entity)
        for name, field in self._fields.get(entity, {}).items():
            given = record.get(name)
            if given is not None and given != (field or {}).get("default", _MISSING):
                raise self._refusal(name)

    @hookimpl
    def before_record_update(self, entity: str, changes: Record) -> None:
        """As before a creation."""
        self._refuse_record(entity)
        for name in self._fields.get(entity, {}):
            if name in changes:
                raise self._refusal(name)

    @hookimpl
    def before_record_delete(self, entity: str) -> None:
        """Refuse its records."""
        self._refuse_record(entity)

    @hookimpl
    def before_record_restore(self, entity: str) -> None:
        """Refuse its records."""
        self._refuse_record(entity)

    def _refuse_record(self, entity: str) -> None:
        if entity in self._entities:
            raise self._refusal(None)

    def _refusal(self, field: str | None) -> Refuse:
        return Refuse(
            {
                "en": f"The plugin {self._name} is switched off: what it has brought can be read, but not changed.",
                "de": f"Das Plugin {self._name} ist abgeschaltet: Was es mitgebracht hat, kann gelesen, aber nicht "
                "geändert werden.",
            },
            field=field,
        )
