"""The answer as somebody reads it: German or English, as HTML or PDF. Both are made of the same lines."""

import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from html import escape
from pathlib import Path
from typing import Any

from xrm_core.api import Refuse
from xrm_dsgvo.access.words import DECISIONS, ORIGINS, RIGHTS, STORES, word
from xrm_dsgvo.record.layout import rows_of
from xrm_dsgvo.record.words import HEADINGS as RECORD
from xrm_dsgvo.record.words import told

_STYLE = (
    "body{font:15px/1.45 sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
    "table{border-collapse:collapse;width:100%;margin:.5rem 0 1.2rem}"
    "th,td{border:1px solid #999;padding:.35rem .5rem;vertical-align:top}"
    "th{text-align:left;width:14rem;background:#f2f2f2}ul{margin:0;padding-left:1.1rem}h2{margin-top:2rem}"
)
Row = list[Any]
"""A heading and its lines."""


def lines_of(answer: Mapping[str, Any], language: str) -> dict[str, Any]:
    """All texts of an answer in a language: title, facts, and sections with parts, each of which has rows."""
    parts = {
        "why": list(_activities(answer, language)),
        "data": [_record(each, language) for each in answer["data"]],
        "mentions": list(_plain(_mentions(answer, language))),
        "origin": list(_plain(_sources(answer, language))),
        "decisions": list(_plain(_decisions(answer, language))),
        "disclosed": list(_plain(_disclosed(answer, language))),
        "left_out": list(_plain(_manifest(answer["manifest"], language))),
        "rights": [{"title": "", "rows": [["", list(RIGHTS[language])]]}],
    }
    return {
        "language": language,
        "title": word("title", language),
        "norm": word("norm", language),
        "facts": list(_facts(answer, language)),
        "lead": word("confirmed" if answer["found"] else "nothing", language),
        "sections": [{"title": word(name, language), "parts": of} for name, of in parts.items() if of],
    }


def html(answer: Mapping[str, Any], language: str) -> str:
    """The answer as a page without scripts and anything from elsewhere, with a table of contents."""
    found = lines_of(answer, language)
    facts = "".join(f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>" for name, value in found["facts"])
    body = [f"<h1>{escape(found['title'])}</h1><p>{escape(found['norm'])}</p><table>{facts}</table>"]
    body.append(f"<p><strong>{escape(found['lead'])}</strong></p><nav><ol>")
    for number, each in enumerate(found["sections"], 1):
        body.append(f'<li><a href="#s{number}">{escape(each["title"])}</a></li>')
    body.append("</ol></nav>")
    for number, each in enumerate(found["sections"], 1):
        body.append(f'<h2 id="s{number}">{number}. {escape(each["title"])}</h2>')
        body += [_html_part(part) for part in each["parts"]]
    head = f'<meta charset="utf-8"><title>{escape(found["title"])}</title><style>{_STYLE}</style>'
    return (
        f'<!doctype html><html lang="{language}"><head>{head}</head><body><main>{"".join(body)}</main></body></html>\n'
    )


def pdf(answer: Mapping[str, Any], language: str) -> bytes:
    """The answer as PDF/A.

    Raises:
        Refuse: what lays out letters is not installed.
    """
    try:
        import typst  # it takes 34 MB, and only documents need it
    except ImportError:
        text = {
            "en": "Documents need Typst on the server: pip install 'xrm-platform[sales]'.",
            "de": "Dokumente brauchen Typst auf dem Server: pip install 'xrm-platform[sales]'.",
        }
        raise Refuse(text) from None
    data = json.dumps(lines_of(answer, language), ensure_ascii=False)
    return bytes(typst.compile(_template(), format="pdf", sys_inputs={"data": data}, pdf_standards=["a-2b"]))


def _html_part(part: Mapping[str, Any]) -> str:
    rows = "".join(
        (f"<tr><th>{escape(name)}</th><td>" if name else "<tr><td>")
        + f"<ul>{''.join(f'<li>{escape(line)}</li>' for line in lines)}</ul></td></tr>"
        for name, lines in part["rows"]
    )
    title = f"<h3>{escape(part['title'])}</h3>" if part["title"] else ""
    return f"{title}<table>{rows}</table>"


def _facts(answer: Mapping[str, Any], language: str) -> Iterator[list[str]]:
    controller, meta = answer["art15"]["controller"], answer["meta"]
    yield [word("controller", language), controller.get("name", "")]
    yield from ([word(name, language), controller[name]] for name in ("contact", "officer") if controller.get(name))
    yield from ([[word("name", language), meta["name"]]] if meta["name"] else [])
    yield [word("received", language), meta["receivedOn"]]
    yield [word("made", language), meta["madeOn"]]


def _activities(answer: Mapping[str, Any], language: str) -> Iterator[dict[str, Any]]:
    for each in answer["art15"]["activities"]:
        rows = rows_of(each, language)
        shown = ("purposes", "basis", "categories", "recipients", "transfers", "retention")
        yield {
            "title": told(each["labels"], language, each["key"]),
            "rows": [[told(RECORD[name], language), rows[name] or [word("none", language)]] for name in shown],
        }


def _record(each: Mapping[str, Any], language: str) -> dict[str, Any]:
    former: dict[str, list[str]] = {}
    for one in each["history"]:
        line = f"{one['text'][language]} ({word('history', language)}, – {one['until'][:10]})"
        former.setdefault(one["name"], []).append(line)
    rows: list[Row] = [[one["label"][language], [one["text"][language]]] for one in each["about"]]
    for one in each["fields"]:
        lines = [f"{one['text'][language]} [{ORIGINS[one['origin'] or 'observed'][language]}]"]
        rows.append([one["label"][language], lines + former.pop(one["name"], [])])
    labels = {one["name"]: one["label"][language] for one in each["history"]}
    rows += [[labels[name], lines] for name, lines in former.items()]
    if each["messages"]:
        sent = [f"{one['at'][:10]}: {one['kind']}, {one['channel']}, {one['state']}" for one in each["messages"]]
        rows.append([word("sent", language), sent])
    if each["reads"]:
        rows.append([word("read", language), [f"{one['on']} ({one['times']})" for one in each["reads"]]])
    rows += _kept(each["retention"], language)
    title = f"{each['datenartLabel'][language]}: {each['label'][language]}"
    where = "trash" if each["deleted"] else "restricted" if each["restricted"] else None
    return {"title": f"{title} ({word(where, language)})" if where else title, "rows": rows}


def _kept(retention: Mapping[str, Any] | None, language: str) -> list[Row]:
    if retention is None:
        return []
    if retention["until"]:
        return [[word("kept_until", language), [f"{retention['until']} ({retention['label'][language]})"]]]
    months, days = retention["months"], retention["days"]
    length = f"{months} {'Monate' if language == 'de' else 'months'}" if months else ""
    length += f" {days} {'Tage' if language == 'de' else 'days'}" if days else ""
    begins = retention["startsWith"]
    since = f", {'ab' if language == 'de' else 'from'}: {begins[language]}" if begins else ""
    return [[word("kept_for", language), [f"{length.strip()}{since} ({retention['label'][language]})"]]]


def _plain(rows: Iterator[Row]) -> Iterator[dict[str, Any]]:
    if found := list(rows):
        yield {"title": "", "rows": found}


def _mentions(answer: Mapping[str, Any], language: str) -> Iterator[Row]:
    for each in answer["mentions"]:
        yield [f"{each['label'][language]}: {each['fieldLabel'][language]}", [each["value"]]]


def _sources(answer: Mapping[str, Any], language: str) -> Iterator[Row]:
    for each in answer["art15"]["sources"]:
        yield [each["label"][language], [each["source"][language] if each["source"] else word("unknown", language)]]


def _decisions(answer: Mapping[str, Any], language: str) -> Iterator[Row]:
    for each in answer["art15"]["automatedDecisions"]:
        yield [each["label"][language], [DECISIONS[each["kind"]][language]]]


def _disclosed(answer: Mapping[str, Any], language: str) -> Iterator[Row]:
    for each in answer["art15"]["disclosures"]:
        to = ", ".join(filter(None, (each["recipient"], each["country"])))
        fields = ", ".join(one["label"][language] for one in each["fields"])
        yield [to, [f"{each['label'][language]}: {fields} ({each['firstOn']} – {each['lastOn']})"]]


def _manifest(manifest: Mapping[str, Any], language: str) -> Iterator[Row]:
    found = [f"{STORES[each['store']][language]}: {each['found']}" for each in manifest["stores"]]
    yield [word("searched", language), found]
    for each in manifest["leftOut"]:
        where = ".".join(filter(None, (each["entity"], each["field"]))) or STORES[each["store"]][language]
        line = f"{where} ({each['count']})" if each["count"] else where
        yield [each["code"], [line, each["reason"][language]]]


@lru_cache(maxsize=1)
def _template() -> bytes:
    return (Path(__file__).parent / "answer.typ").read_bytes()
