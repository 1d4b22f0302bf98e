"""Users for tests: the least that the pack's entity of users wants."""

from collections.abc import Mapping
from typing import Any

from xrm_core.metadata.model import ACTIVE, USER, Field, Model
from xrm_core.metadata.types import NUMERIC, TEXTUAL, FieldType


class People:
    """Values of new users of a model; ``made`` of them are there already."""

    def __init__(self, model: Model, made: int = 0) -> None:
        self._user = model[USER]
        self.made = made

    def values(self, name: str, given: Mapping[str, Any]) -> dict[str, Any]:
        """Of one more user.

        Args:
            name: what the user may be called.
            given: what a test wants them to be.

        Raises:
            AssertionError: a field must be given of which no value can be thought of.
        """
        self.made += 1
        found = {ACTIVE: True} if ACTIVE in self._user.fields else {}
        for each in self._user.fields.values():
            if each.required and each.writable and each.default is None and each.name not in given:
                found[each.name] = _value(each, f"{name} {self.made}")
        return {**found, **given}


def _value(field: Field, name: str) -> Any:
    if field.type is FieldType.EMAIL:
        return f"{name.replace(' ', '.')}@example.com"
    if field.type is FieldType.ENUM:
        return field.enum[0]
    if field.type is FieldType.BOOLEAN:
        return True
    if field.type in NUMERIC and field.type is not FieldType.DURATION:
        return field.minimum or 0
    if field.type in TEXTUAL and field.pattern is None:
        return name[: field.max_length]
    raise AssertionError(f"A user must have {field.name}: give it, as by xrm.as_role(…, {field.name}=…).")
