"""Refusing a write, in words that its caller may hear."""

from collections.abc import Mapping, Sequence
from typing import Any

import structlog
from sqlalchemy.exc import IntegrityError

from xrm_core.errors import InternalError, ValidationFailed
from xrm_core.metadata.model import Entity
from xrm_core.permissions.caller import Caller
from xrm_core.records.constraints import translate
from xrm_core.records.rights import told
from xrm_core.records.wording import invalid, noun
from xrm_core.translation import say

_log = structlog.get_logger(__name__)


def refuse(problems: Sequence[Mapping[str, str]], kind: Entity, caller: Caller) -> None:
    """Refuse what has problems.

    Raises:
        ValidationFailed: there are some.
    """
    if problems:
        raise ValidationFailed(told(problems, kind, caller), entity=noun(kind))


def translated(error: IntegrityError, kind: Entity, caller: Caller) -> Exception:
    """The error for a record that has broken a constraint of the database."""
    found = translate(error, kind)
    if isinstance(found, ValidationFailed):
        failed = ValidationFailed(told(found.problems, kind, caller), entity=noun(kind))
        failed.overtaken = found.overtaken
        return failed
    if isinstance(found, InternalError):
        _log.error("constraint_not_understood", entity=kind.name, kind=type(error.orig).__name__)
    return found


def refuse_unwritable(kind: Entity, given: Mapping[str, Any], final: Mapping[str, Any]) -> None:
    """A plugin's hook gives no values to fields that the platform sets."""
    problems = [
        {"field": name, "rule": "system", "message": say("is set by the platform, not by a plugin")}
        for name, value in final.items()
        if name in kind.fields and not kind.fields[name].writable and given.get(name) != value
    ]
    if problems:
        raise invalid(kind, problems)
