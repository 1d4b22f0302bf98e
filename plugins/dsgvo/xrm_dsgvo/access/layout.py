"""The lines of an answer as somebody reads it, German or English: the page and the PDF are made of them."""

from collections.abc import Iterator, Mapping
from typing import Any

from xrm_dsgvo.access.values import day_of
from xrm_dsgvo.access.words import BECAME, DECISIONS, GLOSSARY, ORIGINS, PURPOSES, RIGHTS, STATES, STORES, WAYS, word
from xrm_dsgvo.record.layout import rows_of
from xrm_dsgvo.record.words import HEADINGS as RECORD
from xrm_dsgvo.record.words import told
from xrm_dsgvo.requests.letter_words import UNTIL

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
        "notified": list(_plain(_notified(answer, language))),
        "kept_after": list(_plain(_left(answer, language))),
        "left_out": list(_plain(_manifest(answer["manifest"], language))),
        "uses": list(_plain(_uses(answer, language))),
        "rights": [{"title": "", "rows": [["", list(RIGHTS[language])]]}],
        "glossary": [{"title": "", "rows": [[name, [text]] for name, text in GLOSSARY[language]]}],
    }
    return {
        "language": language,
        "title": word("title", language),
        "norm": word("norm", language),
        "facts": list(_facts(answer, language)),
        "lead": word(_lead(answer), language),
        "sections": [{"title": word(name, language), "parts": of} for name, of in parts.items() if of],
    }


def _lead(answer: Mapping[str, Any]) -> str:
    if answer["found"]:
        return "confirmed"
    closed = any(each["code"] in ("BDSG34_ARCHIVE", "ARCHIVE_CLAIMS") for each in answer["manifest"]["leftOut"])
    return "nothing_open" if closed else "nothing"


def _facts(answer: Mapping[str, Any], language: str) -> Iterator[list[str]]:
    controller, meta = answer["art15"]["controller"], answer["meta"]
    yield [word("controller", language), controller.get("name", "")]
    yield from ([word(name, language), controller[name]] for name in ("contact", "officer") if controller.get(name))
    yield from ([[word("name", language), meta["name"]]] if meta["name"] else [])
    yield [word("received", language), day_of(meta["receivedOn"], language)]
    yield [word("made", language), day_of(meta["madeOn"], language)]


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
        line = f"{one['text'][language]} ({word('history', language)}, – {day_of(one['until'][:10], language)})"
        former.setdefault(one["name"], []).append(line)
    rows: list[Row] = [[one["label"][language], [one["text"][language]]] for one in each["about"]]
    for one in each["fields"]:
        lines = [f"{one['text'][language]} [{ORIGINS[one['origin'] or 'observed'][language]}]"]
        rows.append([one["label"][language], lines + former.pop(one["name"], [])])
    labels = {one["name"]: one["label"][language] for one in each["history"]}
    rows += [[labels[name], lines] for name, lines in former.items()]
    if each["messages"]:
        sent = [_sent(one, language) for one in each["messages"]]
        rows.append([word("sent", language), sent])
    if each["reads"]:
        rows.append([word("read", language), [_look(one, language) for one in each["reads"]]])
    rows += _kept(each["retention"], language)
    title = f"{each['datenartLabel'][language]}: {each['label'][language]}"
    where = "gone" if each["gone"] else "trash" if each["deleted"] else "restricted" if each["restricted"] else None
    return {"title": f"{title} ({word(where, language)})" if where else title, "rows": rows}


def _kept(retention: Mapping[str, Any] | None, language: str) -> list[Row]:
    if retention is None:
        return []
    if retention["until"]:
        return [
            [word("kept_until", language), [f"{day_of(retention['until'], language)} ({retention['label'][language]})"]]
        ]
    months, days = retention["months"], retention["days"]
    length = f"{months} {'Monate' if language == 'de' else 'months'}" if months else ""
    length += f" {days} {'Tage' if language == 'de' else 'days'}" if days else ""
    begins = retention["startsWith"]
    since = f", {'ab' if language == 'de' else 'from'}: {begins[language]}" if begins else ""
    return [[word("kept_for", language), [f"{length.strip()}{since} ({retention['label'][language]})"]]]


def _sent(one: Mapping[str, Any], language: str) -> str:
    state = STATES[one["state"]][language] if one["state"] in STATES else one["state"]
    return f"{day_of(one['at'][:10], language)}: {one['kind']}, {one['channel']}, {state}"


def _look(one: Mapping[str, Any], language: str) -> str:
    purposes = "; ".join(each[language] for each in one["purposes"])
    day = f"{day_of(one['on'], language)} ({one['times']})"
    return f"{day}, {word('for', language)}: {purposes}" if purposes else day


def _uses(answer: Mapping[str, Any], language: str) -> Iterator[Row]:
    if uses := answer["art15"]["restrictedUses"]:
        lines = [f"{day_of(each['on'], language)}: {PURPOSES[each['purpose']][language]}" for each in uses]
        yield [word("looked", language), lines]


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
        logic = [each["logic"][language]] if each["logic"] else []
        yield [each["label"][language], [DECISIONS[each["kind"]][language], *logic]]


def _disclosed(answer: Mapping[str, Any], language: str) -> Iterator[Row]:
    for each in answer["art15"]["disclosures"]:
        to = ", ".join(filter(None, (each["recipient"], each["country"])))
        fields = ", ".join(one["label"][language] for one in each["fields"])
        days = " – ".join(day_of(each[name], language) for name in ("firstOn", "lastOn"))
        yield [to, [f"{each['label'][language]}: {fields} ({days})"]]


def _notified(answer: Mapping[str, Any], language: str) -> Iterator[Row]:
    for each in answer["art15"]["notices"]:
        to = ", ".join(filter(None, (each["recipient"], each["country"])))
        fields = ", ".join(one["label"][language] for one in each["fields"])
        how = WAYS[each["status"]][language].format(on=day_of(each["toldOn"] or "", language))
        yield [to, [f"{each['label'][language]}: {fields} – {BECAME[each['became']][language]} ({how})"]]


def _manifest(manifest: Mapping[str, Any], language: str) -> Iterator[Row]:
    stores = {**STORES, **{each["store"]: each["labels"] for each in manifest["stores"] if "labels" in each}}
    found = [f"{stores[each['store']][language]}: {each['found']}" for each in manifest["stores"]]
    yield [word("searched", language), found]
    for each in manifest["leftOut"]:
        where = (each["label"] or stores[each["store"]])[language]
        line = f"{where} ({each['count']})" if each["count"] else where
        kept = [f"{one['basis'] or '–'}: {_until(one['until'], language)}" for one in each.get("kept", ())]
        yield [each["code"], [line, each["reason"][language], *kept]]


def _left(answer: Mapping[str, Any], language: str) -> Iterator[Row]:
    for each in answer["art15"]["keptAfterErasure"]:
        erased = word("erased_on", language).format(on=day_of(each["erasedOn"], language))
        line = f"{each['why'][language]} {_until(each['until'], language)}"
        yield [f"{each['label'][language]} ({each['count']})", [line, erased]]


def _until(day: str | None, language: str) -> str:
    return UNTIL["day"][language].format(day=day_of(day, language)) if day else UNTIL["open"][language]
