"""``$defs`` and ``$ref``: parts of a file that stand once and are used in several places of it.

References are unfolded when the file is read, so that nobody after this meets one. Only ``#/$defs/…`` of the same
file can be referred to; nothing is ever fetched. What stands beside ``$ref`` wins over what it refers to.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from xrm_core.errors import Problem
from xrm_core.metadata.lines import MAX_DEPTH, Document, step
from xrm_core.metadata.structure import nearest, shown

REF = "$ref"
DEFS = "$defs"

MAX_UNFOLDED = 20_000
"""Most objects and lists that a file may have once its references are unfolded."""

_DATA = frozenset({"default", "const", "enum"})  # their values are values of records, whatever their keys are called
_NAMED = frozenset({"properties", "attributes", "dependentSchemas"})  # their keys are names, not words


def resolve(document: Document, problems: list[Problem]) -> Document:
    """The document with its references unfolded, and without ``$defs``. A reference that is wrong is left as it is."""
    if not isinstance(document.value, Mapping) or (DEFS not in document.value and not _refers(document.value)):
        return document
    unfolding = _Unfolding(document, problems)
    value = {
        key: unfolding.any(part, step("", key), step("", key), (), names=key in _NAMED)
        for key, part in document.value.items()
        if key not in (DEFS, REF)
    }
    if REF in document.value:
        unfolding.refuse(
            f"/{REF}",
            "A whole file cannot be a reference; nothing is ever fetched.",
            "Write out here what it refers to.",
        )
    if not isinstance(document.value.get(DEFS, {}), Mapping):
        value[DEFS] = document.value[DEFS]  # said by the meta-schema
    return replace(document, value=value, places={**document.places, **unfolding.places})


def unresolved(value: Any, pointer: str = "", *, names: bool = False) -> list[str]:
    """Pointers of the references that are still there. ``names``: the keys of the value are names of fields."""
    if isinstance(value, Mapping):
        inner = [
            found
            for key, part in value.items()
            if names or key not in _DATA
            for found in unresolved(part, step(pointer, key), names=key in _NAMED and not names)
        ]
        return [step(pointer, REF), *inner] if isinstance(value.get(REF), str) and not names else inner
    if isinstance(value, list):
        return [found for number, part in enumerate(value) for found in unresolved(part, step(pointer, number))]
    return []


def _refers(value: Any) -> bool:
    if isinstance(value, Mapping):
        return REF in value or any(_refers(part) for part in value.values())
    return isinstance(value, list) and any(_refers(part) for part in value)


class _Unfolding:
    def __init__(self, document: Document, problems: list[Problem]) -> None:
        self.document = document
        self.problems = problems
        self.places: dict[str, tuple[Document, str]] = {}
        self._count = 0
        self._full = False

    def any(self, value: Any, to: str, source: str, via: tuple[str, ...], *, names: bool = False) -> Any:
        """The value unfolded.

        Args:
            value: as it stands in the file.
            to: its pointer in the new document.
            source: its pointer in the file.
            via: the references that led here.
            names: its keys are names of fields.
        """
        if isinstance(value, list):
            return [self.any(part, step(to, i), step(source, i), via) for i, part in enumerate(value)]
        if not isinstance(value, Mapping):
            return value
        self._count += 1
        if REF in value and not names:
            return self._reference(value, to, source, via)
        return {
            key: part
            if key in _DATA and not names
            else self.any(part, step(to, key), step(source, key), via, names=key in _NAMED and not names)
            for key, part in value.items()
        }

    def _reference(self, value: Mapping[str, Any], to: str, source: str, via: tuple[str, ...]) -> Any:
        place = step(source, REF)
        target = self._target(value[REF], place, to, via)
        if target is None:
            return value
        pointer = value[REF][1:]
        found = self.any(target, to, pointer, (*via, pointer))
        self.places[to] = (self.document, pointer)
        beside = {key: part for key, part in value.items() if key != REF}
        for key in beside:
            self.places[step(to, key)] = (self.document, step(source, key))
        return {**found, **self.any(beside, to, source, via)}

    def _target(self, ref: Any, place: str, to: str, via: tuple[str, ...]) -> Any:
        if not isinstance(ref, str):
            return None  # said by the meta-schema
        if not ref.startswith(f"#/{DEFS}/"):
            reason = f"{shown(ref)} leads out of $defs; nothing is ever fetched or followed."
            return self.refuse(place, reason, f'Put it into {DEFS} of this file and write "#/{DEFS}/NAME".')
        if ref[1:] in via:
            way = " → ".join(each.rpartition("/")[2] for each in (*via[via.index(ref[1:]) :], ref))
            return self.refuse(place, f"The reference leads back to itself: {way}.", "Write out one of them.")
        if self._count > MAX_UNFOLDED or to.count("/") > 2 * MAX_DEPTH:
            if not self._full:
                reason = f"The references unfold to more than {MAX_UNFOLDED} parts or {2 * MAX_DEPTH} levels."
                self.refuse(place, reason, "Refer to less, or less deep.")
            self._full = True
            return None
        target: Any = self.document.value
        for key in ref[2:].split("/"):
            name = key.replace("~1", "/").replace("~0", "~")
            if not isinstance(target, Mapping) or name not in target:
                known = list(target) if isinstance(target, Mapping) else []
                remedy = f"{nearest(name, known)}Define it in {DEFS}, or name another."
                return self.refuse(place, f"There is no {shown(ref)} in this file.", remedy)
            target = target[name]
        if not isinstance(target, Mapping):
            return self.refuse(place, f"{shown(ref)} is not an object.", "Refer to a field or a rule.")
        return target

    def refuse(self, place: str, reason: str, remedy: str) -> None:
        """Tell a mistake once, however often its part is unfolded."""
        problem = self.document.problem(place, reason, remedy)
        if problem not in self.problems:
            self.problems.append(problem)
