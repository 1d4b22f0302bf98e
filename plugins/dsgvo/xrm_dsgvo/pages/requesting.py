"""The page on which a person asks for what Articles 15 to 21 give them, where an installation wants it."""

from collections.abc import Mapping
from html import escape

from starlette.responses import Response

from xrm_core.api import Route, RouteContext
from xrm_dsgvo.pages.confirming import unknown
from xrm_dsgvo.pages.page import language_of, page, paragraph
from xrm_dsgvo.pages.words import WORDS
from xrm_dsgvo.requests.cases import today
from xrm_dsgvo.requests.opening import Right

_LENGTHS = {"name": 200, "address": 500, "wording": 8_000}
_BLANK: Mapping[str, str] = {}
_TURNING = frozenset(map(chr, (*range(0x202A, 0x202F), *range(0x2066, 0x206A))))
"""Characters that turn the direction of a text."""


def routes() -> list[Route]:
    """To look, and to ask. Whoever asks is told nothing but that it has come."""
    path = "/request"
    return [
        Route(path, show, public=True, per_minute=30),
        Route(path, ask, ("POST",), public=True, per_minute=5, max_bytes=64 * 1024),
    ]


def show(context: RouteContext) -> Response:
    """The form."""
    return _form(context, _BLANK) if context.settings.request_form else unknown(context)


def ask(context: RouteContext) -> Response:
    """Keep a request. Who it is from is checked by whoever works on it, not here."""
    if not context.settings.request_form:
        return unknown(context)
    given = {name: value.strip() for name, value in context.request.form().items()}
    given |= {name: _line(given[name]) for name in ("name", "address") if name in given}
    language = language_of(context)
    words = WORDS[language]
    if given.get("website"):  # nobody sees the field: a program has filled it
        return page(language, words["asked"], paragraph(words["asked_text"], told=True))
    kind = given.get("kind", "")
    if kind not in Right.__members__ or not given.get("name") or "@" not in given.get("address", ""):
        return _form(context, given, words["ask_missing"], 422)
    if any(len(given.get(name, "")) > most for name, most in _LENGTHS.items()):
        return _form(
            context, {**given, "wording": given.get("wording", "")[: _LENGTHS["wording"]]}, words["ask_long"], 422
        )
    values = {name: given.get(name) or None for name in _LENGTHS}
    came = {"kind": kind, "receivedOn": today(context.settings).isoformat(), "via": "form"}
    context.run_action_as_system("dsgvo.request_open", given={**came, **values})
    return page(language, words["asked"], paragraph(words["asked_text"], told=True))


def _line(text: str) -> str:
    """One line, in the direction in which it is written: what somebody reads is what is there."""
    plain = "".join(each for each in text if each.isspace() or (each.isprintable() and each not in _TURNING))
    return " ".join(plain.split())


def _form(context: RouteContext, given: Mapping[str, str], told: str = "", status: int = 200) -> Response:
    language = language_of(context)
    words = WORDS[language]

    def field(name: str, kind: str) -> str:
        value = escape(given.get(name, ""))
        label = f'<label for="{name}">{escape(words[f"ask_{name}"])}</label><br>'
        asked = (
            f'type="{kind}" maxlength="{_LENGTHS[name]}" autocomplete="{kind if kind == "email" else name}" required'
        )
        return f'<p>{label}<input id="{name}" name="{name}" {asked} value="{value}"></p>'

    options = "".join(
        f'<option value="{each.value}"{" selected" if given.get("kind") == each.value else ""}>'
        f"{escape(words[f'ask_{each.value}'])}</option>"
        for each in Right
    )
    body = paragraph(told, told=True) if told else ""
    body += paragraph(words["ask_text"].format(controller=context.settings.controller))
    body += f'<form method="post"><p><label for="kind">{escape(words["ask_kind"])}</label><br>'
    body += f'<select id="kind" name="kind">{options}</select></p>{field("name", "text")}{field("address", "email")}'
    body += f'<p><label for="wording">{escape(words["ask_wording"])}</label><br>'
    body += f'<textarea id="wording" name="wording" rows="8" maxlength="{_LENGTHS["wording"]}">'
    body += f"{escape(given.get('wording', ''))}</textarea></p>"
    body += f'<p hidden><label for="website">{escape(words["ask_empty"])}</label>'
    body += '<input id="website" name="website" type="text" tabindex="-1" autocomplete="off"></p>'
    body += f'<p><button type="submit">{escape(words["ask_send"])}</button></p></form>'
    return page(language, words["ask"], body, status)
