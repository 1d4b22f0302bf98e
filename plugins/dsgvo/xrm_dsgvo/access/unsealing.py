"""Sealed values, and what lies in the vault, in answers: told to the person, if whoever makes the answer may open them.

Who may make answers has no right to them by that: it takes the right to ``xrm_sealed``, too. Without, the answer is not
whole, and does not go out.
"""

from typing import Any

from xrm_core.api import Entity, Record
from xrm_dsgvo.access.manifest import Notes
from xrm_dsgvo.discovery.graph import Hit
from xrm_dsgvo.own import Making

_RIGHT = "xrm_sealed"


def kept_back(context: Making, notes: Notes, hit: Hit, entity: Entity, stored: Record) -> dict[str, Any]:
    """The sealed fields of a record, read in clear, that are not told since the caller may not open them; noted. Of
    what lies in the vault these are all.
    """
    if may_open(context):
        return {}
    closed = (name for name in hit.mine if hit.restricted or entity[name].sealing is not None)
    names = [name for name in closed if stored.get(name) is not None]
    store = "trash" if hit.deleted else "vault" if hit.restricted else "records"
    for name in names:
        notes.leave_out("SEALED", store, hit.entity, name)
    return dict.fromkeys(names)


def may_open(context: Making) -> bool:
    """Whether the caller may open sealed values, and with them the vault."""
    caller: Any = context.caller
    return bool(caller.access.may(_RIGHT, "read"))
