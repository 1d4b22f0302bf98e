"""The page on which a consent is confirmed: opening it does nothing, for programs that scan mails open every link."""

from html import escape

from starlette.responses import Response

from xrm_core.api import Record, Route, RouteContext
from xrm_dsgvo.consent.asking import is_open, of_token
from xrm_dsgvo.pages.page import button, language_of, page, paragraph
from xrm_dsgvo.pages.words import WORDS


def routes() -> list[Route]:
    """To look, and to confirm."""
    path = "/confirm/{token}"
    return [
        Route(path, show, public=True, per_minute=30),
        Route(path, confirm, ("POST",), public=True, per_minute=10, max_bytes=4_096),
    ]


def show(context: RouteContext) -> Response:
    """What was asked for, and a button."""
    consent = of_token(context, context.request.path["token"])
    if consent is None:
        return unknown(context)
    return _page(context, consent)


def confirm(context: RouteContext) -> Response:
    """The button was pressed; a second time changes nothing."""
    consent = of_token(context, context.request.path["token"])
    if consent is None:
        return unknown(context)
    if is_open(consent):
        context.run_action_as_system("dsgvo.consent_confirm", given={"token": context.request.path["token"]})
        consent = context.read("consent", consent["id"]) or consent
    return _page(context, consent)


def unknown(context: RouteContext) -> Response:
    """There is no such link."""
    language = language_of(context)
    words = WORDS[language]
    return page(language, words["unknown"], paragraph(words["unknown_text"]), 404)


def _page(context: RouteContext, consent: Record) -> Response:
    language = language_of(context, consent["language"])
    words = WORDS[language]
    if consent["status"] == "given":
        return page(language, words["confirmed"], paragraph(words["confirmed_text"], told=True))
    if not is_open(consent):
        return page(language, words["late"], paragraph(words["late_text"], told=True), 410)
    declaration = context.read("consent_declaration", consent["declaration"]) or {"text": "", "withdrawal_hint": None}
    point = context.read("contact_point", consent["contact_point"]) or {"value": ""}
    shown = f"<blockquote>{escape(declaration['text'])}</blockquote>"
    hint = declaration["withdrawal_hint"] or words["confirm_hint"]
    text = paragraph(words["confirm_text"].format(address=point["value"]))
    return page(language, words["confirm"], f"{text}{shown}{paragraph(hint)}{button(words['confirm_button'])}")
