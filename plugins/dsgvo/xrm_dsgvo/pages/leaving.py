"""Unsubscribing: by the button of a mail program (RFC 8058), which sends a POST that nobody sees, or by the page."""

from datetime import UTC, datetime, timedelta

from starlette.responses import Response

from xrm_core.api import Record, Route, RouteContext
from xrm_dsgvo.channels import Channel, PointKind
from xrm_dsgvo.consent.tokens import hashed, moment
from xrm_dsgvo.objection.persons import HOLDER
from xrm_dsgvo.objection.recording import ObjectionInput, object_
from xrm_dsgvo.pages.confirming import unknown
from xrm_dsgvo.pages.page import button, language_of, page, paragraph
from xrm_dsgvo.pages.words import WORDS
from xrm_dsgvo.subjects import Person


def routes() -> list[Route]:
    """To look, and to unsubscribe. What the POST says may be anything: mail programs send a form of either kind."""
    path = "/withdraw/{token}"
    return [
        Route(path, show, public=True, per_minute=30),
        Route(path, leave, ("POST",), public=True, per_minute=30, max_bytes=8_192),
    ]


def show(context: RouteContext) -> Response:
    """From what, and two buttons: this, or all advertising."""
    use = use_of(context)
    if use is None:
        return unknown(context)
    language = language_for(context, use)
    words, purpose = WORDS[language], purpose_name(context, use["purpose"], language)
    text = paragraph(words["withdraw_text"].format(address=address_of(context, use), purpose=purpose))
    this = button(words["withdraw_button"].format(purpose=purpose), "leave", "this")
    all_ = words["withdraw_all_text" if _only(context, use) else "withdraw_address_text"]
    everything = paragraph(all_) + button(words["withdraw_all_button"], "leave", "all")
    return page(language, words["withdraw"], f"{text}{this}{everything}{_link(context, use, words)}")


def leave(context: RouteContext) -> Response:
    """Nothing more of this, or nothing at all; from now on, however often it is sent."""
    use = use_of(context)
    if use is None:
        return unknown(context)
    everything = b"leave=all" in context.request.body
    point = context.read("contact_point", use["contact_point"])
    if point is not None and point["value"] is not None:  # of an erased address the suppression is there
        purpose = None if everything else _key(context, use["purpose"])
        given = ObjectionInput(
            to=point["value"],
            point_kind=PointKind(point["kind"]),
            channel=None if everything else Channel(use["channel"]),
            purpose=purpose,
            via="unsubscribe",
        )
        object_(context, given)
        if everything and (subject := _only(context, use)) is not None:
            object_(context, ObjectionInput(person=Person(data_subject=subject), via="unsubscribe"))
    language = language_for(context, use)
    words = WORDS[language]
    return page(language, words["withdrawn"], paragraph(words["withdrawn_text"], told=True))


def use_of(context: RouteContext) -> Record | None:
    """The message by whose link somebody came; None: there is none."""
    found = context.find("consent_use", {"token_hash": {"eq": hashed(context.request.path["token"])}}, 1)
    return found[0] if found else None


def is_fresh(context: RouteContext, use: Record) -> bool:
    """Whether its link may still show more than how to unsubscribe: mails lie about, and are sent on."""
    days = timedelta(days=context.settings.preference_link_days)
    return datetime.now(UTC) - moment(use["at"]) < days


def address_of(context: RouteContext, use: Record) -> str:
    """Where the message went; empty once it is erased."""
    point = context.read("contact_point", use["contact_point"])
    return str(point["value"] or "") if point else ""


def language_for(context: RouteContext, use: Record) -> str:
    """Of the consent, if there is one."""
    consent = context.read("consent", use["consent"]) if use["consent"] else None
    return language_of(context, consent["language"] if consent else None)


def purpose_name(context: RouteContext, purpose: str | None, language: str) -> str:
    """As people call it."""
    found = context.read("consent_purpose", purpose) if purpose else None
    return str(found[f"name_{language}"]) if found else WORDS[language]["advertising"]


def _only(context: RouteContext, use: Record) -> str | None:
    """The one person who is reached there; of several nobody knows who has pressed the button."""
    found = context.find(HOLDER, {"contact_point": {"id": {"eq": use["contact_point"]}}}, 2)
    return str(found[0]["data_subject"]) if len(found) == 1 else None


def _key(context: RouteContext, purpose: str | None) -> str | None:
    found = context.read("consent_purpose", purpose) if purpose else None
    return str(found["key"]) if found else None


def _link(context: RouteContext, use: Record, words: dict[str, str]) -> str:
    if not is_fresh(context, use):
        return ""
    path = f"{context.request.base}/plugins/dsgvo/preferences/{context.request.path['token']}"
    return f'<p><a href="{path}">{words["preferences_link"]}</a></p>'
