"""Conditions on the values of a set, in the words of each database. Values match naming.ENUM_VALUE: no escaping."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Boolean
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql import ColumnElement


class OnlyAllowed(ColumnElement[bool]):
    """True if the set in a column has allowed values only; for a CHECK, which may have no sub-query."""

    inherit_cache = False
    type = Boolean()

    def __init__(self, column: str, values: Sequence[str]) -> None:
        self.column = column
        self.values = tuple(values)


@compiles(OnlyAllowed)
def _array(element: OnlyAllowed, _compiler: Any, **_options: Any) -> str:
    allowed = ", ".join(f"'{value}'" for value in element.values)
    return f'"{element.column}" <@ ARRAY[{allowed}]::TEXT[]'


@compiles(OnlyAllowed, "sqlite")
def _json(element: OnlyAllowed, _compiler: Any, **_options: Any) -> str:
    # As many values as there are must be found among those that are allowed.
    found = " + ".join(f'(instr("{element.column}", \'"{value}"\') > 0)' for value in element.values)
    return f'json_array_length("{element.column}") = {found}'
