"""SQL text of a computed field → typed tree, or what is wrong with it. Only words that are known here get through.

sqlglot reads the grammar. It is imported when the first expression is read, so that nobody else pays for it.
"""

from collections.abc import Callable, Sequence
from typing import Any

from xrm_core.metadata.expression import BOOLEAN, DATE, EMPTY, MAX_TEXT, Kind, Node, ValueType, number, text
from xrm_core.metadata.expression_typing import (
    Mistake,
    arithmetic,
    comparison,
    date_or_moment,
    expect,
    not_references,
    round_to,
    together,
)

MAX_DEPTH = 12
"""Deepest nesting of an expression. SQLite before 3.46 reads a statement of about a hundred levels in all."""

MAX_NODES = 300

Lookup = Callable[[str], ValueType]
"""Name of a field → its type; raises :class:`Mistake`."""

ALLOWED = (
    "Allowed are field names, literals, + - * / %, ||, comparisons, AND, OR, NOT, IS NULL, IN, CASE, COALESCE, NULLIF, "
    "ROUND, ABS, FLOOR, CEIL, LEAST, GREATEST, LOWER, UPPER, TRIM, LENGTH, SUBSTR, REPLACE, CONCAT, CURRENT_DATE, "
    "DATE, YEAR, MONTH and DAY; see docs/computed.md."
)


def read_expression(source: str, lookup: Lookup) -> Node:
    """The tree of an expression.

    Raises:
        Mistake: what is wrong and how to mend it.
    """
    from sqlglot import exp, parse  # takes a tenth of a second
    from sqlglot.errors import SqlglotError

    try:
        found = parse(f"SELECT {source}\n", read="postgres")
    except (SqlglotError, RecursionError, ValueError, TypeError, AttributeError) as error:
        # The parser stumbles over some texts that no SQL is made of.
        raise Mistake(
            "This is not an SQL expression that can be read.", f"Check brackets and quotes. {ALLOWED}"
        ) from error
    query = found[0] if len(found) == 1 else None
    if (
        not isinstance(query, exp.Select)
        or len(query.expressions) != 1
        or {k for k, v in query.args.items() if v} != {"expressions"}
    ):
        raise Mistake("This is not one single expression.", f"Write one expression without SELECT or FROM. {ALLOWED}")
    return _Reader(lookup).read(query.expressions[0], 1)


class _Reader:
    """Walks sqlglot's tree; each class that may occur has a method here, named like it."""

    def __init__(self, lookup: Lookup) -> None:
        self._lookup = lookup
        self._count = 0

    def read(self, found: Any, depth: int) -> Node:
        """The node of an expression."""
        if found is None:
            raise Mistake("A function or an operator is given too few values.", ALLOWED)
        self._count += 1
        if self._count > MAX_NODES:
            raise Mistake(f"The expression has more than {MAX_NODES} parts.", "Split it into several computed fields.")
        if depth > MAX_DEPTH:
            raise Mistake(
                f"The expression is nested more than {MAX_DEPTH} deep.", "Split it into several computed fields."
            )
        name = type(found).__name__.lower()
        if name == "paren":
            return self.read(found.this, depth)
        method = getattr(self, f"_{name}", None)
        if name in _SYMBOLS:
            # A chain such as a + b + c stands in a row: only what is in brackets or on the right is a level deeper.
            chained = type(found.this) is type(found) and name in ("add", "mul", "and", "or", "dpipe")
            left = self.read(found.this, depth if chained else depth + 1)
            return _SYMBOLS[name]([left, self.read(found.expression, depth + 1)])
        if name in _FUNCTIONS:
            self._only(found, "this")
            return _FUNCTIONS[name](self.read(found.this, depth + 1))
        if method is None:
            raise _unknown(found)
        result: Node = method(found, depth + 1)
        return result

    def _only(self, found: Any, *names: str) -> None:
        """Refuse what a function is given beyond what is known of it here."""
        given = {name for name, value in found.args.items() if value not in (None, [], False)}
        if given - set(names):
            raise _unknown(found)

    def _all(self, found: Sequence[Any], depth: int) -> list[Node]:
        return [self.read(each, depth) for each in found]

    # -- leaves -------------------------------------------------------------------------------------------------------

    def _column(self, found: Any, _depth: int) -> Node:
        if set(found.args) - {"this"} and any(found.args[key] for key in found.args if key != "this"):
            raise Mistake(
                f"{found.sql()} is not a field of this record.", "Write the name of a field alone, without a point."
            )
        identifier = found.this
        if type(identifier).__name__ != "Identifier":
            raise _unknown(found)
        name = identifier.this if identifier.args.get("quoted") else identifier.this.lower()
        return Node("field", self._lookup(name), value=name)

    def _literal(self, found: Any, _depth: int) -> Node:
        if found.is_string:
            if "\0" in found.this:
                raise Mistake("The text has a NUL character.", "Remove it.")
            return Node("literal", text(len(found.this)), value=found.this)
        whole, _, fraction = found.this.partition(".")
        if not (whole + fraction).isdigit() or len(whole.lstrip("0") + fraction) > 18 or len(fraction) > 12:
            raise Mistake(
                f"The number {found.this[:40]} cannot be used.",
                "Write at most 18 digits, 12 of them after the point, without exponent.",
            )
        units = int(whole + fraction)
        return Node("literal", number(len(fraction), units), value=units)

    def _boolean(self, found: Any, _depth: int) -> Node:
        return Node("literal", BOOLEAN, value=bool(found.this))

    def _null(self, _found: Any, _depth: int) -> Node:
        return Node("literal", EMPTY)

    def _currentdate(self, found: Any, _depth: int) -> Node:
        if found.this is not None:
            raise _unknown(found)
        return Node("today", DATE)

    def _cast(self, found: Any, depth: int) -> Node:
        inner = found.this
        if str(found.to.this).rpartition(".")[2] == "DATE":
            return _date(self.read(inner, depth))
        raise Mistake(
            "Values are not cast from one type to another.", "Remove the cast; DATE(…) makes a date of a moment."
        )

    # -- logic --------------------------------------------------------------------------------------------------------

    def _not(self, found: Any, depth: int) -> Node:
        inner = self.read(found.this, depth)
        expect(inner, Kind.BOOLEAN, "NOT")
        return Node("not", BOOLEAN, (inner,))

    def _is(self, found: Any, depth: int) -> Node:
        if type(found.expression).__name__ != "Null":
            raise Mistake(f"{found.sql()} cannot be used.", "After IS stands NULL or NOT NULL.")
        op = "is not null" if found.args.get("negate") else "is null"
        return Node(op, BOOLEAN, (self.read(found.this, depth),))

    def _in(self, found: Any, depth: int) -> Node:
        self._only(found, "this", "expressions")
        if not found.expressions:
            raise Mistake("The list of IN is empty or a query.", "Write the values: IN ('a', 'b').")
        value, *items = self._all([found.this, *found.expressions], depth)
        if any(each.type.kind is Kind.EMPTY for each in items):
            raise Mistake("NULL stands in the list of IN.", "Remove it; write OR … IS NULL.")
        parts, type_ = together([value, *items], "IN")
        not_references(type_)
        return Node("in", BOOLEAN, tuple(parts))

    def _case(self, found: Any, depth: int) -> Node:
        conditions, values = [], []
        for branch in found.args["ifs"]:
            if found.this is not None:
                one = self.read(found.this, depth)
                conditions.append(comparison("=", [one, self.read(branch.this, depth)]))
            else:
                conditions.append(self.read(branch.this, depth))
                expect(conditions[-1], Kind.BOOLEAN, "WHEN")
            values.append(self.read(branch.args["true"], depth))
        default = found.args.get("default")
        values.append(Node("literal", EMPTY) if default is None else self.read(default, depth))
        values, type_ = together(values, "CASE")
        pairs = [part for pair in zip(conditions, values, strict=False) for part in pair]
        return Node("case", type_, (*pairs, values[-1]))

    # -- functions ----------------------------------------------------------------------------------------------------

    def _several(self, found: Any, depth: int, op: str, least: int = 1) -> Node:
        parts = self._all([found.this, *found.expressions], depth)
        if len(parts) < least:
            raise Mistake(f"{op.upper()} needs two values or more.", "Give it another one.")
        parts, type_ = together(parts, op.upper())
        if op != "coalesce" and type_.kind in (Kind.BOOLEAN, Kind.REFERENCE):
            raise Mistake(f"{op.upper()} cannot be used on a {type_.kind}.", "It has no order.")
        return Node(op, type_, tuple(parts))

    def _coalesce(self, found: Any, depth: int) -> Node:
        return self._several(found, depth, "coalesce", 2)

    def _least(self, found: Any, depth: int) -> Node:
        return self._several(found, depth, "least", 2)

    def _greatest(self, found: Any, depth: int) -> Node:
        return self._several(found, depth, "greatest", 2)

    def _nullif(self, found: Any, depth: int) -> Node:
        parts, type_ = together(self._all([found.this, found.expression], depth), "NULLIF")
        not_references(type_)
        return Node("nullif", parts[0].type, tuple(parts))

    def _round(self, found: Any, depth: int) -> Node:
        self._only(found, "this", "decimals")
        digits = found.args.get("decimals")
        if digits is not None and (type(digits).__name__ != "Literal" or not digits.this.isdigit()):
            raise Mistake("ROUND is told its digits by something else than a number.", "Write ROUND(…, 2).")
        return round_to(self.read(found.this, depth), 0 if digits is None else int(digits.this))

    def _trim(self, found: Any, depth: int) -> Node:
        self._only(found, "this")
        inner = self.read(found.this, depth)
        expect(inner, Kind.TEXT, "TRIM")
        return Node("trim", inner.type, (inner,))

    def _substring(self, found: Any, depth: int) -> Node:
        self._only(found, "this", "start", "length")
        inner, *places = self._all(
            [each for each in (found.this, found.args.get("start"), found.args.get("length")) if each is not None],
            depth,
        )
        expect(inner, Kind.TEXT, "SUBSTR")
        if not places:
            raise Mistake("SUBSTR is not told where to start.", "Write SUBSTR(text, start, length).")
        for place in places:
            expect(place, Kind.NUMBER, "SUBSTR")
            if place.type.scale:
                raise Mistake("SUBSTR is given a number with digits after the point.", "Use FLOOR or ROUND on it.")
        return Node("substr", inner.type, (inner, *places))

    def _replace(self, found: Any, depth: int) -> Node:
        self._only(found, "this", "expression", "replacement")
        parts = self._all([found.this, found.expression, found.args.get("replacement")], depth)
        for part in parts:
            expect(part, Kind.TEXT, "REPLACE")
        return Node("replace", _length(parts[0].type.bound * max(1, parts[2].type.bound)), tuple(parts))

    def _concat(self, found: Any, depth: int) -> Node:
        parts = self._all(found.expressions, depth)
        for part in parts:
            _writable(part, "CONCAT")
        return Node("concat", _length(sum(_size(part) for part in parts)), tuple(parts))

    def _extract(self, found: Any, depth: int) -> Node:
        part = str(found.this.this).lower()
        if part not in ("year", "month", "day"):
            raise Mistake(f"{part.upper()} cannot be extracted.", "YEAR, MONTH and DAY can.")
        return _part_of_date(part, self.read(found.expression, depth))


def _unknown(found: Any) -> Mistake:
    name = found.name if type(found).__name__ == "Anonymous" else found.key.upper()
    return Mistake(f"{str(name)[:40]} cannot be used in a computed field.", ALLOWED)


def _length(length: int) -> ValueType:
    if length > MAX_TEXT:
        raise Mistake(
            f"The text could become {length} characters long; {MAX_TEXT} are allowed.",
            "Shorten its parts, e.g. with SUBSTR, or lower their maxLength.",
        )
    return text(length)


def _size(part: Node) -> int:
    return part.type.bound if part.type.kind is Kind.TEXT else 24


def _writable(part: Node, what: str) -> None:
    if part.type.kind not in (Kind.TEXT, Kind.NUMBER, Kind.DATE, Kind.EMPTY):
        raise Mistake(f"{what} is given a {part.type.kind}.", "It joins texts, numbers and dates.")


def _joined(parts: list[Node]) -> Node:
    for part in parts:
        _writable(part, "||")
    return Node("||", _length(sum(_size(part) for part in parts)), tuple(parts))


def _logic(op: str) -> Callable[[list[Node]], Node]:
    def read(parts: list[Node]) -> Node:
        for part in parts:
            expect(part, Kind.BOOLEAN, op.upper())
        return Node(op, BOOLEAN, tuple(parts))

    return read


def _compared(op: str) -> Callable[[list[Node]], Node]:
    return lambda parts: comparison(op, parts)


def _calculated(op: str) -> Callable[[list[Node]], Node]:
    return lambda parts: arithmetic(op, parts)


_SYMBOLS: dict[str, Callable[[list[Node]], Node]] = {
    "add": _calculated("+"),
    "sub": _calculated("-"),
    "mul": _calculated("*"),
    "div": _calculated("/"),
    "mod": _calculated("%"),
    "eq": _compared("="),
    "neq": _compared("<>"),
    "lt": _compared("<"),
    "lte": _compared("<="),
    "gt": _compared(">"),
    "gte": _compared(">="),
    "and": _logic("and"),
    "or": _logic("or"),
    "dpipe": _joined,
}


def _text_function(op: str) -> Callable[[Node], Node]:
    def read(inner: Node) -> Node:
        expect(inner, Kind.TEXT, op.upper())
        return Node(op, inner.type if op != "length" else number(0, inner.type.bound), (inner,))

    return read


def _number_function(op: str) -> Callable[[Node], Node]:
    def read(inner: Node) -> Node:
        expect(inner, Kind.NUMBER, "-" if op == "neg" else op.upper())
        if op == "neg" and inner.op == "literal":
            return Node("literal", inner.type, value=-inner.value)
        keeps = op in ("neg", "abs")
        type_ = inner.type if keeps else number(0, inner.type.bound // 10**inner.type.scale + 1)
        return Node(op, type_, (inner,))

    return read


def _part_of_date(part: str, inner: Node) -> Node:
    return Node(part, number(0, 9999), (date_or_moment(inner, part.upper()),))


def _date(inner: Node) -> Node:
    found = date_or_moment(inner, "DATE")
    return found if found.type == DATE else Node("date", DATE, (found,))


_FUNCTIONS: dict[str, Callable[[Node], Node]] = {
    "lower": _text_function("lower"),
    "upper": _text_function("upper"),
    "length": _text_function("length"),
    "neg": _number_function("neg"),
    "abs": _number_function("abs"),
    "floor": _number_function("floor"),
    "ceil": _number_function("ceil"),
    "year": lambda inner: _part_of_date("year", inner),
    "month": lambda inner: _part_of_date("month", inner),
    "day": lambda inner: _part_of_date("day", inner),
    "date": _date,
}
