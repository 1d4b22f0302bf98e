"""Commissions are released by somebody else, and paid."""

from dataclasses import dataclass
from datetime import date

from xrm_core.api import Action, ActionContext, Record, Refuse
from xrm_sales.acting import action
from xrm_sales.moments import today
from xrm_sales.writing import change


@dataclass
class PayInput:
    """When; today, if nothing is said."""

    paid_on: date | None = None


def release(context: ActionContext, commission: Record) -> None:
    """It is right.

    Raises:
        Refuse: it is not open any more, or the caller's own, or no person decides.
    """
    _must_be(commission, "earned")
    user = getattr(context.caller, "id", None)
    if user is None:
        raise Refuse({"en": "A person decides.", "de": "Das entscheidet ein Mensch."})
    if user == commission["user"]:
        raise Refuse({"en": "Nobody releases their own commission.", "de": "Niemand gibt die eigene Provision frei."})
    change(context, "commission", commission["id"], {"status": "released", "released_by": user})


def pay(context: ActionContext, commission: Record, given: PayInput) -> None:
    """It is paid.

    Raises:
        Refuse: it is not released.
    """
    _must_be(commission, "released")
    day = given.paid_on.isoformat() if given.paid_on else today()
    change(context, "commission", commission["id"], {"status": "paid", "paid_on": day})


def actions() -> list[Action]:
    """``releaseCommission`` and ``payCommission``."""
    released, paid = "Sie stimmt und kann ausgezahlt werden.", "Sie ist ausgezahlt."
    return [
        action("release", release, "commission", needs="read", en="It is right, and can be paid.", de=released),
        action("pay", pay, "commission", needs="read", takes=PayInput, en="It is paid.", de=paid),
    ]


def _must_be(commission: Record, status: str) -> None:
    if commission["status"] != status:
        raise Refuse(
            {
                "en": f"The commission is {commission['status']}.",
                "de": f"Die Provision ist im Status {commission['status']}.",
            },
            field="status",
        )
