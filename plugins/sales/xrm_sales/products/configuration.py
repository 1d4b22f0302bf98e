"""Whether products go together (configuration rules), and what comes along by itself. It knows no database."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum


class RuleKind(StrEnum):
    """What a rule says of another product."""

    REQUIRES = "requires"
    EXCLUDES = "excludes"
    DEFAULT = "default"
    RECOMMENDS = "recommends"


@dataclass(frozen=True, slots=True)
class Rule:
    """``product`` requires, excludes, brings or recommends ``other``.

    Args:
        product: id of the product whose rule it is.
        quantity: of the other one, for one of this; of requires and default.
        reason: what people are told, by language.
    """

    product: str
    kind: RuleKind
    other: str
    reason: Mapping[str, str]
    quantity: Decimal = Decimal(1)


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule that is broken; ``missing`` is how much of the other product is lacking."""

    rule: Rule
    missing: Decimal = Decimal(0)


def problems(quantities: Mapping[str, Decimal], rules: Iterable[Rule]) -> list[Finding]:
    """Rules that these products break, in the order of the rules.

    Two products that exclude each other are told once, whichever of them has the rule.

    Args:
        quantities: of each product, by id.
        rules: of all products; those of others do not matter.
    """
    found, told = [], set[frozenset[str]]()
    for rule in rules:
        if rule.product not in quantities:
            continue
        pair = frozenset((rule.product, rule.other))
        if rule.kind is RuleKind.EXCLUDES and rule.other in quantities and pair not in told:
            told.add(pair)
            found.append(Finding(rule))
        elif rule.kind is RuleKind.REQUIRES and (missing := _missing(quantities, rule)) > 0:
            found.append(Finding(rule, missing))
    return found


def recommendations(quantities: Mapping[str, Decimal], rules: Iterable[Rule]) -> list[Rule]:
    """What goes well with these products and is not there yet: up-selling and cross-selling.

    What one of them excludes is not recommended.
    """
    rules = list(rules)
    barred = {rule.other for rule in rules if rule.kind is RuleKind.EXCLUDES and rule.product in quantities}
    barred |= {rule.product for rule in rules if rule.kind is RuleKind.EXCLUDES and rule.other in quantities}
    return [
        rule
        for rule in rules
        if rule.kind is RuleKind.RECOMMENDS
        and rule.product in quantities
        and rule.other not in quantities
        and rule.other not in barred
    ]


def completed(quantities: Mapping[str, Decimal], rules: Iterable[Rule]) -> dict[str, Decimal]:
    """The products with all that they bring along by default, and what that brings.

    What is there already, in whatever quantity, is left as it is: somebody has chosen it. So it ends, also where
    products bring each other.
    """
    rules = [rule for rule in rules if rule.kind is RuleKind.DEFAULT]
    result, todo = dict(quantities), list(quantities)
    while todo:
        product = todo.pop(0)
        for rule in rules:
            if rule.product == product and rule.other not in result:
                result[rule.other] = result[product] * rule.quantity
                todo.append(rule.other)
    return result


def _missing(quantities: Mapping[str, Decimal], rule: Rule) -> Decimal:
    return quantities[rule.product] * rule.quantity - quantities.get(rule.other, Decimal(0))
