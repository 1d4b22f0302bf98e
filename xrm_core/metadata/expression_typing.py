"""Types in expressions: which operands go together, and what comes out."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace

from xrm_core.metadata.expression import (
    BOOLEAN,
    DATE,
    DATETIME,
    LARGEST,
    MAX_SCALE,
    QUOTIENT_SCALE,
    Kind,
    Node,
    ValueType,
    number,
    text,
)


class Mistake(Exception):
    """What is wrong with an expression, and how to mend it."""

    def __init__(self, reason: str, remedy: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.remedy = remedy


def expect(node: Node, kind: Kind, what: str) -> None:
    """Refuse an operand of another kind."""
    if node.type.kind is not kind:
        raise Mistake(f"{what} is given a {node.type.kind}.", f"It needs a {kind} there.")


def together(nodes: Sequence[Node], what: str) -> tuple[list[Node], ValueType]:
    """Values that have to be of one type, and that type. Texts that stand beside dates are read as such.

    Numbers keep their own scales; the type has the largest.
    """
    kinds: list[Kind] = list(dict.fromkeys(node.type.kind for node in nodes if node.type.kind is not Kind.EMPTY))
    if not kinds:
        raise Mistake(f"{what} is given NULL only.", "Name a field or a value, too.")
    moments: list[Kind] = [kind for kind in kinds if kind in (Kind.DATE, Kind.DATETIME)]
    if len(moments) == 1 and set(kinds) == {moments[0], Kind.TEXT}:
        nodes = [_moment(node, moments[0]) for node in nodes]
        kinds = moments
    if len(kinds) > 1:
        raise Mistake(
            f"{what} is given a {kinds[0]} and a {kinds[1]}.", "Both sides, or all results, must be of one type."
        )
    types = [node.type for node in nodes if node.type.kind is not Kind.EMPTY]
    type_ = types[0]
    if type_.kind is Kind.NUMBER:
        scale = max(each.scale for each in types)
        type_ = number(scale, max(_bound(each) * 10 ** (scale - each.scale) for each in types))
    elif type_.kind is Kind.TEXT:
        type_ = text(max(each.bound for each in types))
    return [replace(node, type=type_) if node.type.kind is Kind.EMPTY else node for node in nodes], type_


def not_references(type_: ValueType) -> None:
    """Refuse to compare ids."""
    if type_.kind is Kind.REFERENCE:
        raise Mistake("References cannot be compared.", "They can only be asked whether they are empty: IS NULL.")


def comparison(op: str, nodes: Sequence[Node]) -> Node:
    """``=``, ``<>``, ``<`` …"""
    if any(node.type.kind is Kind.EMPTY for node in nodes):
        raise Mistake(f"Nothing is ever {op} NULL.", "Write IS NULL or IS NOT NULL.")
    found, type_ = together(nodes, op)
    not_references(type_)
    if type_.kind is Kind.BOOLEAN and op not in ("=", "<>"):
        raise Mistake(f"{op} cannot be used on booleans.", "Use =, AND, OR and NOT.")
    return Node(op, BOOLEAN, tuple(found))


def arithmetic(op: str, nodes: Sequence[Node]) -> Node:
    """``+ - * / %`` of numbers; ``date + days``, ``date - days``, ``date - date``."""
    left, right = nodes
    if Kind.DATE in (left.type.kind, right.type.kind):
        return _days(op, left, right)
    for node in nodes:
        if node.type.kind is Kind.DATETIME:
            raise Mistake(f"{op} is given a date and time.", "Use DATE(…), which is its day in UTC.")
        expect(node, Kind.NUMBER, op)
    one, other = left.type, right.type
    scale = max(one.scale, other.scale)
    sizes = [_bound(each) * 10 ** (scale - each.scale) for each in (one, other)]
    match op:
        case "+" | "-":
            type_ = number(scale, sum(sizes))
        case "*":
            type_ = number(one.scale + other.scale, _bound(one) * _bound(other))
        case "/":
            type_ = _quotient(one, right)
        case _:
            type_ = number(scale, min(sizes))
    if type_.scale > MAX_SCALE:
        raise Mistake(
            f"The result of {op} would have {type_.scale} digits after the point; {MAX_SCALE} are allowed.",
            "Use ROUND(…, digits) on one of the two numbers.",
        )
    return Node(op, type_, (left, right))


def shift_of(divisor: Node) -> int | None:
    """How many places a division by this number moves the point, if it is 10, 100 …; else None."""
    digits = str(divisor.value) if divisor.op == "literal" and divisor.type.scale == 0 else ""
    return len(digits) - 1 if digits.startswith("1") and not digits[1:].strip("0") else None


def _quotient(one: ValueType, divisor: Node) -> ValueType:
    places = shift_of(divisor)
    if places is not None and one.scale + places <= MAX_SCALE:
        return number(one.scale + places, _bound(one))
    scale = max(QUOTIENT_SCALE, one.scale, divisor.type.scale)
    # The smallest divisor is one unit of its own.
    return number(scale, _bound(one) * 10 ** (scale - one.scale + divisor.type.scale))


def round_to(inner: Node, digits: int) -> Node:
    """``ROUND(number, digits)``, halves away from zero."""
    expect(inner, Kind.NUMBER, "ROUND")
    if digits >= inner.type.scale:
        return inner
    bound = _bound(inner.type) // 10 ** (inner.type.scale - digits) + 1
    return Node("round", number(digits, bound), (inner,), digits)


def date_or_moment(node: Node, what: str) -> Node:
    """A date, or a moment in UTC; a text is read as a date."""
    if node.type.kind is Kind.TEXT and node.op == "literal":
        return _moment(node, Kind.DATE)
    if node.type.kind not in (Kind.DATE, Kind.DATETIME):
        raise Mistake(f"{what} is given a {node.type.kind}.", "It needs a date, or a date and time.")
    return node


def _days(op: str, left: Node, right: Node) -> Node:
    if op == "-" and left.type.kind is not Kind.NUMBER and right.type.kind is not Kind.NUMBER:
        nodes, type_ = together([left, right], op)
        if type_.kind is Kind.DATE:
            return Node("days", number(0, 3_652_058), tuple(nodes))
    if op == "+" and left.type.kind is Kind.NUMBER:
        left, right = right, left
    if op not in ("+", "-") or left.type.kind is not Kind.DATE or right.type.kind is not Kind.NUMBER:
        raise Mistake(
            f"{op} is given a {left.type.kind} and a {right.type.kind}.",
            "Dates have: date + days, date - days, date - date.",
        )
    if right.type.scale:
        raise Mistake("Days with digits after the point are added to a date.", "Use FLOOR or ROUND on them.")
    return Node(f"{op} days", DATE, (left, right))


def _moment(node: Node, kind: Kind) -> Node:
    if node.type.kind is not Kind.TEXT:
        return node
    form = '"2026-11-22"' if kind is Kind.DATE else '"2026-11-22T10:00:00Z"'
    if node.op != "literal":
        raise Mistake(f"A text is used as a {kind}.", f"Write it as a literal of the form {form}.")
    try:
        if kind is Kind.DATE:
            return Node("literal", DATE, value=dt.date.fromisoformat(node.value).isoformat())
        moment = dt.datetime.fromisoformat(node.value)
        if moment.tzinfo is None:
            raise ValueError("no zone")
        return Node("literal", DATETIME, value=moment.astimezone(dt.UTC).isoformat())
    except (ValueError, OverflowError) as error:
        raise Mistake(f"'{node.value[:40]}' is not a {kind}.", f"Write it in the form {form}.") from error


def _bound(type_: ValueType) -> int:
    """The greatest number of units, once results that are too large have become empty."""
    return min(type_.bound, LARGEST)
