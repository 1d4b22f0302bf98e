"""What of a person lies in the vault, and that it comes back for those who erase it."""

from collections.abc import Collection, Iterable, Iterator
from typing import Any

from xrm_core.api import Record, Refuse, bring_back
from xrm_dsgvo import own
from xrm_dsgvo.own import Looking, Writing
from xrm_dsgvo.paging import every

RESTRICTION = "restriction"
STANDING = ("active", "lift_announced")
_WANTED = frozenset({"unlawful", "claims"})
"""Grounds on which the person wants their data kept (Article 18(1)(b) and (c))."""


def standing_of(context: Writing, subjects: Iterable[str]) -> list[Record]:
    """The restrictions of persons of which something lies in the vault; the oldest first."""
    found: list[Record] = []
    for subject in sorted(set(subjects)):
        found += [each for each in standing_restrictions(context, subject) if each["deposit"] is not None]
    return sorted(found, key=lambda each: str(each["id"]))


def standing_restrictions(context: Writing, subject: str) -> Iterator[Record]:
    """The restrictions of a person, of all of it or some, in the vault or by the gate alone."""
    return every(context, RESTRICTION, _of(subject))


def is_restricted(context: Looking, subject: str) -> bool:
    """Whether something of a person is restricted."""
    return bool(context.find(RESTRICTION, _of(subject), 1))


def _of(subject: str) -> dict[str, Any]:
    return {"data_subject": {"id": {"eq": subject}}, "status": {"in": list(STANDING)}}


def require_erasable(restrictions: Collection[Record], trigger: str) -> None:
    """Raise Refuse: the person wants the data kept, and has not asked for the erasure themselves."""
    if trigger != "request" and any(each["ground"] in _WANTED for each in restrictions):
        text = {
            "en": "The person wants these data kept (Article 18(1)): only at their request are they erased.",
            "de": "Die Person will diese Daten erhalten wissen (Art. 18 Abs. 1): nur auf ihren Antrag wird gelöscht.",
        }
        raise Refuse(text, field="trigger")


def brought_back(context: Writing, restrictions: Iterable[Record]) -> None:
    """Bring all of it back, for the erasure in the same transaction: what was moved last comes first.

    Raises:
        ValidationFailed: something does not fit any more, such as an address that another record has by now.
        SealingUnavailable: it cannot be opened.
    """
    for each in sorted(restrictions, key=lambda each: str(each["id"]), reverse=True):
        bring_back(context, str(each["deposit"]))
        ended = {"status": "lifted", "lifted_at": own.now(), "lifted_because": "erasure", "deposit": None}
        own.change(context, RESTRICTION, str(each["id"]), ended)
