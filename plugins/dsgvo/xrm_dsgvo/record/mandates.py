"""What we process on behalf of others (Article 30(2)): the record of a processor, out of its mandates."""

from collections.abc import Callable, Mapping
from typing import Any

from xrm_dsgvo.record.around import around_of
from xrm_dsgvo.record.making import Around
from xrm_dsgvo.record.words import HEADINGS, INSTRUMENTS, ROLES, told
from xrm_dsgvo.registers import Registers

SCHEMA = "xrm-dsgvo-art30-2/1"
QUERY = """
query ($after: String, $today: Date!) {
  processingMandates(
    first: 200, after: $after, orderBy: [{name: ASC}, {id: ASC}]
    where: {or: [{validUntil: {isNull: true}}, {validUntil: {gte: $today}}]}
  ) {
    nodes { name contact officer services activities validFrom validUntil }
    pageInfo { endCursor hasNextPage }
  }
}"""
Ask = Callable[[str, Mapping[str, Any]], dict[str, Any]]


def mandates_of(ask: Ask, settings: Any, today: str) -> dict[str, Any]:
    """The record as JSON, as it is now: mandates that have not ended."""
    found: list[dict[str, Any]] = []
    after = None
    while True:
        page = ask(QUERY, {"after": after, "today": today})["processingMandates"]
        found += page["nodes"]
        if not page["pageInfo"]["hasNextPage"]:
            break
        after = page["pageInfo"]["endCursor"]
    around, registers = around_of(ask, settings), settings.all_registers()
    return {
        "schema": SCHEMA,
        "processor": dict(around.controller),
        "mandates": [_mandate(each, around, registers) for each in found],
    }


def lines_of_mandates(record: Mapping[str, Any], language: str) -> dict[str, Any]:
    """All texts of the record in a language, as those of the record of a controller."""

    def word(name: str) -> str:
        return told(HEADINGS[name], language)

    own = record["processor"]
    facts = [[word("processor"), own.get("name", "")]]
    facts += [[word(name), own[name]] for name in ("contact", "officer") if own.get(name)]
    activities = [
        {"title": each["name"], "key": each["name"], "rows": _rows(each, language, word)} for each in record["mandates"]
    ]
    return {
        **{"language": language, "title": word("title"), "norm": word("norm2")},
        **{"facts": facts, "activities": activities},
    }


def _rows(mandate: Mapping[str, Any], language: str, word: Callable[[str], str]) -> list[Any]:
    rows = {
        "contact": [each for each in (mandate["contact"], mandate["officer"]) if each],
        "services": [mandate["services"]],
        "activities": [told(each["labels"], language, each["key"]) for each in mandate["activities"]],
        "recipients": [
            ", ".join((each["name"], told(ROLES[each["role"]], language), each["country"]))
            for each in mandate["subProcessors"]
        ],
        "transfers": [
            f"{each['recipient']}: {each['country']}, {told(INSTRUMENTS[each['instrument']], language)}"
            for each in mandate["transfers"]
        ],
        "measures": [told(each["labels"], language, each["key"]) for each in mandate["measures"]],
    }
    return [[word(name), lines or [word("none")]] for name, lines in rows.items()]


def _mandate(mandate: Mapping[str, Any], around: Around, registers: Registers) -> dict[str, Any]:
    keys = _keys(mandate)
    engaged = [each for each in around.recipients if keys & _keys(each) and each["role"].endswith("processor")]
    return {
        **{name: mandate[name] for name in ("name", "contact", "officer", "services", "validFrom", "validUntil")},
        "activities": [
            {"key": key, "labels": dict(registers.activities[key].labels) if key in registers.activities else {}}
            for key in sorted(keys)
        ],
        "subProcessors": [{name: each[name] for name in ("key", "name", "role", "country")} for each in engaged],
        "transfers": [
            {"recipient": each["key"], "country": one["country"], "instrument": one["instrument"]}
            for each in engaged
            for one in each["transfers"]["nodes"]
        ],
        "measures": [
            {"key": each["key"], "labels": {"de": each["nameDe"], "en": each["nameEn"]}, "goal": each["goal"]}
            for each in around.measures
            if keys & _keys(each) or not _keys(each)
        ],
    }


def _keys(of: Mapping[str, Any]) -> frozenset[str]:
    return frozenset((of.get("activities") or {}).get("keys", ()))
