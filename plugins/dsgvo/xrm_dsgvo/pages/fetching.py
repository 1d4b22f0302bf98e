"""The page on which somebody fetches the answer to their request: opening it does nothing, pressing the button does."""

import io
import json
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from html import escape
from typing import Any
from urllib.parse import quote, urlsplit

from starlette.responses import Response

from xrm_core.api import Refuse, Route, RouteContext
from xrm_dsgvo.access.files import MOST_RESTRICTED, Packed, files_of, restricted_files
from xrm_dsgvo.access.layout import lines_of
from xrm_dsgvo.access.portable import as_csv, portable_of
from xrm_dsgvo.access.releasing import fetched, opened, package_of
from xrm_dsgvo.access.rendering import html, pdf
from xrm_dsgvo.pages.confirming import unknown
from xrm_dsgvo.pages.page import button, language_of, page, paragraph
from xrm_dsgvo.pages.words import WORDS


def routes() -> list[Route]:
    """To look, and to fetch: the second ends the link."""
    path = "/answer/{token}"
    return [
        Route(path, show, public=True, per_minute=10),
        Route(path, fetch, ("POST",), public=True, per_minute=5, max_bytes=4_096, seconds=60.0),
    ]


def show(context: RouteContext) -> Response:
    """What is there, and a button."""
    package = package_of(context, context.request.path["token"])
    if package is None:
        return unknown(context)
    words = WORDS[language_of(context)]
    text = paragraph(words["fetch_text"].format(day=str(package["expires_on"])[:10]))
    return page(language_of(context), words["fetch"], f"{text}{button(words['fetch_button'])}")


def fetch(context: RouteContext) -> Response:
    """All of it, packed; who asks for JSON, such as another controller, gets what is portable."""
    package = package_of(context, context.request.path["token"])
    content = None if package is None else opened(context, package)
    if package is None or content is None:
        return unknown(context)
    fetched(context, package)
    headers = {"Cache-Control": "no-store"}
    portable = content["meta"]["right"] == "portability"
    if portable and "application/json" in context.request.headers.get("accept", ""):
        return Response(_json(portable_of(content)), media_type="application/json", headers=headers)
    packed, language = io.BytesIO(), language_of(context)
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in _portable(content) if portable else _access(content, language):
            archive.writestr(name, text)
        restricted = list(restricted_files(context, content, MOST_RESTRICTED))
        for each in restricted:
            with archive.open(each.path, "w") as part:
                for piece in each.pieces():
                    part.write(piece)
        if links := "".join(_links(context, content, restricted, language)):
            archive.writestr("files.html", page(language, WORDS[language]["fetch_files"], f"<ul>{links}</ul>").body)
    name = "portability.zip" if portable else "access.zip"
    headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return Response(packed.getvalue(), media_type="application/zip", headers=headers)


def _access(content: Mapping[str, Any], language: str) -> Iterator[tuple[str, str | bytes]]:
    lines = lines_of(content, language)
    yield "answer.html", html(lines)
    with suppress(Refuse):  # what lays it out may not be installed; the page says the same
        yield "answer.pdf", pdf(lines)
    yield "answer.json", _json(content)


def _portable(content: Mapping[str, Any]) -> Iterator[tuple[str, str | bytes]]:
    taken = portable_of(content)
    yield "portable.json", _json(taken)
    yield "portable.csv", as_csv(taken)


def _links(
    context: RouteContext, content: Mapping[str, Any], restricted: Iterable[Packed], language: str
) -> Iterator[str]:
    """Files that go along, for some minutes; of those that are restricted where in the ZIP they are."""
    at, packed = urlsplit(context.settings.public_url), {each.id: each.path for each in restricted}
    for record, field in files_of(content):
        id_ = field["value"]["id"]
        url = quote(packed[id_]) if id_ in packed else f"{at.scheme}://{at.netloc}{context.link_to_file(id_)[0]}"
        name = f"{record['label'][language]}: {field['label'][language]}, {field['text'][language]}"
        yield f'<li><a href="{escape(url)}">{escape(name)}</a></li>'


def _json(content: object) -> str:
    return json.dumps(content, ensure_ascii=False, indent=2)
