"""Sealed values in answers: told to the person, if whoever makes the answer may open sealed values at all.

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
    """The sealed fields of a record, read in clear, that are not told since the caller may not open them; noted."""
    caller: Any = context.caller
    if caller.access.may(_RIGHT, "read"):
        return {}
    names = [name for name in hit.mine if entity[name].sealing is not None and stored.get(name) is not None]
    store = "trash" if hit.deleted else "vault" if hit.restricted else "records"
    for name in names:
        notes.leave_out("SEALED", store, hit.entity, name)
    return dict.fromkeys(names)
