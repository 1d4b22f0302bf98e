"""What was rectified is right again: a backup from before has the wrong values (Article 5(1)(d))."""

import json
from collections.abc import Mapping
from typing import Any

from xrm_dsgvo.own import Writing, change
from xrm_dsgvo.requests.states import REQUEST
from xrm_dsgvo.restored.keeping import text_of


def rectify_again(context: Writing, said: Mapping[str, Any]) -> None:
    """The values are sealed for the person: if they were erased since, nobody knows them any more, and nobody has to.

    What does not fit any more stays as it is, and the request waits again for somebody to do it.
    """
    text = text_of(context, said, "values")
    if text is None:
        return
    refused = [each for each in json.loads(text) if not _done(context, *each)]
    request = context.read(REQUEST, said["request"])
    if request is None:
        return
    before = {tuple(each) for each in (request["rectified"] or {}).get("fields", ())}
    told = before | {(entity, id_, name) for entity, id_, values in json.loads(text) for name in values}
    values: dict[str, Any] = {"rectified": {"fields": [list(each) for each in sorted(told)]}}
    if refused:
        values = {"rectified": None, "status": "decided", "closed_at": None}
    change(context, REQUEST, said["request"], values)


def _done(context: Writing, entity: str, id_: str, values: Mapping[str, Any]) -> bool:
    stored = context.read(entity, id_) if entity in context.records.model else None
    if stored is None:
        return True  # it is not there, or in the vault: nothing wrong is shown
    different = {name: value for name, value in values.items() if value != stored.get(name)}
    if not different:
        return True
    update = context.records.update
    return context.attempt(lambda: update(context.connection, context.system, entity, id_, different)) is None
