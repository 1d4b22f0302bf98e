"""Legal holds are upon what they were upon, and released again: in the order of what was erased in between."""

from collections.abc import Mapping
from typing import Any

from xrm_core.api import Record
from xrm_dsgvo.own import Writing, change, create

_HOLD = "legal_hold"
_WHAT = ("matter", "basis", "entity_name", "record_id")
_BECAUSE = "Released before a backup was restored."


def hold_again(context: Writing, said: Mapping[str, Any]) -> None:
    """Also upon a record that the backup does not have: somebody may bring it in from elsewhere."""
    values = {name: said[name] for name in (*_WHAT, "review_on")}
    create(context, _HOLD, values | {"status": "active"})


def release_again(context: Writing, said: Mapping[str, Any]) -> None:
    """What the backup still holds, or what was held again."""
    stored = _found(context, said)
    if stored is not None and stored["status"] == "active":
        ended = {"status": "released", "released_because": _BECAUSE, "released_at": said["at"]}
        change(context, _HOLD, stored["id"], ended)


def _found(context: Writing, said: Mapping[str, Any]) -> Record | None:
    if (stored := context.read(_HOLD, said["hold"])) is not None:
        return stored
    where: dict[str, Any] = {name: {"eq": said[name]} for name in _WHAT if said[name] is not None}
    if said["record_id"] is None:
        where["record_id"] = {"isNull": True}
    found = context.find(_HOLD, where | {"status": {"eq": "active"}}, 1)
    return found[0] if found else None
