"""Rules of a whole record (``Entity.rules``), checked when it is written.

A rule sees the record as its author thinks of it: fields that are empty (null, an empty text, an empty set) are absent,
so that ``required`` means «not empty»; decimals are numbers, money is ``{"amount": …, "currency": …}``, a relation is
the id of its target.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import jsonschema_rs

from xrm_core.metadata.frozen import thaw
from xrm_core.metadata.model import Entity
from xrm_core.metadata.rules import mentioned
from xrm_core.records.wording import ABOUT, Problem, noun, worded
from xrm_core.translation import chosen, mark, say

_NOT_MET = {
    "anyOf": mark("none of the alternatives of a rule is met"),
    "oneOf": mark("not exactly one of the alternatives of a rule is met"),
    "not": mark("what a rule rules out is the case"),
}


class RuleChecker:
    """Checks records of one entity."""

    def __init__(self, entity: Entity) -> None:
        self._entity = entity
        self._rules = thaw(entity.rules)
        self._validator = jsonschema_rs.Draft202012Validator(
            {"type": "object", **self._rules}, pattern_options=jsonschema_rs.RegexOptions()
        )

    def problems(self, record: Mapping[str, Any]) -> Iterator[Problem]:
        """What the rules have against a whole record."""
        filled = {name: value for name, value in record.items() if not _empty(value)}
        for error in self._validator.iter_errors(filled):
            yield self._described(error)

    def _described(self, error: jsonschema_rs.ValidationError) -> Problem:
        path = list(error.schema_path)
        found = worded(self._entity, error)
        rule = str(path[-1]) if path else ""
        about = self._about(path)
        message = _author(self._rules, path)
        if not found["field"] and len(about) == 1:
            found["field"] = next(iter(about))
        if rule in _NOT_MET:
            found |= {"rule": rule, "message": message or say(_NOT_MET[rule])}
        elif error.kind.name == "falseSchema" or rule in self._entity.fields:
            found |= {"rule": "empty", "message": message or say("must be empty here")}
        else:
            found["message"] = message or say(
                "{problem}, as a rule of {entity} says", problem=found["message"], entity=noun(self._entity)
            )
        return {**found, ABOUT: " ".join(sorted(about))}

    def _about(self, path: list[Any]) -> frozenset[str]:
        first = str(path[0]) if path else ""
        if first in ("if", "then", "else"):
            return mentioned({word: self._rules[word] for word in ("if", "then", "else") if word in self._rules})
        if first == "allOf" and len(path) > 1:
            return mentioned(self._rules["allOf"][path[1]])
        return mentioned({first: self._rules.get(first, {})})


def _empty(value: Any) -> bool:
    return value is None or (isinstance(value, str | list | tuple) and not value)


def _author(rule: Any, path: list[Any]) -> str:
    """The ``x-message`` nearest to the place at which a rule was not met, in the language spoken, else in English, else
    in any; empty if there is none.
    """
    found = ""
    for key in [None, *path]:
        if key is not None:
            try:
                rule = rule[key]
            except (KeyError, IndexError, TypeError):
                break
        if isinstance(rule, Mapping) and isinstance(rule.get("x-message"), Mapping):
            found = chosen(rule["x-message"])
    return found
