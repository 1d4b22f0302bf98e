"""The record as somebody reads it: German or English, as HTML or PDF. Both are made of the same lines."""

from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

from xrm_dsgvo.record.words import HEADINGS, INSTRUMENTS, OUTCOMES, ROLES, told
from xrm_dsgvo.typesetting import typeset

_TEMPLATE = Path(__file__).parent / "record.typ"
_STYLE = (
    "body{font:15px/1.45 sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
    "table{border-collapse:collapse;width:100%}th,td{border:1px solid #999;padding:.35rem .5rem;vertical-align:top}"
    "th{text-align:left;width:14rem;background:#f2f2f2}ul{margin:0;padding-left:1.1rem}h2{margin-top:2rem}"
)


def lines_of(record: Mapping[str, Any], language: str, standing: str = "") -> dict[str, Any]:
    """All texts of the record in a language: title, facts, and the rows of each activity.

    Args:
        record: as JSON.
        language: ``de`` or ``en``.
        standing: of which edition it is.
    """

    def word(name: str) -> str:
        return told(HEADINGS[name], language)

    controller = record["controller"]
    facts = [[word("controller"), controller.get("name", "")]]
    facts += [[word(name), controller[name]] for name in ("contact", "officer") if controller.get(name)]
    if standing:
        facts.append([word("edition"), standing])
    activities = []
    for each in record["activities"]:
        rows = [[word(name), lines or [word("none")]] for name, lines in rows_of(each, language).items()]
        activities.append({"title": told(each["labels"], language, each["key"]), "key": each["key"], "rows": rows})
    return {
        **{"language": language, "title": word("title"), "norm": word("norm")},
        **{"facts": facts, "activities": activities},
    }


def html(record: Mapping[str, Any], language: str, standing: str = "") -> str:
    """The record as a page without scripts and anything from elsewhere."""
    return html_of(lines_of(record, language, standing))


def html_of(found: Mapping[str, Any]) -> str:
    """The same of its lines."""
    facts = "".join(f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>" for name, value in found["facts"])
    parts = [f"<h1>{escape(found['title'])}</h1><p>{escape(found['norm'])}</p><table>{facts}</table>"]
    for number, each in enumerate(found["activities"], 1):
        rows = "".join(
            f"<tr><th>{escape(name)}</th><td><ul>{''.join(f'<li>{escape(line)}</li>' for line in lines)}</ul></td></tr>"
            for name, lines in each["rows"]
        )
        parts.append(f"<h2>{number}. {escape(each['title'])}</h2><table>{rows}</table>")
    head = f'<meta charset="utf-8"><title>{escape(found["title"])}</title><style>{_STYLE}</style>'
    body = "".join(parts)
    return (
        f'<!doctype html><html lang="{found["language"]}"><head>{head}</head><body><main>{body}</main></body></html>\n'
    )


def pdf(record: Mapping[str, Any], language: str, standing: str = "") -> bytes:
    """The record as PDF/A. Raises as :func:`pdf_of`."""
    return pdf_of(lines_of(record, language, standing))


def pdf_of(lines: Mapping[str, Any]) -> bytes:
    """The same of its lines.

    Raises:
        Refuse: what lays out letters is not installed.
    """
    return typeset(_TEMPLATE, lines, ("a-2b",))


def rows_of(activity: Mapping[str, Any], language: str) -> dict[str, list[str]]:
    """What is told of an activity: heading → lines."""

    def labels(name: str) -> list[str]:
        return [told(each["labels"], language, each["key"]) for each in activity[name]]

    article = "Art. 6 Abs. 1 Buchst." if language == "de" else "Article 6(1)"
    basis = [f"{article} {letter}" for letter in activity["basis"]]
    if activity["art9Basis"]:
        special = "Art. 9 Abs. 2 Buchst." if language == "de" else "Article 9(2)"
        basis.append(f"{special} {activity['art9Basis']}")
    return {
        "purposes": labels("purposes"),
        "basis": basis,
        "subjects": labels("subjects"),
        "categories": [
            told(each["labels"], language, each["key"])
            + (f" ({told(each['specialLabels'], language)})" if each["special"] else "")
            for each in activity["categories"]
        ],
        "recipients": [_recipient(each, language) for each in activity["recipients"]],
        "transfers": [
            f"{each['recipient']}: {each['country']}, {told(INSTRUMENTS[each['instrument']], language)}"
            for each in activity["transfers"]
        ],
        "retention": [_period(each, language) for each in activity["retention"]],
        "measures": labels("measures"),
        "assessments": [_assessment(each, language) for each in activity["assessments"]],
    }


def _recipient(each: Mapping[str, Any], language: str) -> str:
    parts = [told(ROLES[each["role"]], language), each["country"]]
    return f"{told(each['labels'], language, each['key'])} ({', '.join(filter(None, parts))})"


def _assessment(each: Mapping[str, Any], language: str) -> str:
    outcome = told(OUTCOMES[each["outcome"]], language) if each["outcome"] else ""
    review = f"zu prüfen am {each['reviewOn']}" if language == "de" else f"to be reviewed on {each['reviewOn']}"
    return ", ".join(filter(None, (told(each["labels"], language, each["key"]), outcome, review)))


def _period(each: Mapping[str, Any], language: str) -> str:
    german = language == "de"
    years, months = divmod(each["months"], 12)
    names = ("Jahre", "Monate", "Tage") if german else ("years", "months", "days")
    length = ", ".join(f"{n} {name}" for n, name in zip((years, months, each["days"]), names, strict=True) if n)
    text = f"{told(each['labels'], language, each['key'])}: {length}"
    if each["endOfYear"]:
        text += " ab Ende des Kalenderjahrs" if german else " from the end of the calendar year"
    about = ", ".join(told(art["labels"], language, art["key"]) for art in each["datenarten"])
    return " – ".join(filter(None, (text + (f" ({each['legalRef']})" if each["legalRef"] else ""), about)))
