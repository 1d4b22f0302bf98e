"""The products of lines, and the rules on which of them go together."""

from decimal import Decimal

from xrm_core.api import Record
from xrm_sales.products.configuration import Rule, RuleKind
from xrm_sales.writing import Looking


def quantities_of(lines: list[Record]) -> dict[str, Decimal]:
    """How much of each product is in lines that count."""
    quantities: dict[str, Decimal] = {}
    for line in lines:
        if line["product"] and not line["optional"]:
            quantities[line["product"]] = quantities.get(line["product"], Decimal(0)) + Decimal(str(line["quantity"]))
    return quantities


def is_included(line: Record) -> bool:
    """Whether the line is a part of a bundle whose price has it in: what it costs by itself is no discount."""
    return bool(line["part_of"]) and bool(line["price_by_hand"]) and not Decimal(str(line["unit_price"]))


def rules_of(look: Looking, products: list[str]) -> list[Rule]:
    """The active rules of these products."""
    where = {"active": {"eq": True}, "product": {"id": {"in": sorted(products)}}}
    return [
        Rule(
            each["product"],
            RuleKind(each["kind"]),
            each["other"],
            {"en": each["reason"], "de": each["reason_de"] or each["reason"]},
            Decimal(str(each["quantity"] or 1)),
        )
        for each in (look.find("product_rule", where, 1_000) if products else [])
    ]
