"""Quotes over HTTP: the letter for who may see the quote, and the customer's own link, by which they decide."""

from collections.abc import Iterable
from html import escape
from typing import Any

from starlette.responses import HTMLResponse, Response

from xrm_core.api import Record, Refuse, Route, RouteContext
from xrm_sales.moments import today
from xrm_sales.quotes.letter import QUERY, content, pdf
from xrm_sales.quotes.links import quote_of

_WORDS = {
    "de": {
        "accept": "Annehmen",
        "decline": "Ablehnen",
        "note": "Bemerkung",
        "letter": "Angebot als PDF",
        "accepted": "Vielen Dank. Das Angebot ist angenommen.",
        "rejected": "Schade. Das Angebot ist abgelehnt.",
        "closed": "Dieses Angebot gilt nicht mehr.",
        "ended": "Dieser Link gilt nicht mehr: Es gibt einen neueren.",
    },
    "en": {
        "accept": "Accept",
        "decline": "Decline",
        "note": "Note",
        "letter": "Quote as PDF",
        "accepted": "Thank you. The quote is accepted.",
        "rejected": "A pity. The quote is declined.",
        "closed": "This quote is not valid any more.",
        "ended": "This link is not valid any more: there is a newer one.",
    },
}
_ACTIONS = {"accept": "sales.accept", "decline": "sales.decline"}


def routes() -> list[Route]:
    """The letter, and the customer's page."""
    return [
        Route("/quotes/{id}/letter.pdf", letter),
        Route("/offers/{token}", show, public=True, per_minute=30),
        Route("/offers/{token}/letter.pdf", letter_of_link, public=True, per_minute=10),
        Route("/offers/{token}", decide, ("POST",), public=True, per_minute=10, max_bytes=16_384),
    ]


def letter(context: RouteContext) -> Response:
    """The quote as a letter, as far as the caller sees it; 404 if they do not."""
    quote = context.query(QUERY, {"id": context.request.path["id"]})["quote"]
    hidden = quote is None or quote["customer"] is None  # to whom it is addressed
    return _not_found() if hidden else _pdf(quote, context)


def letter_of_link(context: RouteContext) -> Response:
    """The same by the customer's link."""
    record, gone = _of_link(context)
    if record is None:
        return gone
    return _pdf(context.query_as_system(QUERY, {"id": record["id"]})["quote"], context)


def show(context: RouteContext) -> Response:
    """What is offered, and how to answer."""
    record, gone = _of_link(context)
    return gone if record is None else _page(context, record)


def decide(context: RouteContext) -> Response:
    """The customer has decided; a second time changes nothing.

    Raises:
        Refuse: it is neither accepted nor declined.
    """
    record, gone = _of_link(context)
    if record is None:
        return gone
    sent = context.request.form()
    action = _ACTIONS.get(str(sent.get("decision", "")))
    if action is None:
        raise Refuse({"en": "Accept or decline.", "de": "Annehmen oder ablehnen."}, field="decision")
    if not _is_open(record):
        return _page(context, record, 409)
    note = str(sent.get("note", "")).strip()[:5_000] or None
    context.run_action_as_system(action, id_=record["id"], given={"note": note})
    after = context.read("quote", record["id"])
    return _page(context, after or record)


def _of_link(context: RouteContext) -> tuple[Record | None, Response]:
    """The quote; if the link leads nowhere, None, and what is answered: of one that has ended no word of the quote."""
    record, leads = quote_of(context, context.request.path["token"])
    if record is None or leads:
        return record, _not_found()
    language = record["language"]
    return None, HTMLResponse(f'<!doctype html><html lang="{language}"><p>{_WORDS[language]["ended"]}</p></html>', 410)


def _pdf(quote: dict[str, Any], context: RouteContext) -> Response:
    name = f"{quote['number']}.pdf"
    head = {"Content-Disposition": f'inline; filename="{name}"'}
    return Response(pdf(quote, context.settings), media_type="application/pdf", headers=head)


def _page(context: RouteContext, record: Record, status: int = 200) -> Response:
    quote = context.query_as_system(QUERY, {"id": record["id"]})["quote"]
    found, words = content(quote, context.settings), _WORDS[record["language"]]
    rows = "".join("<tr>" + "".join(f"<td>{escape(each)}</td>" for each in line) + "</tr>" for line in found["lines"])
    head = "".join(f"<th>{escape(each)}</th>" for each in found["columns"])
    sums = [*found["totals"], found["total"]]
    totals = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in sums)
    path = f"/plugins/sales/offers/{escape(context.request.path['token'])}"
    link = f'<p><a href="{context.request.base}{path}/letter.pdf">{words["letter"]}</a></p>'
    facts = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in found["facts"])
    before = f"<p>{escape(found['sender']['name'])}</p><dl>{facts}</dl>{_paragraphs(found['introduction'])}"
    after = _paragraphs([*found["notes"], *found["closing"]])
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table><dl>{totals}</dl>{after}{link}"
    title = escape(found["title"])
    named = [("viewport", "width=device-width"), ("robots", "noindex")]
    meta = '<meta charset="utf-8">' + "".join(f'<meta name="{name}" content="{what}">' for name, what in named)
    text = f'<!doctype html><html lang="{record["language"]}"><head>{meta}<title>{title}</title></head><body><main>'
    text += f"<h1>{title}</h1>{before}{table}{_answer(record, words)}</main></body></html>"
    return HTMLResponse(text, status)


def _paragraphs(texts: Iterable[str]) -> str:
    return "".join(f"<p>{escape(each)}</p>" for each in texts)


def _answer(record: Record, words: dict[str, str]) -> str:
    if not _is_open(record):
        return f"<p>{words.get(record['status'], words['closed'])}</p>"
    buttons = "".join(
        f'<button type="submit" name="decision" value="{each}">{words[each]}</button> ' for each in _ACTIONS
    )
    note = f'<p><label>{words["note"]}<br><textarea name="note" rows="3" maxlength="5000"></textarea></label></p>'
    return f'<form method="post">{note}<p>{buttons}</p></form>'


def _is_open(record: Record) -> bool:
    """Whether the customer can still decide; a quote that is too old may not have been noted as such yet."""
    return record["status"] == "sent" and not (record["valid_until"] and record["valid_until"] < today())


def _not_found() -> Response:
    return Response("Not found", 404, media_type="text/plain")
