"""A quote as a letter: PDF/A, German or English, laid out by Typst. What it says comes out of one query."""

import json
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any

from babel.dates import format_date
from babel.numbers import format_currency, format_decimal

from xrm_core.api import Refuse
from xrm_sales.quotes.letter_words import WORDS
from xrm_sales.quotes.returning import split
from xrm_sales.settings import Settings

QUERY = """
query ($id: ID!) { quote(id: $id) {
  id number versionNumber subject status language currency pricedOn validUntil sentAt createdAt discountPercent
  introduction closing terms linesTotal discountTotal netTotal taxes grossTotal
  customer { name street postalCode city country taxTreatment } contact { fullName }
  owner { firstName lastName email phone }
  items(orderBy: [{position: ASC}], first: 1000) {
    nodes {
      position text description quantity unitPrice discountPercent taxPercent net optional recurs product { sku unit }
    }
  }
} }"""


def pdf(quote: Mapping[str, Any], settings: Settings) -> bytes:
    """The letter.

    Args:
        quote: what :data:`QUERY` has answered.
        settings: who sends it.

    Raises:
        Refuse: what lays out letters is not installed.
    """
    try:
        import typst  # it takes 34 MB, and only letters need it
    except ImportError:
        raise Refuse(
            {
                "en": "Letters need Typst on the server: pip install 'xrm-platform[sales]'.",
                "de": "Briefe brauchen Typst auf dem Server: pip install 'xrm-platform[sales]'.",
            }
        ) from None
    data = json.dumps(content(quote, settings), ensure_ascii=False)
    found = typst.compile(_template(), format="pdf", sys_inputs={"data": data}, pdf_standards=["a-2b"])
    return bytes(found)


def content(quote: Mapping[str, Any], settings: Settings) -> dict[str, Any]:
    """All that stands in the letter, as text in the quote's language."""
    language = quote["language"] or "de"
    words, locale = WORDS[language], {"de": "de_DE", "en": "en_GB"}[language]

    def money(value: Any) -> str:
        return format_currency(Decimal(value or 0), quote["currency"], locale=locale)

    def number(value: Any) -> str:
        return format_decimal(Decimal(value).normalize() + 0, locale=locale, decimal_quantization=False)

    def day(value: str | None) -> str:
        return format_date(date.fromisoformat(value[:10]), "long", locale=locale) if value else ""

    totals = [[words["net"], money(quote["netTotal"])], *_returning(quote, words, money)]
    if Decimal(quote["discountTotal"] or 0):
        off = words["discount"].format(percent=number(quote["discountPercent"]))
        totals = [[words["lines"], money(quote["linesTotal"])], [off, money(-Decimal(quote["discountTotal"]))], *totals]
    for each in (quote["taxes"] or {}).get("rates", []):
        label = words["tax"].format(percent=number(each["rate"]), taxable=money(each["taxable"]))
        totals.append([label, money(each["tax"])])
    customer, owner = quote["customer"], quote["owner"]
    treatment = words.get(customer["taxTreatment"] or "")
    facts = [[words["number"], quote["number"]], [words["date"], day(quote["sentAt"] or quote["createdAt"])]]
    if quote["validUntil"]:
        facts.append([words["valid"], day(quote["validUntil"])])
    if owner:
        name = " ".join(filter(None, (owner["firstName"], owner["lastName"])))
        facts += [[words["contact"], name], *[["", owner[each]] for each in ("email", "phone") if owner[each]]]
    return {
        "language": language,
        "title": f"{words['quote']} {quote['number']}: {quote['subject']}",
        "words": {"page": words["page"]},
        "sender": {
            "name": settings.sender_name,
            "line": ", ".join(filter(None, (settings.sender_name, *settings.sender_address))),
            "footer": settings.sender_footer,
        },
        "address": _address(quote),
        "facts": facts,
        "columns": words["columns"],
        "lines": [_line(line, words, money, number) for line in quote["items"]["nodes"]],
        "totals": totals,
        "total": [words["total"], money(quote["grossTotal"])],
        "introduction": _paragraphs(quote["introduction"]),
        "notes": [*([treatment] if treatment else []), *_paragraphs(quote["terms"])],
        "closing": _paragraphs(quote["closing"]),
    }


def _line(line: Mapping[str, Any], words: Mapping[str, Any], money: Any, number: Any) -> list[str]:
    text = "\n".join(filter(None, (line["text"], line["description"])))
    if line["optional"]:
        text += f" ({words['optional']})"
    discount = Decimal(line["discountPercent"])
    off = f"{number(discount)} %" if discount else ""
    per = f" {words['per'][line['recurs']]}" if line["recurs"] else ""
    prices = [money(line[name]) + per for name in ("unitPrice", "net")]
    return [str(line["position"]), text, number(line["quantity"]), prices[0], off, prices[1]]


def _returning(quote: Mapping[str, Any], words: Mapping[str, Any], money: Any) -> list[list[str]]:
    """What of the net amount is paid once, and what again and again; nothing where all is paid once."""
    parts = split(quote)
    if set(parts) <= {None}:
        return []
    names = {None: words["once"]} | {per: words["again"].format(per=name) for per, name in words["per"].items()}
    return [[names[per], money(parts[per])] for per in names if per in parts]


def _address(quote: Mapping[str, Any]) -> list[str]:
    customer, contact = quote["customer"], quote["contact"]
    town = " ".join(filter(None, (customer["postalCode"], customer["city"])))
    abroad = customer["country"] if customer["country"] not in (None, "DE") else None
    lines = (customer["name"], contact and contact["fullName"], customer["street"], town, abroad)
    return [line for line in lines if line]


def _paragraphs(text: str | None) -> list[str]:
    return [each.strip() for each in (text or "").split("\n\n") if each.strip()]


@lru_cache(maxsize=1)
def _template() -> bytes:
    return (Path(__file__).parent / "letter.typ").read_bytes()
