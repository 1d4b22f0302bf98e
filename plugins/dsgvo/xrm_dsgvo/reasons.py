"""What allows messages without a consent: sales to customers, and assessments that somebody else has approved."""

from collections.abc import Mapping
from typing import Any

from xrm_core.api import Action, ActionContext, On, Record, RecordChange, Refuse
from xrm_dsgvo.due.impact import standing
from xrm_dsgvo.own import change, check_past, is_own, now
from xrm_dsgvo.processors.connectors import today

EXCEPTION, ASSESSMENT = "customer_exception", "assessment"
_BEGINS = {EXCEPTION: "eligible", ASSESSMENT: "draft"}
_MACHINE = ("status", "approved_by", "approved_at", "criteria", "last_used_at", "proof_from")
_IMPACT = ("risks", "measures", "officer_advice")
"""What an impact assessment consists of, beside the reasons (Article 35(2) and (7)); one that says that none is needed
has its reasons.
"""
_STAYS = {
    EXCEPTION: ("contact_point", "order_ref", "product_category", "notice_at_collection", "collected_at"),
    ASSESSMENT: (
        *("kind", "purpose", "activity", "transfer", "outcome", "contact_point", "reasons", "review_on"),
        *("risks", "measures", "officer_advice"),
    ),
}


def approve(context: ActionContext, assessment: Record) -> None:
    """Somebody else than its author finds it right.

    Raises:
        Refuse: it is no draft, it is to be reviewed already, something is missing, or the caller has written it.
    """
    if assessment["status"] != "draft":
        raise Refuse({"en": "Only a draft is approved.", "de": "Nur ein Entwurf wird freigegeben."}, field="status")
    if assessment["review_on"] <= today(context.settings):
        text = {"en": "The day of its review is over.", "de": "Der Tag der Prüfung ist vorbei."}
        raise Refuse(text, field="review_on")
    author, actor = assessment["updated_by"] or assessment["created_by"], context.caller.actor
    if actor is None or actor in (author, assessment["created_by"]):
        text = {
            "en": "Somebody else than its author approves an assessment.",
            "de": "Eine Abwägung gibt jemand anderes frei als ihr Verfasser.",
        }
        raise Refuse(text, field="approved_by")
    approved: dict[str, Any] = {"status": "approved", "approved_by": actor, "approved_at": now()}
    if assessment["kind"] == "impact":
        approved["criteria"] = {"keys": _looked_at(context, assessment)}
    change(context, ASSESSMENT, assessment["id"], approved)


def _looked_at(context: ActionContext, assessment: Record) -> list[str]:
    """What speaks for it now. Raises Refuse: something that the law wants in it is missing."""
    missing = [name for name in _IMPACT if not (assessment[name] or "").strip()]
    if missing and assessment["outcome"] != "not_needed":
        text = {
            "en": "An impact assessment has risks, measures and the advice of the officer.",
            "de": "Eine Folgenabschätzung hat Risiken, Abhilfe und den Rat der Datenschutzbeauftragten.",
        }
        raise Refuse(text, field=missing[0])
    found = standing(context.records.model, context.query_as_system, context.settings)
    return next((each.marks for each in found if each.activity == assessment["activity"]), [])


def expire(context: ActionContext, assessment: Record) -> None:
    """It does not hold any more. Raises Refuse: it is not approved."""
    if assessment["status"] != "approved":
        raise Refuse({"en": "It is not approved.", "de": "Sie ist nicht freigegeben."}, field="status")
    change(context, ASSESSMENT, assessment["id"], {"status": "expired"})


def outdate(context: ActionContext, exception: Record) -> None:
    """The sale is too long ago, or of something else by now. Raises Refuse: it does not count anyway."""
    if exception["status"] != "eligible":
        raise Refuse({"en": "It does not count any more.", "de": "Sie gilt nicht mehr."}, field="status")
    change(context, EXCEPTION, exception["id"], {"status": "stale", "proof_from": now()})


def actions() -> list[Action]:
    """``approveAssessment``, ``expireAssessment`` and ``outdateCustomerException``."""
    made: list[tuple[str, Any, str, str, str]] = [
        ("approve", approve, ASSESSMENT, "Approve an assessment.", "Eine Abwägung freigeben."),
        ("expire", expire, ASSESSMENT, "An assessment holds no more.", "Eine Abwägung gilt nicht mehr."),
        ("outdate", outdate, EXCEPTION, "The exception is too old.", "Die Ausnahme ist veraltet."),
    ]
    return [
        Action(f"dsgvo.{name}", run, entity, needs="read", description={"en": en, "de": de})
        for name, run, entity, en, de in made
    ]


def hooks() -> list[On]:
    """Both begin in one state, are moved on by actions, and say what they said when they began to count."""
    operations: Any = ("create", "update", "delete", "restore")
    return [On(entity, operations, before=_by_actions) for entity in _BEGINS]


def _by_actions(change_: RecordChange) -> Mapping[str, Any] | None:
    if is_own(change_):
        return None
    entity, begins = change_.entity, _BEGINS[change_.entity]
    counts = change_.before.get("status") not in (None, "draft")
    if entity == ASSESSMENT and change_.operation in ("create", "update"):
        _names_its_matter(change_)
    machine = [name for name in _MACHINE if change_.changes.get(name) is not None]
    if change_.operation == "create":
        if any(name != "status" or change_.changes["status"] != begins for name in machine):
            raise _refused(machine[0])
        if entity == EXCEPTION:
            _check_sale(change_.changes)
        return {"status": begins} | ({"proof_from": change_.changes["collected_at"]} if entity == EXCEPTION else {})
    if change_.operation != "update" and counts:
        raise Refuse({"en": "It counted, and stays.", "de": "Sie hat gegolten und bleibt."})
    changed = [name for name, value in change_.changes.items() if value != change_.before.get(name)]
    for name in changed:
        if name in _MACHINE:
            raise _refused(name)
        if counts and name in _STAYS[entity]:
            text = {
                "en": "It counts as it is: make a new one.",
                "de": "Sie gilt, wie sie ist: Eine neue anlegen.",
            }
            raise Refuse(text, field=name)
    return None


def _check_sale(given: Mapping[str, Any]) -> None:
    """Raise Refuse: one of the proofs of § 7(3) UWG has nothing in it, or is of a day to come."""
    for name in ("order_ref", "product_category", "notice_at_collection"):
        if not str(given.get(name) or "").strip():
            text = {"en": "Without that there is no exception.", "de": "Ohne das gibt es keine Ausnahme."}
            raise Refuse(text, field=name)
    told = "The address was collected in the past.", "Die Adresse wurde in der Vergangenheit erhoben."
    check_past(given["collected_at"], "collected_at", *told)


def _names_its_matter(change_: RecordChange) -> None:
    """An impact assessment is about an activity, one of a country about a transfer, both with an outcome; interests are
    about a purpose or an activity, presumed consent about a purpose.
    """
    after = {**change_.before, **change_.changes}
    found = {"impact": ("activity", "outcome"), "transfer": ("transfer", "outcome")}
    needed: tuple[str, ...] = found.get(str(after.get("kind")), ("purpose",))
    if after.get("kind") == "legitimate_interests" and after.get("activity"):
        needed = ("activity",)
    activity = after.get("activity")
    if activity and activity not in change_.write.settings.all_registers().activities:
        text = {"en": f"There is no activity {activity}.", "de": f"Die Tätigkeit {activity} gibt es nicht."}
        raise Refuse(text, field="activity")
    for name in needed:
        if not after.get(name):
            text = {"en": "Say what it is about.", "de": "Sagen, worum es geht."}
            raise Refuse(text, field=name)


def _refused(field: str) -> Refuse:
    text = {"en": "That is changed by actions alone.", "de": "Das ändern nur Aktionen."}
    return Refuse(text, field=field)
