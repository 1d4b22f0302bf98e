"""Wrong data become right (Article 16): ``dsgvoRectify``, field by field, and recipients of these are to be told."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from xrm_core.api import Action, ActionContext, Field, Refuse
from xrm_dsgvo.archive.correcting import out_of_archive
from xrm_dsgvo.disclosure.owed import open_notices
from xrm_dsgvo.discovery.graph import Key
from xrm_dsgvo.own import change
from xrm_dsgvo.requests.cases import held
from xrm_dsgvo.requests.heirs import check_own
from xrm_dsgvo.requests.identity import graph_of
from xrm_dsgvo.requests.states import REQUEST
from xrm_dsgvo.restored import keeping
from xrm_dsgvo.restriction.correcting import out_of_vault
from xrm_dsgvo.subjects import SUBJECT

_PLAIN = frozenset({"text", "long_text", "email", "phone", "url", "enum", "date", "datetime", "time", "uuid"})
_NOT = frozenset({"relation", "file"})


@dataclass
class Correction:
    """The right value of a field: text as it is, all else as JSON; without one the field becomes empty."""

    entity: str
    record: str
    field: str
    value: str | None = None


@dataclass
class RectifyInput:
    """For which request."""

    request: str
    corrections: list[Correction]


@dataclass
class Rectified:
    """How many records were changed, and how many recipients are to be told."""

    request: str
    records: int
    notices: int


def rectify(context: ActionContext, given: RectifyInput) -> Rectified:
    """Correct fields that are about the person; also those that are right already count as corrected.

    What is restricted is corrected as well, and stays restricted.

    Raises:
        Refuse: it is no request for rectification that was granted, or a field is not the person's to correct.
    """
    request = held(context, given.request, "answer")
    check_own(request)
    if request["decision"] == "refused" or request["kind"] != "rectification" or request["data_subject"] is None:
        text = {"en": "It is no request for rectification of somebody.", "de": "Es ist keine Anfrage auf Berichtigung."}
        raise Refuse(text, field="request")
    graph = graph_of(context, request)
    mine = {hit.key: set(hit.mine) for hit in graph.hits if not hit.deleted}
    values: dict[Key, dict[str, Any]] = {}
    for each in given.corrections:
        key = (each.entity, each.record)
        field = context.records.model[each.entity].field(each.field) if each.field in mine.get(key, ()) else None
        if field is None or not field.writable or str(field.type) in _NOT:
            text = {
                "en": f"That is no field of theirs that can be corrected: {each.entity}.{each.field}.",
                "de": f"Das ist kein Feld der Person, das sich berichtigen lässt: {each.entity}.{each.field}.",
            }
            raise Refuse(text, field="corrections")
        values.setdefault(key, {})[each.field] = _value(field, each.value)

    def act() -> int:
        def change_all() -> int:
            return sum(_changed(context, key, new) for key, new in values.items())

        return int(out_of_archive(context, values, change_all))

    vaulted = any(hit.restricted and hit.key in values for hit in graph.hits)
    subjects = [hit.id for hit in graph.hits if hit.own and hit.entity == SUBJECT]
    changed = out_of_vault(context, subjects, act) if vaulted else act()
    told = {(str(e), str(id_), str(f)) for e, id_, f in (request["rectified"] or {}).get("fields", ())}
    told |= {(*key, name) for key, new in values.items() for name in new}
    change(context, REQUEST, request["id"], {"rectified": {"fields": [list(each) for each in sorted(told)]}})
    keeping.rectified(context, request["id"], str(request["data_subject"]), values)
    fields = {key: set(new) for key, new in values.items()}
    notices = open_notices(context, "rectification", {"request": str(request["id"])}, fields)
    return Rectified(request["id"], changed, notices)


def actions() -> list[Action]:
    """``dsgvoRectify``."""
    about = {"en": "Correct data of who has asked for it.", "de": "Daten auf Anfrage der Person berichtigen."}
    return [Action("dsgvo.rectify", rectify, input=RectifyInput, answers=Rectified, description=about)]


def _changed(context: ActionContext, key: Key, new: Mapping[str, Any]) -> bool:
    stored = context.read(*key) or {}
    different = {name: value for name, value in new.items() if value != stored.get(name)}
    if different:
        context.records.update(context.connection, context.system, *key, different)
    return bool(different)


def _value(field: Field, text: str | None) -> Any:
    if text is None or str(field.type) in _PLAIN:
        return text
    try:
        return json.loads(text)
    except ValueError:
        wrong = {
            "en": f"The value of {field.name} is no JSON.",
            "de": f"Der Wert von {field.name} ist kein JSON.",
        }
        raise Refuse(wrong, field="corrections") from None
