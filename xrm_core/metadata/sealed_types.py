"""Sealed fields that are no texts: what is stored is one, whatever callers give. No I/O in here.

Everything that reads what is stored (columns, log, trash, vault, changes of the schema) sees a long text, so that there
is one place where a value is told from its stored form: where it is sealed, and where it is opened.
"""

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from types import MappingProxyType
from typing import Any

from xrm_core.metadata.model import Field, Source
from xrm_core.metadata.types import TEXTUAL, WHOLE, FieldType

_ELSEWHERE = frozenset({FieldType.RELATION, FieldType.FILE})
"""What the database has to follow, and what is sealed where it lies."""

FOUND = frozenset(FieldType) - _ELSEWHERE - {FieldType.BOOLEAN, FieldType.SET, FieldType.JSON, FieldType.MONEY}
"""Types of which a blind index finds equal values. A yes or no would be told by it, and the others are no one value."""

_PLAIN: Mapping[str, Any] = MappingProxyType(
    {"labels": MappingProxyType({}), "annotations": MappingProxyType({}), "source": Source(), "tightened": ()}
)


def stored(field: Field, max_length: int | None) -> Field:
    """The field as it is stored, of one as its file says it; others are what they are."""
    sealing = field.sealing
    if sealing is None or field.type in TEXTUAL or field.type in _ELSEWHERE or field.virtual:
        return field
    given = replace(field, sealing=None, description="", renamed_from=None, **_PLAIN)
    return Field(
        field.name,
        FieldType.LONG_TEXT,
        required=field.required,
        max_length=max_length,
        labels=field.labels,
        description=field.description,
        renamed_from=field.renamed_from,
        annotations=field.annotations,
        sealing=replace(sealing, given=given),
        source=field.source,
        tightened=field.tightened,
    )


def opened_up(field: Field) -> Field:
    """The field as its file says it, of one as it is stored."""
    sealing = field.sealing
    if sealing is None or sealing.given is None:
        return field
    return replace(
        sealing.given,
        labels=field.labels,
        description=field.description,
        renamed_from=field.renamed_from,
        annotations=field.annotations,
        sealing=replace(sealing, given=None),
    )


def text_of(given: Field, value: Any) -> str:
    """A value in its canonical form as the text that is sealed: one text for equal values."""
    match given.type:
        case FieldType.BOOLEAN:
            return "true" if value else "false"
        case FieldType.DECIMAL:
            return _digits(value)
        case FieldType.JSON | FieldType.SET | FieldType.MONEY:
            return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True, default=_digits)
        case _:
            return str(value)


def value_of(given: Field, text: str) -> Any:
    """The value again, of the text that was sealed."""
    match given.type:
        case FieldType.BOOLEAN:
            return text == "true"
        case FieldType.DECIMAL:
            return Decimal(text)
        case FieldType.JSON | FieldType.SET:
            return json.loads(text)
        case FieldType.MONEY:
            found = json.loads(text)
            return {name: Decimal(part) if name == "amount" else part for name, part in found.items()}
        case _ if given.type in WHOLE:
            return int(text)
        case _:
            return text


def sought(given: Field, value: Any) -> str:
    """What somebody looks for, a text in its canonical form, as the text of an equal value."""
    if given.type in WHOLE:
        with suppress(InvalidOperation):
            return _digits(Decimal(value))
    return text_of(given, value) if isinstance(value, Decimal) else str(value)


def _digits(value: Any) -> str:
    """A number without zeros that say nothing."""
    number = Decimal(value)
    return format(number.normalize() if number else Decimal(0), "f") if number.is_finite() else str(number)
