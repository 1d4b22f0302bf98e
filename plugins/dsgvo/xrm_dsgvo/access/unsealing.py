"""Sealed values in answers: opened for the person, if whoever makes the answer may open sealed values at all.

Who may make answers has no right to them by that: it takes the right to ``xrm_sealed``, too. Without, the answer is not
whole, and does not go out.
"""

from typing import Any

from xrm_core.api import Entity, Record
from xrm_dsgvo.access.manifest import Notes
from xrm_dsgvo.discovery.graph import Hit
from xrm_dsgvo.own import Making

_RIGHT = "xrm_sealed"


def opened(context: Making, notes: Notes, hit: Hit, entity: Entity, stored: Record) -> dict[str, Any]:
    """The sealed fields of a record that are about the person, in clear; None: it is not told, which is noted."""
    names = [name for name in hit.mine if entity[name].sealing is not None and stored.get(name) is not None]
    if not names:
        return {}
    if hit.deleted or not _may(context):
        for name in names:
            notes.leave_out("SEALED_FORMER" if hit.deleted else "SEALED", "records", hit.entity, name)
        return dict.fromkeys(names)
    found = context.records.open_sealed(context.connection, context.system, hit.entity, hit.id, names)
    return {name: found[name].text for name in names}


def _may(context: Making) -> bool:
    caller: Any = context.caller
    return bool(caller.access.may(_RIGHT, "read"))
