"""What messages of a template are, as two persons have said: for what, and whether there is advertising in them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from xrm_core.api import Action, ActionContext, On, RecordChange, Refuse
from xrm_dsgvo.own import change, is_own, now
from xrm_dsgvo.sending.draft import Draft, Kind
from xrm_dsgvo.sending.facts import Ask

TEMPLATE = "sending_template"
_BY_LAW = frozenset({"b", "c"})
"""What messages without advertising rest on: a contract, or a duty by law (Article 6(1))."""
_MACHINE = ("status", "approved_by", "approved_at")
_QUERY = """
query ($key: String!) { sendingTemplates(first: 1, where: {key: {eq: $key}, status: {eq: approved}}) {
  nodes { kind containsAdvertising optOutNotice }
} }"""


@dataclass
class TemplateInput:
    """Which one."""

    template: str


@dataclass
class TemplateNow:
    """The template as it is now."""

    template: str
    status: str


def marked(ask: Ask, draft: Draft) -> Draft | None:
    """The message as its template says what it is, whatever its sender says; None: no such template is approved."""
    if draft.template is None:
        return draft
    nodes = ask(_QUERY, {"key": draft.template})["sendingTemplates"]["nodes"]
    if not nodes:
        return None
    [found] = nodes
    kind = Kind.advertising if found["containsAdvertising"] else Kind(found["kind"])
    free = kind is not Kind.advertising
    return replace(draft, kind=kind, advertising_free=free, opt_out_notice=bool(found["optOutNotice"]))


def narrowed(ask: Ask, draft: Draft) -> Draft | None:
    """The same where a plugin says what its kind of messages is: a template makes advertising of it, never less."""
    found = marked(ask, draft)
    if found is None:
        return None
    if draft.kind is Kind.advertising:
        found = replace(found, kind=Kind.advertising, advertising_free=False)
    return replace(found, template=None)


def approve(context: ActionContext, given: TemplateInput) -> TemplateNow:
    """Somebody else than its author finds that it is what it says; editions before it are retired.

    Raises:
        Refuse: it is no draft, the caller has written it, or what it rests on does not allow such messages.
    """
    template = _held(context, given.template)
    if template["status"] != "draft":
        raise Refuse({"en": "Only a draft is approved.", "de": "Nur ein Entwurf wird freigegeben."}, field="status")
    actor = context.caller.actor
    if actor is None or actor in (template["updated_by"], template["created_by"]):
        text = {
            "en": "Somebody else than its author approves a template.",
            "de": "Eine Vorlage gibt jemand anderes frei als ihr Verfasser.",
        }
        raise Refuse(text, field="approved_by")
    _check_basis(context, template)
    for each in context.find(TEMPLATE, {"key": {"eq": template["key"]}, "status": {"eq": "approved"}}, 100):
        change(context, TEMPLATE, each["id"], {"status": "retired"})
    approved = {"status": "approved", "approved_by": actor, "approved_at": now()}
    change(context, TEMPLATE, template["id"], approved)
    return TemplateNow(template["id"], "approved")


def retire(context: ActionContext, given: TemplateInput) -> TemplateNow:
    """No message is sent by it any more. Raises Refuse: it is not approved."""
    template = _held(context, given.template)
    if template["status"] != "approved":
        raise Refuse({"en": "It is not approved.", "de": "Sie ist nicht freigegeben."}, field="status")
    change(context, TEMPLATE, template["id"], {"status": "retired"})
    return TemplateNow(template["id"], "retired")


def actions() -> list[Action]:
    """``dsgvoTemplateApprove`` and ``dsgvoTemplateRetire``."""
    approving = {"en": "Approve what a template is.", "de": "Freigeben, was eine Vorlage ist."}
    retiring = {"en": "A template is sent by no more.", "de": "Eine Vorlage außer Kraft setzen."}
    return [
        Action("dsgvo.template_approve", approve, input=TemplateInput, answers=TemplateNow, description=approving),
        Action("dsgvo.template_retire", retire, input=TemplateInput, answers=TemplateNow, description=retiring),
    ]


def hooks() -> list[On]:
    """What was approved stays as it was looked at: a change is a new edition, which two persons look at."""
    return [On(TEMPLATE, ("create", "update", "delete", "restore"), before=_by_actions)]


def _held(context: ActionContext, id_: str) -> Any:
    context.hold(TEMPLATE, id_)
    found = context.read(TEMPLATE, id_)
    if found is None:
        raise Refuse({"en": "There is no such template.", "de": "Diese Vorlage gibt es nicht."}, field="template")
    return found


def _check_basis(context: ActionContext, template: Mapping[str, Any]) -> None:
    if template["kind"] == "advertising":
        return
    if template["contains_advertising"]:
        text = {
            "en": "What has advertising in it is advertising: say so by its kind, or take it out.",
            "de": "Was Werbung enthält, ist Werbung: die Art so angeben, oder sie herausnehmen.",
        }
        raise Refuse(text, field="contains_advertising")
    activity = context.settings.all_registers().activities.get(template["activity"] or "")
    if activity is None or not _BY_LAW & set(activity.basis):
        text = {
            "en": "Name the processing activity, one that rests on a contract or on law (Article 6(1)(b) or (c)).",
            "de": "Die Verarbeitungstätigkeit nennen, eine aufgrund von Vertrag oder Gesetz (Art. 6 Abs. 1 b oder c).",
        }
        raise Refuse(text, field="activity")


def _by_actions(change_: RecordChange) -> Mapping[str, Any] | None:
    if is_own(change_):
        return None
    given = change_.changes
    if any(given.get(name) not in (None, "draft") for name in _MACHINE) and change_.operation in ("create", "update"):
        text = {"en": "That is changed by actions alone.", "de": "Das ändern nur Aktionen."}
        raise Refuse(text, field=next(name for name in _MACHINE if given.get(name) not in (None, "draft")))
    if change_.before.get("status") not in (None, "draft"):
        text = {
            "en": "It was approved as it is, and stays: make a new edition.",
            "de": "So wurde sie freigegeben, und so bleibt sie: Eine neue Fassung anlegen.",
        }
        raise Refuse(text)
    return {"status": "draft"} if change_.operation == "create" else None
