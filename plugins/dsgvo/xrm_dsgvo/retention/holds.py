"""Legal holds: what they are upon is neither erased nor deleted by its period, until they are released."""

from collections.abc import Iterator
from dataclasses import dataclass

from xrm_core.api import Action, ActionContext, On, Refuse
from xrm_dsgvo import own
from xrm_dsgvo.requests.cases import review_day
from xrm_dsgvo.restored import keeping
from xrm_dsgvo.restriction.held import remind_of_released

HOLD = "legal_hold"
_AT_ONCE = 1_000


@dataclass
class HoldSetInput:
    """Upon a record with all that belongs to that person; without a record upon all of an entity.

    Without ``review_on`` it is reviewed in ``review_days``.
    """

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
    if given.record is not None:
        context.hold(given.entity, given.record)  # an erasure under way is waited for, or finds the hold at its end
        _require_kept(context, given.entity, given.record)
    for name, text in (("matter", given.matter), ("basis", given.basis)):
        if not text.strip():
            raise Refuse({"en": "Say why.", "de": "Den Grund angeben."}, field=name)
    values = {
        "matter": given.matter.strip(),
        "basis": given.basis.strip(),
        "entity_name": given.entity,
        "record_id": given.record,
        "review_on": given.review_on or review_day(context.settings).isoformat(),
        "status": "active",
    }
    hold = own.create(context, HOLD, values)
    keeping.held(context, hold, values)
    return HoldAnswer(hold, "active")


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
    keeping.hold_released(context, stored, ended["released_at"])
    remind_of_released(context)
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


def _require_kept(context: ActionContext, entity: str, record: str) -> None:
    """Raise Refuse: a record is neither in its table nor in the vault."""
    if context.read(entity, record) is not None or any(each.id == record for each in context.vaulted(entity)):
        return
    if any(each == record for each in _trashed(context, entity)):
        text = {
            "en": "The record is in the trash, which is emptied after a while: restore it first.",
            "de": "Der Datensatz liegt im Papierkorb, der nach einer Weile geleert wird: erst wiederherstellen.",
        }
        raise Refuse(text, field="record")
    raise Refuse({"en": "There is no such record.", "de": "Diesen Datensatz gibt es nicht."}, field="record")


def _trashed(context: ActionContext, entity: str) -> Iterator[str]:
    after = ""
    while found := context.deleted(entity, after, _AT_ONCE):
        yield from (after := str(each["id"]) for each in found)
