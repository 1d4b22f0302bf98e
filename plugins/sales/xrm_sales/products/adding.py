"""A product comes into an opportunity or a quote with all that belongs to it: parts of a bundle, what it brings."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from strawberry import ID

from xrm_core.api import ActionContext, Record, Refuse
from xrm_sales.products.configuration import completed, problems, recommendations
from xrm_sales.products.rules import quantities_of, rules_of
from xrm_sales.writing import create

MOST = 1_000
"""Lines of a record."""

Pricing = Callable[[ActionContext, Record, Record, Decimal], Mapping[str, Any]]


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


@dataclass(frozen=True)
class Lines:
    """The lines of one kind of records.

    Args:
        entity: of the lines.
        parent: of the records that have them, and the field of a line that says which.
        priced: of the record, a product and a quantity: values that a line needs to have its price.
    """

    entity: str
    parent: str
    priced: Pricing

    def add(self, context: ActionContext, record: Record, given: ConfigureInput) -> Configured:
        """Add a product with all that belongs to it.

        Raises:
            Refuse: there is no such product or option, or the products would not go together; with the reasons.
        """
        product = context.read("product", given.product)
        if product is None or given.quantity <= 0:
            raise Refuse({"en": "There is no such product.", "de": "Dieses Produkt gibt es nicht."}, field="product")
        line = self._create(context, record, given.product, given.quantity)
        self._bundle(context, record, given, line)
        quantities = quantities_of(self._all(context, record))
        rules = rules_of(context, list(quantities))
        for brought, quantity in completed(quantities, rules).items():
            if brought not in quantities:
                self._create(context, record, brought, quantity)
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

    def _bundle(self, context: ActionContext, record: Record, given: ConfigureInput, line: str) -> None:
        """The parts: those that are always in it, and the chosen ones. What is included costs nothing beside it."""
        parts = context.find("bundle_component", {"bundle": {"id": {"eq": given.product}}}, MOST)
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
            self._create(context, record, part["component"], quantity, **values)

    def _create(self, context: ActionContext, record: Record, product: str, quantity: Decimal, **values: Any) -> str:
        last = max((line["position"] for line in self._all(context, record)), default=0)
        known = context.read("product", product) or {}
        if "unit_price" not in values:
            values |= self.priced(context, record, known, quantity)
        values.setdefault("text", known.get("name"))
        given = {self.parent: record["id"], "position": last + 1, "product": product, "quantity": quantity, **values}
        return create(context, self.entity, given)

    def _all(self, context: ActionContext, record: Record) -> list[Record]:
        return context.find(self.entity, {self.parent: {"id": {"eq": record["id"]}}}, MOST)
