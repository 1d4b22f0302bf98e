"""Restricted data are corrected: that is what they may be used for, since the person has a right to it (Article 16)."""

from collections.abc import Callable, Iterable
from typing import Any, cast

from xrm_core.api import Record, bring_back, move_to_vault
from xrm_dsgvo.own import Making, Writing, change
from xrm_dsgvo.points import POINT
from xrm_dsgvo.restriction.parts import reach_of_parts
from xrm_dsgvo.restriction.reach import Reach, in_hashed_form, reach_of
from xrm_dsgvo.restriction.standing import RESTRICTION, standing_of
from xrm_dsgvo.restriction.terms import parts_of


def out_of_vault(context: Writing, subjects: Iterable[str], act: Callable[[], Any]) -> Any:
    """Do something with data that lie in the vault: they are back for it, and restricted again as they were before
    anybody else sees them. All of it is this transaction.

    Args:
        context: a transaction.
        subjects: the persons.
        act: does it; what it answers is answered.

    Raises:
        ValidationFailed: something does not fit any more, such as an address that another record has by now.
        SealingUnavailable: it cannot be opened.
    """
    standing = sorted(standing_of(context, subjects), key=lambda each: str(each["deposit"]))
    points: dict[str, list[str]] = {str(each["deposit"]): [] for each in standing}
    for each in context.vaulted(POINT) if standing else ():
        if each.deposit in points:
            points[each.deposit].append(each.id)
    for restriction in reversed(standing):
        bring_back(context, str(restriction["deposit"]))
    done = act()
    for restriction in standing:
        _again(context, restriction, points[str(restriction["deposit"])])
    return done


def _again(context: Writing, restriction: Record, points: Iterable[str]) -> None:
    """Also the contact points that were restricted, though another address may stand in the record by now."""
    making = cast("Making", context)
    subject, parts = str(restriction["data_subject"]), parts_of(restriction["parts"])
    found: Reach = reach_of_parts(making, subject, parts, there=True) if parts else reach_of(making, subject)
    for point in points:
        if (instead := in_hashed_form(making, point, subject)) is not None:
            found.values[POINT, point] = instead
    deposit = move_to_vault(context, subject, found.records, found.values, found.trashed) if found else None
    count = 0 if deposit is None else sum(deposit.counts.values())
    change(context, RESTRICTION, restriction["id"], {"deposit": deposit and deposit.id, "records": count})
