"""Restrictions hold again: data that came back unrestricted go into the vault, and out of it if that was lifted."""

from collections.abc import Mapping
from datetime import date
from typing import Any, cast

from xrm_core.api import Record, forget_answers, recheck_messages
from xrm_dsgvo.own import Making, Writing, change
from xrm_dsgvo.restored import keeping
from xrm_dsgvo.restored.persons import known
from xrm_dsgvo.restriction.lifting import lifted
from xrm_dsgvo.restriction.restricting import RESTRICTION, Ground, restrict
from xrm_dsgvo.restriction.terms import AllowedPurpose, parts_of
from xrm_dsgvo.subjects import SUBJECT

_BECAUSE = "Restricted again after a backup was restored; why is not known any more."
_LIFTED = "Lifted before a backup was restored."


def restrict_again(context: Writing, said: Mapping[str, Any]) -> None:
    """Of whom the backup has nothing, nothing is restricted."""
    subject = known(context, said["person"])
    stored = context.read(SUBJECT, subject) if subject else None
    if subject is None or stored is None or stored["status"] not in ("active", "restricted"):
        return
    review = date.fromisoformat(said["review_on"]) if said["review_on"] else None

    because = keeping.text_of(context, said, "because") or _BECAUSE
    only = parts_of(said.get("parts"))
    purposes = [AllowedPurpose(each) for each in said.get("purposes") or ()]

    def again() -> None:
        making, ground = cast("Making", context), Ground(said["ground"])
        more: dict[str, Any] = {"since": said["since"], "only": only, "purposes": purposes, "again": True}
        restrict(making, subject, ground, because, review, **more)

    refused = context.attempt(again)
    if refused is None:
        return
    if refused.code != "SEALED_KEY_DESTROYED":
        raise refused
    # They were erased since, which is done again after this: nothing can be sealed for them, and nothing may be sent.
    if not only:
        change(context, SUBJECT, subject, {"status": "restricted"})
    recheck_messages(context)
    forget_answers(context)


def announce_again(context: Writing, said: Mapping[str, Any]) -> None:
    """The person knows that it will be lifted."""
    stored = _found(context, said)
    via = keeping.text_of(context, said, "text")
    if stored is not None and stored["status"] == "active":
        change(
            context,
            RESTRICTION,
            stored["id"],
            {"status": "lift_announced", "announced_at": said["at"], "announced_via": via},
        )


def lift_again(context: Writing, said: Mapping[str, Any]) -> None:
    """The data are back."""
    stored = _found(context, said)
    if stored is not None and stored["status"] != "lifted":
        because = keeping.text_of(context, said, "text") or _LIFTED
        lifted(cast("Making", context), stored, because, said["at"])


def _found(context: Writing, said: Mapping[str, Any]) -> Record | None:
    """As the backup has it, or as it was written again."""
    stored = context.read(RESTRICTION, said["restriction"])
    subject = known(context, said["person"])
    if stored is not None or subject is None:
        return stored
    where = {"data_subject": {"id": {"eq": subject}}, "since": {"eq": said["since"]}}
    found = context.find(RESTRICTION, where, 1)
    return found[0] if found else None
