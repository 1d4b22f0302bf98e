"""Groups as JSON: their keys, counts and figures out of the columns of the grouped query."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Text, case, cast, literal_column
from sqlalchemy.sql import ColumnElement

from xrm_core.metadata.model import Entity, Field
from xrm_core.metadata.types import WHOLE, FieldType
from xrm_core.query.figures_request import (
    Aggregate,
    AggregatePart,
    Count,
    Figure,
    Function,
    GroupKey,
    KeyPart,
    Keys,
    Measures,
    Over,
)
from xrm_core.query.grouping import bit, sets
from xrm_core.query.request import TypeName
from xrm_core.query.scan import Scope
from xrm_core.query.sql_json import Pair, constant
from xrm_core.query.totals import joined

_WORD = re.compile(r"[A-Za-z0-9.: ]+")


class GroupJson:
    """JSON of a group.

    Args:
        scope: what the statement is compiled for.
        key_fields: the field of each key.
        entity: whose records are grouped.
        keys: label of each key.
        figures: label of each figure.
        columns: of the groups, by label.
        request: what is asked for.
    """

    def __init__(
        self,
        scope: Scope,
        key_fields: Mapping[GroupKey, Field],
        entity: Entity,
        keys: Mapping[GroupKey, str],
        figures: Mapping[Figure, str],
        columns: Any,
        request: Aggregate,
    ) -> None:
        self.scope = scope
        self.key_fields = key_fields
        self.entity = entity
        self.keys = keys
        self.figures = figures
        self.columns = columns
        self.request = request

    def pairs(self, parts: Sequence[AggregatePart]) -> Iterator[Pair]:
        """Key and JSON of each part of a group."""
        for part in parts:
            match part:
                case TypeName(key, name):
                    yield key, constant(name)
                case Count(key):
                    yield key, self.columns.n
                case Over(key, names):
                    yield key, self.scope.json.nested(self._over(names))
                case Keys(key, keys):
                    yield key, self.scope.json.object(list(self._keys(keys)))
                case Measures(key, function, fields):
                    yield key, self.scope.json.object(list(self._values(function, fields)))

    def _over(self, names: Mapping[GroupKey, str]) -> ColumnElement[Any]:
        if self.request.totals is None or not self.keys:
            return self._words([])
        labels = list(self.keys.values())
        texts = {label: names[group] for group, label in self.keys.items()}
        found = []
        for kept in sets(self.request.totals, labels):
            gone = [label for label in labels if label not in kept]
            number: ColumnElement[int] = literal_column(str(sum(bit(labels, label) for label in gone)))
            found.append((self.columns.over == number, self._words([texts[label] for label in gone])))
        return case(*found)

    def _words(self, words: Sequence[str]) -> ColumnElement[Any]:
        """A constant list of texts."""
        if not all(_WORD.fullmatch(word) for word in words):
            raise ValueError(f"not names of keys: {words}")
        text = "'[" + ",".join(f'"{word}"' for word in words) + "]'"
        return literal_column(f"{text}::json" if self.scope.dialect.name == "postgresql" else text)

    def _keys(self, parts: Sequence[KeyPart | TypeName]) -> Iterator[Pair]:
        for part in parts:
            if isinstance(part, TypeName):
                yield part.key, constant(part.name)
            elif part.group is not None:
                column = self.columns[self.keys[part.group]]
                yield part.key, self.scope.json.value(self.key_fields[part.group], column)
            else:
                yield part.key, self.scope.json.object(list(self._keys(part.parts)))

    def _values(self, function: Function, fields: Sequence[tuple[str, str] | TypeName]) -> Iterator[Pair]:
        for each in fields:
            if isinstance(each, TypeName):
                yield each.key, constant(each.name)
                continue
            key, name = each
            field = self.entity[name]
            label = self.figures[Figure(function, name)]
            if function == "sum" and label not in self.columns:
                yield key, joined(self.columns[f"{label}h"], self.columns[f"{label}l"], _scale(field))
                continue
            column = self.columns[label]
            if function == "countDistinct" or (function == "avg" and field.type is not FieldType.DURATION):
                yield key, column
            elif function == "sum" and field.type in WHOLE:
                yield key, cast(column, Text)
            else:
                yield key, self.scope.json.value(field, column)


def _scale(field: Field) -> int:
    return field.scale if field.type is FieldType.DECIMAL else 0
