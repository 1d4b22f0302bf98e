"""What was rectified is right again: a backup from before has the wrong values (Article 5(1)(d))."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from xrm_dsgvo.own import Writing, change
from xrm_dsgvo.requests.states import REQUEST
from xrm_dsgvo.restored.keeping import text_of
from xrm_dsgvo.restored.persons import known
from xrm_dsgvo.restriction.correcting import out_of_vault


def rectify_again(context: Writing, said: Mapping[str, Any]) -> None:
    """The values are sealed for the person: if they were erased since, nobody knows them any more, and nobody has to.

    What does not fit any more stays as it is, and the request waits again for somebody to do it.
    """
    text = text_of(context, said, "values")
    if text is None:
        return
    wanted = json.loads(text)

    def act() -> list[Any]:
        return [each for each in wanted if not _done(context, *each)]

    refused = out_of_vault(context, _persons(context, said), act) if _is_restricted(context, wanted) else act()
    request = context.read(REQUEST, said["request"])
    if request is None:
        return
    before = {tuple(each) for each in (request["rectified"] or {}).get("fields", ())}
    told = before | {(entity, id_, name) for entity, id_, values in wanted for name in values}
    values: dict[str, Any] = {"rectified": {"fields": [list(each) for each in sorted(told)]}}
    if refused:
        values = {"rectified": None, "status": "decided", "closed_at": None}
    change(context, REQUEST, said["request"], values)


def _done(context: Writing, entity: str, id_: str, values: Mapping[str, Any]) -> bool:
    stored = context.read(entity, id_) if entity in context.records.model else None
    if stored is None:
        return True  # it is not there, or in the vault for somebody else: nothing wrong is shown
    different = {name: value for name, value in values.items() if value != stored.get(name)}
    if not different:
        return True
    update = context.records.update
    return context.attempt(lambda: update(context.connection, context.system, entity, id_, different)) is None


def _is_restricted(context: Writing, wanted: Iterable[tuple[str, str, Any]]) -> bool:
    """Whether something of it lies in the vault, where it is to be right, too."""
    known_ = ((entity, id_) for entity, id_, _ in wanted if entity in context.records.model)
    return any(each.id == id_ for entity, id_ in known_ for each in context.vaulted(entity))


def _persons(context: Writing, said: Mapping[str, Any]) -> list[str]:
    subject = known(context, said["person"])
    return [] if subject is None else [subject]
