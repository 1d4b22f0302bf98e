"""``dsgvoRequestLetter``: what the person is told on the way of a request, as a page or as PDF, German or English.

That it has come, why it is asked who they are, why it takes longer, what was decided with reasons and what they can do
about it (Article 12(3) and (4)), and which recipients were told (Article 19). No letter is kept, but its digest.
"""

import base64
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from xrm_core.api import Action, ActionContext, Record, Refuse
from xrm_dsgvo.access.rendering import html, pdf
from xrm_dsgvo.access.values import day_of
from xrm_dsgvo.access.words import WAYS, word
from xrm_dsgvo.disclosure.telling import notified
from xrm_dsgvo.own import change, now
from xrm_dsgvo.requests.cases import today
from xrm_dsgvo.requests.letter_words import AS_HEIR, ASKED, COPY, GROUNDS, HEADINGS, HEIR_NORM, LEADS, REMEDIES, TITLES
from xrm_dsgvo.requests.states import REQUEST
from xrm_dsgvo.requests.staying import has_left

_MOST = 50
Part = dict[str, Any]


class Letter(Enum):
    """What is told."""

    received = "received"
    identity = "identity"
    extension = "extension"
    decision = "decision"
    recipients = "recipients"


class LetterForm(Enum):
    """As what."""

    html = "html"
    pdf = "pdf"


class LetterLanguage(Enum):
    """In which language it is read."""

    de = "de"
    en = "en"


@dataclass
class RequestLetterInput:
    """Of which request."""

    request: str
    letter: Letter
    form: LetterForm = LetterForm.pdf
    language: LetterLanguage = LetterLanguage.de


@dataclass
class LetterMade:
    """The letter: a page, or of a PDF base64; and the SHA-256 of its lines, which is kept with the request."""

    content: str
    digest: str


def letter(context: ActionContext, given: RequestLetterInput) -> LetterMade:
    """Make it of what the request says.

    Raises:
        Refuse: there is no such request, or that has not happened to it.
    """
    context.hold(REQUEST, given.request)
    request = context.read(REQUEST, given.request)
    if request is None:
        raise Refuse({"en": "There is no such request.", "de": "Diese Anfrage gibt es nicht."}, field="request")
    if not _HAPPENED[given.letter](request):
        text = {
            "en": "That has not happened to the request: there is nothing to tell.",
            "de": "Das ist mit der Anfrage nicht geschehen: Es gibt nichts mitzuteilen.",
        }
        raise Refuse(text, field="letter")
    lines = _lines(context, request, given.letter, given.language.value)
    digest = hashlib.sha256(json.dumps(lines, ensure_ascii=False, sort_keys=True).encode()).hexdigest()
    before = list((request["letters"] or {}).get("made", ()))
    made = [*before, [given.letter.value, now(), digest]][-_MOST:]
    change(context, REQUEST, request["id"], {"letters": {"made": made}})
    is_pdf = given.form is LetterForm.pdf
    return LetterMade(base64.b64encode(pdf(lines)).decode() if is_pdf else html(lines), digest)


def actions() -> list[Action]:
    """``dsgvoRequestLetter``."""
    about = {"en": "Write to a person about their request.", "de": "Einer Person zu ihrer Anfrage schreiben."}
    return [
        Action("dsgvo.request_letter", letter, input=RequestLetterInput, answers=LetterMade, description=about),
    ]


_HAPPENED: Mapping[Letter, Callable[[Record], bool]] = {
    Letter.received: lambda request: request["closed_at"] is None,
    Letter.identity: lambda request: bool(request["doubt"]),
    Letter.extension: lambda request: request["extended_at"] is not None,
    Letter.decision: lambda request: request["decision"] is not None,
    Letter.recipients: lambda request: request["decision"] in ("granted", "partial"),
}


def _lines(context: ActionContext, request: Record, which: Letter, language: str) -> dict[str, Any]:
    settings = context.settings
    named = {
        "controller": settings.controller,
        "contact": settings.controller_contact,
        "officer": settings.officer_contact,
        "name": request["name"] or "",
    }
    facts = [[word(name, language), value] for name, value in named.items() if value]
    facts += [[HEADINGS["address"][language], request["address"]]] if request["address"] else []
    facts += [
        [word("received", language), day_of(str(request["received_on"])[:10], language)],
        [HEADINGS["right"][language], _asked(request, language)],
        [word("made", language), day_of(today(settings).isoformat(), language)],
    ]
    outcome = str(request["decision"]) if which is Letter.decision else which.value
    lead = LEADS[outcome][language].format(due=day_of(str(request["due"])[:10], language))
    return {
        "language": language,
        "title": TITLES[which.value][language],
        "norm": HEIR_NORM[language] if request["heir"] else TITLES[f"{which.value}_norm"][language],
        "facts": facts,
        "lead": lead,
        "sections": [each for each in _sections(context, request, which, language) if each["parts"]],
    }


def _asked(request: Record, language: str) -> str:
    kind = str(request["kind"])
    return AS_HEIR[kind][language] if request["heir"] else ASKED[kind][language]


def _sections(context: ActionContext, request: Record, which: Letter, language: str) -> Iterator[Part]:
    if which is Letter.identity:
        yield _section("why", language, [str(request["doubt"])])
        yield _section("copy", language, list(COPY[language]))
    if which is Letter.extension:
        yield _section("why", language, [str(request["extension_reasons"])])
    if which is Letter.decision and request["decision"] != "granted":
        reasons = [GROUNDS[str(request["refusal_code"])][language], *filter(None, [request["decision_reasons"]])]
        yield _section("why", language, reasons)
    if which is Letter.decision and request["kind"] == "erasure":
        for name, rows in zip(("stays", "backups"), has_left(context, request, language), strict=True):
            yield {"title": HEADINGS[name][language], "parts": [{"title": "", "rows": rows}] if rows else []}
    if which is Letter.recipients:
        yield _told(context, request, language)
    if which in (Letter.extension, Letter.decision) and not request["heir"]:  # who has no right has no such remedy
        authority = context.settings.authority
        yield _section("remedies", language, [*REMEDIES[language], *([authority] if authority else [])])


def _section(name: str, language: str, lines: list[str]) -> Part:
    return {"title": HEADINGS[name][language], "parts": [{"title": "", "rows": [["", lines]]}]}


def _told(context: ActionContext, request: Record, language: str) -> Part:
    """The recipients, and how each was told."""
    rows = []
    for each in notified(context, request["id"]):
        to = ", ".join(filter(None, (each["recipient"], each["country"])))
        what = ", ".join(one["label"][language] for one in each["fields"]) or "—"
        how = WAYS[each["status"]][language].format(on=day_of(each["toldOn"] or "", language))
        rows.append([to, [f"{each['label'][language]}: {what}", how, *filter(None, [each["because"]])]])
    title = HEADINGS["recipients"][language]
    nobody = {"title": "", "rows": [["", [HEADINGS["nobody"][language]]]]}
    return {"title": title, "parts": [{"title": "", "rows": rows}] if rows else [nobody]}
