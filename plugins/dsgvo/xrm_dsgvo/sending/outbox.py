"""The gate of the outbox: every message of every plugin is asked about here, and noted when it leaves."""

from typing import Any

from xrm_core.api import MessageAllowed, MessageContext, MessageRefusal, Moment, OutgoingMessage
from xrm_dsgvo.channels import Channel
from xrm_dsgvo.consent.confirmation import CONFIRMATION
from xrm_dsgvo.disclosure.noting import note_message
from xrm_dsgvo.sending.draft import GERMAN, REASONS, Draft, Kind, Permit
from xrm_dsgvo.sending.gate import claim, judge
from xrm_dsgvo.sending.templates import narrowed


def before_message_send(message: OutgoingMessage, context: MessageContext) -> MessageRefusal | MessageAllowed | None:
    """Refuse what nothing allows. What somebody only wants to know, or what waits for its turn, is not noted."""
    draft = draft_of(message, context.settings)
    if draft is None:
        return MessageRefusal("E_NO_BASIS", _reason("E_NO_BASIS"))
    draft = narrowed(context.query_as_system, draft)
    if draft is None:
        return MessageRefusal("E_TEMPLATE", _reason("E_TEMPLATE"))
    if message.moment is Moment.HANDED_OVER:
        found = claim(context, draft, message.person or message.about, ends=True)
    else:
        found = judge(context.query_as_system, draft, context.settings)
    if not found.allowed:
        return MessageRefusal(found.code, _reason(found), found.until)
    if message.moment is Moment.HANDED_OVER:
        note_message(context, message)
    base = context.settings.public_url.replace("{tenant}", context.tenant or "")
    return MessageAllowed(f"{base}{found.unsubscribe}" if base and found.unsubscribe else None, found.tracking)


def draft_of(message: OutgoingMessage, settings: Any) -> Draft | None:
    """What the gate is asked: the purpose says whether it is needed for a contract, or which advertising it is.

    The payload may say more: ``purpose`` in place of that of the kind, ``products``, ``product_category``,
    ``opt_out_notice``, ``controller``, ``notice``,
    ``template``. None: nobody knows what such a channel reaches.
    """
    name = "email" if message.channel == "mail" else message.channel.rpartition(".")[2]
    if name not in Channel.__members__ or message.address is None:
        return None
    given = message.payload
    purpose = str(given.get("purpose") or message.purpose)
    kind = Kind.transactional if message.kind == CONFIRMATION else _kind_of({message.purpose, purpose}, settings)
    return Draft(
        channel=Channel[name],
        to=message.address,
        kind=kind,
        purpose=purpose,
        advertising_free=kind is not Kind.advertising,
        products=[str(each) for each in given.get("products", ())],
        product_category=given.get("product_category"),
        controller=given.get("controller"),
        opt_out_notice=given.get("opt_out_notice") is True,
        message=message.id or None,
        connector=f"channel:{message.channel}",
        notice=given.get("notice"),
        template=given.get("template"),
    )


def _kind_of(purposes: set[str], settings: Any) -> Kind:
    """A payload may make advertising of what its kind is for, and never the other way round."""
    if purposes <= set(settings.legal_purposes):
        return Kind.legal
    if purposes <= {*settings.contract_purposes, *settings.legal_purposes}:
        return Kind.transactional
    return Kind.advertising


def _reason(found: Permit | str) -> dict[str, str]:
    code = found if isinstance(found, str) else found.code
    return {"en": REASONS[code], "de": GERMAN[code]}
