"""The naive second opinion: values as Python compares them, and as JSON has them."""

import datetime as dt
import math
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from xrm_core import naming
from xrm_core.metadata.model import Entity, Field
from xrm_core.metadata.types import COMPARABLE, NUMERIC, ORDERED, FieldType


def applicable(function: str, of: Field) -> bool:
    """Whether a field has an aggregate function."""
    if of.parts:  # amounts of several currencies are refused
        return function != "countDistinct" and len(of.currencies) == 1
    if function in ("sum", "avg"):
        return of.type in NUMERIC and of.name != "version"
    return of.type in (COMPARABLE if function == "countDistinct" else ORDERED)


def model_name(entity: Entity, graphql_name: str) -> str:
    """The name in the file of a field or inverse."""
    names: Iterator[str] = (
        name for each in ([f.name for f in entity.all_fields()], entity.inverses, entity.links) for name in each
    )
    return next(name for name in names if naming.camel(name) == graphql_name)


def comparable(of: Field, value: Any) -> Any:
    """A value as Python compares it like the databases do."""
    match of.type:
        case FieldType.DECIMAL:
            return Decimal(str(value))
        case FieldType.DATETIME:
            return dt.datetime.fromisoformat(value)
        case FieldType.BOOLEAN | FieldType.INTEGER | FieldType.BIG_INTEGER:
            return value
        case FieldType.DURATION:
            return seconds(value)
        case _:
            return value.encode()


def ordering(of: Field, value: Any) -> tuple[bool, Any]:
    """A value with empty ones after all others."""
    return (True, 0) if value is None else (False, comparable(of, value))


def on_the_wire(of: Field, value: Any) -> Any:
    """A value as JSON has it."""
    if value is None:
        return None
    match of.type:
        case FieldType.DECIMAL:
            number = Decimal(str(value))
            return f"{number or abs(number):.{of.scale}f}"  # there is no negative zero
        case FieldType.DATETIME:
            moment = dt.datetime.fromisoformat(value).astimezone(dt.UTC)
            fraction = f".{moment.microsecond:06d}".rstrip("0") if moment.microsecond else ""
            return f"{moment:%Y-%m-%dT%H:%M:%S}{fraction}+00:00"
        case FieldType.MONEY:
            return {"amount": on_the_wire(of.parts["amount"], value["amount"]), "currency": value["currency"]}
        case FieldType.BIG_INTEGER:
            return str(value)
        case FieldType.DURATION:
            return iso(seconds(value))
    return value


class Near(float):
    """The average of large numbers: right in fifteen digits; JSON may have it as ``3`` or ``3.0``."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, int | float) and math.isclose(self, other, rel_tol=1e-15, abs_tol=1e-6)

    __hash__ = float.__hash__


def seconds(text: str) -> int:
    """The length of a duration such as ``P1DT2H``."""
    sizes = {"W": 604_800, "D": 86_400, "H": 3_600, "M": 60, "S": 1}
    return sum(int(number) * sizes[letter] for number, letter in re.findall(r"(\d+)([WDHMS])", text))


def iso(length: int) -> str:
    """So many seconds in ISO 8601, the largest units first."""
    clock = dt.timedelta(seconds=length % 86_400)
    hours, rest = divmod(clock.seconds, 3_600)
    parts = [f"{count}{letter}" for count, letter in ((hours, "H"), (rest // 60, "M"), (rest % 60, "S")) if count]
    days = f"{length // 86_400}D" if length >= 86_400 else ""
    return f"P{days}{'T' if parts else ''}{''.join(parts)}" if length else "PT0S"
