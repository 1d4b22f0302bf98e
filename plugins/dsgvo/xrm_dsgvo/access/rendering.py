"""Lines that are read by people, as a page or as PDF: for eyes, screen readers and keyboards alike.

The page has nothing from elsewhere and no scripts. The PDF is tagged (PDF/UA-1) and made to be kept (PDF/A-2a).
"""

from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

from xrm_dsgvo.typesetting import typeset

_TEMPLATE = Path(__file__).parent / "answer.typ"
_STYLE = (
    "body{font:16px/1.5 sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#111;background:#fff}"
    "table{border-collapse:collapse;width:100%;margin:.5rem 0 1.2rem}"
    "th,td{border:1px solid #767676;padding:.35rem .5rem;vertical-align:top;overflow-wrap:anywhere}"
    "th{text-align:left;width:14rem;background:#f2f2f2}ul{margin:0;padding-left:1.1rem}h2{margin-top:2rem}"
    "@media(max-width:40rem){th,td{display:block;width:auto}}"
)
_COLUMNS: Mapping[str, tuple[str, str]] = {"de": ("Angabe", "Inhalt"), "en": ("What", "Content")}
_CONTENTS: Mapping[str, str] = {"de": "Inhalt", "en": "Contents"}


def html(lines: Mapping[str, Any]) -> str:
    """A page.

    Args:
        lines: ``language``, ``title``, ``norm``, ``facts`` (pairs), ``lead``, and ``sections``, each with a title and
            parts, each of these with a title and rows: a heading and its lines.
    """
    facts = "".join(
        f'<tr><th scope="row">{escape(name)}</th><td>{escape(value)}</td></tr>' for name, value in lines["facts"]
    )
    body = [f"<h1>{escape(lines['title'])}</h1><p>{escape(lines['norm'])}</p><table>{facts}</table>"]
    body.append(f"<p><strong>{escape(lines['lead'])}</strong></p>")
    if len(lines["sections"]) > 1:
        body.append(f'<nav aria-label="{_CONTENTS[lines["language"]]}"><ol>')
        for number, each in enumerate(lines["sections"], 1):
            body.append(f'<li><a href="#s{number}">{escape(each["title"])}</a></li>')
        body.append("</ol></nav>")
    for number, each in enumerate(lines["sections"], 1):
        body.append(f'<section aria-labelledby="s{number}"><h2 id="s{number}">{number}. {escape(each["title"])}</h2>')
        body += [_html_part(part) for part in each["parts"]]
        body.append("</section>")
    named = '<meta name="viewport" content="width=device-width, initial-scale=1">'
    head = f'<meta charset="utf-8">{named}<title>{escape(lines["title"])}</title><style>{_STYLE}</style>'
    language = lines["language"]
    return (
        f'<!doctype html><html lang="{language}"><head>{head}</head><body><main>{"".join(body)}</main></body></html>\n'
    )


def pdf(lines: Mapping[str, Any]) -> bytes:
    """The same as PDF.

    Raises:
        Refuse: what lays out letters is not installed.
    """
    return typeset(_TEMPLATE, {**lines, "columns": _COLUMNS[lines["language"]]}, ("a-2a", "ua-1"))


def _html_part(part: Mapping[str, Any]) -> str:
    title = f"<h3>{escape(part['title'])}</h3>" if part["title"] else ""
    if not any(name for name, _ in part["rows"]):
        return title + "".join(_list(lines) for _, lines in part["rows"])
    rows = "".join(
        f'<tr><th scope="row">{escape(name)}</th><td>{_list(lines)}</td></tr>' for name, lines in part["rows"]
    )
    return f"{title}<table>{rows}</table>"


def _list(lines: list[str]) -> str:
    return escape(lines[0]) if len(lines) == 1 else f"<ul>{''.join(f'<li>{escape(line)}</li>' for line in lines)}</ul>"
