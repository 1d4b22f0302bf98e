"""Legal holds: what they are upon is neither erased nor deleted by its period, until they are released."""

from dataclasses import dataclass

from xrm_core.api import Action, ActionContext, On, Refuse
from xrm_dsgvo import own

HOLD = "legal_hold"


@dataclass
class HoldSetInput:
    """Upon a record with all that belongs to that person; without a record upon all of an entity."""

    matter: str
    basis: str
    entity: str
    record: str | None = None
    review_on: str | None = None


@dataclass
class HoldReleaseInput:
    """Which, and why."""

    hold: str
    because: str


@dataclass
class HoldAnswer:
    """The hold."""

    hold: str
    status: str


def set_hold(context: ActionContext, given: HoldSetInput) -> HoldAnswer:
    """From now on nothing of it goes.

    Raises:
        Refuse: there is no such entity or record, or nothing is said of why.
    """
    if given.entity not in context.records.model:
        raise Refuse({"en": "There is no such entity.", "de": "Diese Entität gibt es nicht."}, field="entity")
    if given.record is not None and context.read(given.entity, given.record) is None:
        raise Refuse({"en": "There is no such record.", "de": "Diesen Datensatz gibt es nicht."}, field="record")
    for name, text in (("matter", given.matter), ("basis", given.basis)):
        if not text.strip():
            raise Refuse({"en": "Say why.", "de": "Den Grund angeben."}, field=name)
    values = {
        "matter": given.matter.strip(),
        "basis": given.basis.strip(),
        "entity_name": given.entity,
        "record_id": given.record,
        "review_on": given.review_on,
        "status": "active",
    }
    return HoldAnswer(own.create(context, HOLD, values), "active")


def release(context: ActionContext, given: HoldReleaseInput) -> HoldAnswer:
    """It has ended: what is due goes with the next run.

    Raises:
        Refuse: there is none that is active, or nothing is said of why.
    """
    context.hold(HOLD, given.hold)
    stored = context.read(HOLD, given.hold)
    if stored is None or stored["status"] != "active":
        raise Refuse({"en": "There is no such hold.", "de": "Diese Löschsperre gibt es nicht."}, field="hold")
    if not given.because.strip():
        raise Refuse({"en": "Say why.", "de": "Den Grund angeben."}, field="because")
    ended = {"status": "released", "released_because": given.because.strip()[:500], "released_at": own.now()}
    own.change(context, HOLD, given.hold, ended)
    return HoldAnswer(given.hold, "released")


def actions() -> list[Action]:
    """``dsgvoHoldSet`` and ``dsgvoHoldRelease``."""
    sets = {"en": "Let nothing of it be erased.", "de": "Löschen sperren."}
    releases = {"en": "Release a legal hold.", "de": "Eine Löschsperre aufheben."}
    return [
        Action("dsgvo.hold_set", set_hold, input=HoldSetInput, answers=HoldAnswer, description=sets),
        Action("dsgvo.hold_release", release, input=HoldReleaseInput, answers=HoldAnswer, description=releases),
    ]


def hooks() -> list[On]:
    """They are set and released by actions alone, and stay as a proof."""
    text = {"en": "Legal holds are set and released by actions.", "de": "Löschsperren setzen und lösen Aktionen."}
    return [own.kept(HOLD, text)]
