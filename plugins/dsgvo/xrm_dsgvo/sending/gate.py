"""The one send gate: nothing is sent to people outside that it does not let through.

A dry run answers what would be. For real it holds the contact point before it looks, so an objection that comes at the
same moment is either seen, or waits until the use is noted, and is later than it.
"""

import secrets
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from xrm_core.api import Action, ActionContext, Parcel, QueryContext, QueryField, Refuse
from xrm_dsgvo.consent.given import kind_of
from xrm_dsgvo.consent.period import later
from xrm_dsgvo.consent.tokens import hashed
from xrm_dsgvo.disclosure.noting import note
from xrm_dsgvo.discovery.graph import Key
from xrm_dsgvo.informing.contacting import written_to
from xrm_dsgvo.own import Writing, change, create
from xrm_dsgvo.points import POINT, digest, held, known, normal
from xrm_dsgvo.processors.connectors import lack_of
from xrm_dsgvo.sending.deciding import Circumstances, Verdict, decide, tracks
from xrm_dsgvo.sending.draft import REASONS, Draft, Kind, Permit
from xrm_dsgvo.sending.facts import Ask, Facts, facts_of
from xrm_dsgvo.sending.fitting import months_before
from xrm_dsgvo.sending.templates import marked
from xrm_dsgvo.subjects import has_died

PATH = "/plugins/dsgvo/withdraw"
_MONTH = timedelta(days=30)


def permit(context: QueryContext, draft: Draft) -> Permit:
    """Whether a message could be sent now: nothing is noted, and it may be otherwise a moment later."""
    if not is_told(draft, context.settings):
        return _answer(Verdict("E_TEMPLATE"))
    return judge(context.query_as_system, draft, context.settings)


def is_told(draft: Draft, settings: Any) -> bool:
    """Whether a sender outside may say by themselves what a message is: not where templates are asked for."""
    says = draft.kind is not Kind.advertising or draft.opt_out_notice
    return draft.template is not None or not says or not settings.require_templates


def judge(ask: Ask, given: Draft, settings: Any) -> Permit:
    """The same, of whoever can ask."""
    draft = marked(ask, given)
    if draft is None:
        return _answer(Verdict("E_TEMPLATE"))
    target = _target(draft, settings)
    if isinstance(target, Permit):
        return target
    verdict, facts, at = _judged(ask, draft, target, settings)
    return _answer(verdict, tracking=verdict.allowed and tracks(draft, facts, at))


def claim(context: Writing, given: Draft, person: Key | None = None, *, ends: bool = False) -> Permit:
    """Whether a message is sent now: what is allowed is noted in this transaction, and is to be sent after it.

    ``person`` is the record of who gets it, where somebody knows; ``ends``: the end of the message will be told.
    """
    draft = marked(context.query_as_system, given)
    if draft is None:
        return _answer(Verdict("E_TEMPLATE"))
    target = _target(draft, context.settings)
    if isinstance(target, Permit):
        return target
    point = held(context, *target)
    verdict, facts, at = _judged(context.query_as_system, draft, target, context.settings)
    if verdict.code.startswith("C") and person is not None and has_died(context, person):
        verdict = Verdict("E_DECEASED")
    if not verdict.allowed:
        return _answer(verdict)
    token = secrets.token_urlsafe(32) if draft.kind is Kind.advertising else None
    again = _note(context, draft, facts, point, verdict, at, token)
    if not again:
        written_to(context, draft, point, person, ends=ends)
    answer = _answer(verdict, tracking=tracks(draft, facts, at))
    answer.unsubscribe = token and f"{PATH}/{token}"
    return answer


def actions() -> list[Action]:
    """``dsgvoClaim``, for senders outside of the platform: ask before each message, and send what is allowed."""
    about = {"en": "Let a message go, and note it.", "de": "Eine Nachricht freigeben und vermerken."}

    def run(context: ActionContext, given: Draft) -> Permit:
        if not is_told(given, context.settings):
            return _answer(Verdict("E_TEMPLATE"))
        found = claim(context, given)
        if found.allowed and given.connector:
            _disclosed(context, given)
        return found

    return [Action("dsgvo.claim", run, input=Draft, answers=Permit, description=about)]


def query_fields() -> list[QueryField]:
    """``dsgvoPermit``."""
    about = {"en": "Whether a message could be sent, and why not.", "de": "Ob eine Nachricht ginge, und warum nicht."}
    return [QueryField("dsgvo.permit", permit, input=Draft, answers=Permit, description=about)]


def _target(draft: Draft, settings: Any) -> tuple[str, str] | Permit:
    """Kind and value of the contact point; or why there is none."""
    is_contract = draft.kind is not Kind.advertising and draft.advertising_free
    if settings.suppression_key is None and not is_contract:
        return _answer(Verdict("E_NO_KEY"))
    try:
        kind = kind_of(draft.channel, draft.point_kind)
        return kind, normal(kind, draft.to, settings.region)
    except Refuse:
        return _answer(Verdict("E_ERASED"))


def _judged(ask: Ask, draft: Draft, target: tuple[str, str], settings: Any) -> tuple[Verdict, Facts, Circumstances]:
    hashed_ = "" if settings.suppression_key is None else digest(*target, settings)
    now = datetime.now(ZoneInfo(settings.time_zone))
    facts = facts_of(ask, *target, hashed_, draft.channel.value, (now - _MONTH).astimezone(UTC).isoformat())
    # an earlier attempt of the same message is no other message
    uses = tuple(each for each in facts.uses if draft.message is None or each["message"] != draft.message)
    barred = draft.connector is not None and lack_of(ask, draft.connector, settings) is not None
    stale = months_before(now, settings.stale_months)
    at = Circumstances(now, settings.controller, stale, uses, barred, settings.most_per_day)
    return decide(draft, facts, at), facts, at


def _note(
    context: Writing, draft: Draft, facts: Facts, point: str, verdict: Verdict, at: Circumstances, token: str | None
) -> bool:
    """Keep what was let go; answers whether it is another attempt of a message that nobody has taken."""
    moment = at.now.astimezone(UTC).isoformat()
    use = {
        "consent": verdict.consent,
        "contact_point": point,
        "purpose": facts.purposes.id(draft.purpose) if draft.purpose else None,
        "channel": draft.channel.value,
        "kind": draft.kind.value,
        "code": verdict.code,
        "message": draft.message,
        "controller": draft.controller or at.controller,
        "products": {"names": draft.products} if draft.products else None,
        "at": moment,
        "token_hash": None if token is None else hashed(token),
    }
    before = context.find("consent_use", {"message": {"eq": draft.message}}, 1) if draft.message else []
    if before:
        change(context, "consent_use", before[0]["id"], use)
    else:
        create(context, "consent_use", use)
    for entity, id_ in (("consent", verdict.consent), ("customer_exception", verdict.exception)):
        if id_ is not None:
            begun = (context.read(entity, id_) or {}).get("proof_from")
            change(context, entity, id_, {"last_used_at": moment, "proof_from": later(begun, moment)})
    return bool(before)


def _disclosed(context: ActionContext, given: Draft) -> None:
    """Whoever carries it gets the address, as of messages of the outbox."""
    kind = kind_of(given.channel, given.point_kind)
    point = known(context, kind, normal(kind, given.to, context.settings.region))
    if point is not None:
        note(context, str(given.connector), [Parcel(POINT, point, frozenset({"value"}))])


def _answer(verdict: Verdict, *, tracking: bool = False) -> Permit:
    permit = Permit(verdict.allowed, verdict.code, REASONS[verdict.code], verdict.consent, tracking)
    permit.until = verdict.until
    return permit
