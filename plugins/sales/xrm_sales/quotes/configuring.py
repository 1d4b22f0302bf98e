"""A product comes into a quote with all that belongs to it: parts of a bundle, options, what it brings."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from strawberry import ID

from xrm_core.api import Action, ActionContext, Record, Refuse
from xrm_sales.acting import action
from xrm_sales.products.configuration import completed, problems, recommendations
from xrm_sales.quotes.rules import quantities_of, rules_of
from xrm_sales.quotes.statuses import require
from xrm_sales.writing import create


@dataclass
class ConfigureInput:
    """Which product, how often, and which of the optional parts of its bundle."""

    product: ID
    quantity: Decimal = Decimal(1)
    options: list[ID] = field(default_factory=list)


@dataclass
class Recommendation:
    """A product that goes well with these, and why."""

    product: str
    name: str
    reason: str


@dataclass
class Configured:
    """What else could be offered."""

    recommendations: list[Recommendation] = field(default_factory=list)


def configure(context: ActionContext, quote: Record, given: ConfigureInput) -> Configured:
    """Add the lines.

    Raises:
        Refuse: there is no such product or option, or the quote's products would not go together; with the reasons.
    """
    require(quote, "draft")
    product = context.read("product", given.product)
    if product is None or given.quantity <= 0:
        raise Refuse({"en": "There is no such product.", "de": "Dieses Produkt gibt es nicht."}, field="product")
    line = _add(context, quote, given.product, given.quantity)
    _bundle(context, quote, given, line)
    lines = _lines(context, quote)
    quantities = quantities_of(lines)
    rules = rules_of(context, list(quantities))
    for brought, quantity in completed(quantities, rules).items():
        if brought not in quantities:
            _add(context, quote, brought, quantity)
            quantities[brought] = quantity
    rules = rules_of(context, list(quantities))
    if broken := problems(quantities, rules):
        told = {language: " ".join(each.rule.reason[language] for each in broken) for language in ("en", "de")}
        raise Refuse(told, field="product")
    language = "de" if getattr(context.caller, "language", None) == "de" else "en"
    found = []
    for rule in recommendations(quantities, rules):
        other = context.read("product", rule.other)
        if other is not None and other["active"]:
            found.append(Recommendation(rule.other, other["name"], rule.reason[language]))
    return Configured(found)


def actions() -> list[Action]:
    """``configureQuote``."""
    en, de = "Add a product with all that belongs to it.", "Ein Produkt mit allem Zubehör aufnehmen."
    return [action("configure", configure, "quote", takes=ConfigureInput, answers=Configured, en=en, de=de)]


def _bundle(context: ActionContext, quote: Record, given: ConfigureInput, line: str) -> None:
    """The parts: those that are always in it, and the chosen ones. What is included costs nothing beside the bundle."""
    parts = context.find("bundle_component", {"bundle": {"id": {"eq": given.product}}}, 1_000)
    unknown = set(given.options) - {part["component"] for part in parts if part["optional"]}
    if unknown:
        raise Refuse({"en": "There is no such option.", "de": "Diese Option gibt es nicht."}, field="options")
    for part in sorted(parts, key=lambda each: (each["position"], each["id"])):
        if part["optional"] and part["component"] not in given.options:
            continue
        values: dict[str, Any] = {"part_of": line}
        if part["pricing"] == "included":
            values |= {"unit_price": Decimal(0), "price_by_hand": True}
        else:
            values["discount_percent"] = part["discount_percent"]
        quantity = Decimal(str(part["quantity"])) * given.quantity
        _add(context, quote, part["component"], quantity, **values)


def _add(context: ActionContext, quote: Record, product: str, quantity: Decimal, **values: Any) -> str:
    last = max((line["position"] for line in _lines(context, quote)), default=0)
    given = {"quote": quote["id"], "position": last + 1, "product": product, "quantity": quantity, **values}
    return create(context, "quote_item", given)


def _lines(context: ActionContext, quote: Record) -> list[Record]:
    return context.find("quote_item", {"quote": {"id": {"eq": quote["id"]}}}, 1_000)
