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


def included(look: Looking, lines: list[Record]) -> frozenset[str]:
    """Ids of lines that are parts of a bundle whose price has them in: what they cost by themselves is no discount.

    A line says by itself of what it is a part: so the bundle is asked, and only as many count as belong to it. What is
    beyond is given for nothing.
    """
    by_id = {line["id"]: line for line in lines if not line["optional"]}
    free = [line for line in by_id.values() if _is_free_part(line) and line["part_of"] in by_id]
    if not free:
        return frozenset()
    bundles = sorted({str(by_id[line["part_of"]]["product"]) for line in free})
    where = {"bundle": {"id": {"in": bundles}}, "pricing": {"eq": "included"}}
    left: dict[tuple[str, str], Decimal] = {}
    parts = look.find("bundle_component", where, 1_000)
    for line in by_id.values():
        for part in parts:
            if part["bundle"] == line["product"]:
                key = (line["id"], part["component"])
                belongs = Decimal(str(part["quantity"])) * Decimal(str(line["quantity"]))
                left[key] = left.get(key, Decimal(0)) + belongs
    found = set()
    for line in sorted(free, key=lambda each: (each["position"], each["id"])):
        key = (line["part_of"], line["product"])
        left[key] = left.get(key, Decimal(0)) - Decimal(str(line["quantity"]))
        if left[key] >= 0:
            found.add(line["id"])
    return frozenset(found)


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


def _is_free_part(line: Record) -> bool:
    return bool(line["part_of"]) and bool(line["price_by_hand"]) and not Decimal(str(line["unit_price"]))
