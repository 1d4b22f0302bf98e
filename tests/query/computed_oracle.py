"""A second opinion on computed fields: random expressions as SQL text, with their value worked out exactly in Python.

Nothing of it comes from the code under test. An expression is drawn together with a function from a record to its
value, so the reference never reads SQL. Numbers are fractions; what would have more than 18 digits is empty, as the
documentation says.
"""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from hypothesis import strategies as st

from tests.query.computed_values import ascii_case, digits, fits, half_away, moment

Row = Mapping[str, Any]
Value = Any
MAX_SCALE = 12


@dataclass(frozen=True)
class Drawn:
    """An expression, the digits after the point that its value has, and how to work it out for a record."""

    text: str
    of: Callable[[Row], Value]
    scale: int = 0


FIELDS: dict[str, dict[str, Any]] = {
    "a": {"type": "integer"},
    "b": {"type": "integer"},
    "p": {"type": "number", "x-type": "decimal", "x-precision": 18, "x-scale": 2},
    "q": {"type": "number", "x-type": "decimal", "x-precision": 9, "x-scale": 4},
    "s": {"type": "string", "maxLength": 50},
    "t": {"type": "string", "maxLength": 50},
    "x": {"type": "boolean"},
    "d": {"type": "string", "format": "date"},
    "e": {"type": "string", "format": "date"},
    "m": {"type": "string", "format": "date-time"},
}
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "a": st.sampled_from([None, -(2**31), -7, -1, 0, 1, 2, 3, 10, 2**31 - 1]),
    "p": st.sampled_from([None, "-0.01", "0.00", "0.01", "1.50", "2.05", "-2.05", "9999999999999999.99", "123456.78"]),
    "q": st.sampled_from([None, "-99999.9999", "-0.0001", "0.0000", "0.5000", "1.0000", "3.0000", "99999.9999"]),
    "s": st.sampled_from([None, "", "a", "B", " ab ", "äß", "a'b", "%_\\", "😀x", "Zz"]),
    "x": st.sampled_from([None, True, False]),
    "d": st.sampled_from([None, "0001-01-01", "1999-12-31", "2000-02-29", "2024-03-01", "9999-12-31"]),
    "m": st.sampled_from([None, "1999-12-31T23:59:59.5+00:00", "2024-03-01T00:00:00+00:00"]),
}
VALUES |= {"b": VALUES["a"], "t": VALUES["s"], "e": VALUES["d"]}


def rows() -> st.SearchStrategy[list[dict[str, Any]]]:
    """Some records; each has every field."""
    return st.lists(st.fixed_dictionaries(VALUES), min_size=4, max_size=8)


def strict(work: Callable[..., Value], *parts: Drawn) -> Callable[[Row], Value]:
    """Empty in, empty out."""

    def of(row: Row) -> Value:
        values = [part.of(row) for part in parts]
        return None if any(value is None for value in values) else work(*values)

    return of


class Draw:
    """Draws expressions of each kind, down to a depth."""

    def __init__(self, draw: Callable[[st.SearchStrategy[Any]], Any]) -> None:
        self.draw = draw

    def choice(self, *options: Any) -> Any:
        return self.draw(st.sampled_from(options))

    def any_of(self, kind: str, depth: int) -> Drawn:
        """An expression of a kind."""
        method: Drawn = getattr(self, kind)(depth)
        return method

    # -- numbers ------------------------------------------------------------------------------------------------------

    def number(self, depth: int) -> Drawn:
        if depth <= 0:
            return self.choice(
                *(Drawn(name, _number(name), {"p": 2, "q": 4}.get(name, 0)) for name in "abpq"),
                *(
                    Drawn(text, lambda row, text=text: Fraction(text), len(text.partition(".")[2]))
                    for text in ("0", "1", "2", "7", "10", "100", "0.5", "1.25", "3000000000")
                ),
            )
        kind = self.choice(
            *[
                "+",
                "-",
                "*",
                "/",
                "%",
                "neg",
                "round",
                "floor",
                "ceil",
                "abs",
                "least",
                "greatest",
                "length",
                "days",
                "part",
                "coalesce",
                "nullif",
                "case",
                "leaf",
            ]
        )
        return getattr(self, f"_{_NAMES.get(kind, kind)}")(kind, depth - 1)

    def _leaf(self, _kind: str, _depth: int) -> Drawn:
        return self.number(0)

    def _arithmetic(self, op: str, depth: int) -> Drawn:
        one, other = self.number(depth), self.number(depth)
        scale = max(one.scale, other.scale)
        if op == "*":
            if one.scale + other.scale > MAX_SCALE:
                other = Drawn(f"ROUND({other.text})", strict(lambda v: half_away(v, 0), other))
            if one.scale + other.scale > MAX_SCALE:
                one = Drawn(f"ROUND({one.text})", strict(lambda v: half_away(v, 0), one))
            scale = one.scale + other.scale
        text = f"({one.text}) {op} ({other.text})"

        def work(left: Fraction, right: Fraction) -> Fraction | None:
            if op == "*":
                return fits(left * right, scale)
            if fits(left, scale) is None or fits(right, scale) is None:
                return None
            if op == "%":
                return None if right == 0 else left - right * int(left / right)
            return fits(left + right if op == "+" else left - right, scale)

        return Drawn(text, strict(work, one, other), scale)

    def _divided(self, _op: str, depth: int) -> Drawn:
        one = self.number(depth)
        if self.choice(True, False):
            by = self.choice(1, 10, 100)
            if one.scale + len(str(by)) - 1 <= MAX_SCALE:
                return Drawn(f"({one.text}) / {by}", strict(lambda v: v / by, one), one.scale + len(str(by)) - 1)
        other = self.number(depth)
        scale = max(6, one.scale, other.scale)
        if re_literal(other.text):
            other = Drawn(f"COALESCE({other.text}, 0)", other.of, other.scale)

        def work(left: Fraction, right: Fraction) -> Fraction | None:
            if right == 0 or fits(left, scale + other.scale) is None:
                return None
            return half_away(left / right, scale)

        return Drawn(f"({one.text}) / ({other.text})", strict(work, one, other), scale)

    def _one(self, kind: str, depth: int) -> Drawn:
        inner = self.number(depth)
        digits = self.choice(0, 1, 2)
        match kind:
            case "neg":
                return Drawn(f"-({inner.text})", strict(lambda v: -v, inner), inner.scale)
            case "abs":
                return Drawn(f"ABS({inner.text})", strict(abs, inner), inner.scale)
            case "floor":
                return Drawn(f"FLOOR({inner.text})", strict(lambda v: Fraction(v.numerator // v.denominator), inner))
            case "ceil":
                return Drawn(f"CEIL({inner.text})", strict(lambda v: -Fraction(-v.numerator // v.denominator), inner))
        text = f"ROUND({inner.text}, {digits})" if digits else f"ROUND({inner.text})"
        return Drawn(text, strict(lambda v: half_away(v, digits), inner), min(digits, inner.scale))

    def _length(self, _kind: str, depth: int) -> Drawn:
        inner = self.text(depth)
        return Drawn(f"LENGTH({inner.text})", strict(lambda v: Fraction(len(v)), inner))

    def _days(self, _kind: str, depth: int) -> Drawn:
        one, other = self.date(depth), self.date(depth)
        return Drawn(f"({one.text}) - ({other.text})", strict(lambda a, b: Fraction((a - b).days), one, other))

    def _part(self, _kind: str, depth: int) -> Drawn:
        word = self.choice("year", "month", "day")
        inner = self.choice(self.date(depth), Drawn("m", lambda row: moment(row["m"])))
        text = self.choice(f"{word}({inner.text})", f"EXTRACT({word} FROM {inner.text})")
        return Drawn(text, strict(lambda v: Fraction(getattr(v, word)), inner))

    # -- what every kind has ------------------------------------------------------------------------------------------

    def _chosen(self, kind: str, depth: int, of: str = "number") -> Drawn:
        one, other = self.any_of(of, depth), self.any_of(of, depth)
        scale = max(one.scale, other.scale)

        def wide(value: Value) -> Value:
            return fits(value, scale) if isinstance(value, Fraction) else value

        match kind:
            case "coalesce":
                text = f"COALESCE({one.text}, {other.text})"
                return Drawn(text, lambda row: first(wide(one.of(row)), lambda: wide(other.of(row))), scale)
            case "nullif":

                def distinct(row: Row) -> Value:
                    left, right = one.of(row), other.of(row)
                    same = wide(left) is not None and wide(left) == wide(right)
                    return None if same else left

                return Drawn(f"NULLIF({one.text}, {other.text})", distinct, one.scale)
            case "case":
                when = self.boolean(depth)
                text = f"CASE WHEN {when.text} THEN {one.text} ELSE {other.text} END"
                return Drawn(text, lambda row: wide(one.of(row)) if when.of(row) else wide(other.of(row)), scale)
        choose = min if kind == "least" else max
        key = (lambda v: v.encode()) if of == "text" else (lambda v: v)

        def work(left: Value, right: Value) -> Value:
            if wide(left) is None or wide(right) is None:
                return None
            return choose(left, right, key=key)

        return Drawn(f"{kind.upper()}({one.text}, {other.text})", strict(work, one, other), scale)

    # -- texts --------------------------------------------------------------------------------------------------------

    def text(self, depth: int) -> Drawn:
        if depth <= 0:
            return self.choice(
                *(Drawn(name, lambda row, name=name: row[name]) for name in "st"),
                *(
                    Drawn("'" + text.replace("'", "''") + "'", lambda row, text=text: text)
                    for text in ("", " x", "it's", "ä")
                ),
            )
        kind = self.choice(
            *[
                "||",
                "concat",
                "lower",
                "upper",
                "trim",
                "substr",
                "replace",
                "coalesce",
                "case",
                "least",
                "nullif",
                "written",
            ]
        )
        depth -= 1
        if kind in ("coalesce", "case", "least", "nullif"):
            return self._chosen(kind, depth, "text")
        one, other = self.text(depth), self.text(depth)
        match kind:
            case "||":
                return Drawn(f"{one.text} || {other.text}", strict(lambda a, b: a + b, one, other))
            case "concat":
                return Drawn(
                    f"CONCAT({one.text}, {other.text})", lambda row: (one.of(row) or "") + (other.of(row) or "")
                )
            case "written":
                number, date = self.number(depth), self.date(depth)
                text = f"({number.text}) || ' ' || ({date.text})"
                return Drawn(text, strict(lambda n, d: f"{digits(n, number.scale)} {d.isoformat()}", number, date))
            case "lower" | "upper":
                return Drawn(f"{kind}({one.text})", strict(lambda v: ascii_case(v, kind), one))
            case "trim":
                return Drawn(f"TRIM({one.text})", strict(lambda v: v.strip(" "), one))
            case "replace":
                work = lambda a, b: a.replace("a", b)  # noqa: E731
                return Drawn(f"REPLACE({one.text}, 'a', {other.text})", strict(work, one, other))
        start, length = (
            self.choice(Drawn("1", lambda row: Fraction(1)), Drawn("a", _number("a"))),
            self.choice(Drawn("2", lambda row: Fraction(2)), Drawn("b", _number("b"))),
        )

        def cut(value: str, begin: Fraction, size: Fraction) -> str | None:
            return value[int(begin) - 1 :][: int(size)] if begin >= 1 and size >= 0 else None

        return Drawn(f"SUBSTR({one.text}, {start.text}, {length.text})", strict(cut, one, start, length))

    # -- dates --------------------------------------------------------------------------------------------------------

    def date(self, depth: int) -> Drawn:
        if depth <= 0:
            return self.choice(
                *(Drawn(name, lambda row, name=name: row[name] and dt.date.fromisoformat(row[name])) for name in "de"),
                Drawn("DATE '2020-02-29'", lambda row: dt.date(2020, 2, 29)),
                Drawn("DATE(m)", lambda row: row["m"] and moment(row["m"]).date()),
            )
        kind = self.choice("+", "-", "coalesce", "case", "greatest", "nullif")
        if kind not in ("+", "-"):
            return self._chosen(kind, depth - 1, "date")
        day, count = self.date(depth - 1), self.choice(Drawn("a", _number("a")), Drawn("30", lambda row: Fraction(30)))

        def move(value: dt.date, days: Fraction) -> dt.date | None:
            ordinal = value.toordinal() + (int(days) if kind == "+" else -int(days))
            return dt.date.fromordinal(ordinal) if 1 <= ordinal <= dt.date.max.toordinal() else None

        return Drawn(f"({day.text}) {kind} {count.text}", strict(move, day, count))

    # -- conditions ---------------------------------------------------------------------------------------------------

    def boolean(self, depth: int) -> Drawn:
        if depth <= 0:
            return self.choice(
                Drawn("x", lambda row: row["x"]), Drawn("TRUE", lambda row: True), Drawn("FALSE", lambda row: False)
            )
        kind = self.choice("compare", "compare", "and", "or", "not", "null", "in", "coalesce", "case")
        depth -= 1
        if kind in ("coalesce", "case"):
            return self._chosen(kind, depth, "boolean")
        of = self.choice("number", "text", "date")
        match kind:
            case "and" | "or":
                one, other = self.boolean(depth), self.boolean(depth)
                decides = kind == "or"

                def logic(row: Row) -> bool | None:
                    sides = (one.of(row), other.of(row))
                    return decides if decides in sides else None if None in sides else not decides

                return Drawn(f"({one.text}) {kind.upper()} ({other.text})", logic)
            case "not":
                one = self.boolean(depth)
                return Drawn(f"NOT ({one.text})", strict(lambda v: not v, one))
            case "null":
                one = self.any_of(self.choice("number", "text", "date", "boolean"), depth)
                if self.choice(True, False):
                    return Drawn(f"({one.text}) IS NULL", lambda row: one.of(row) is None)
                return Drawn(f"({one.text}) IS NOT NULL", lambda row: one.of(row) is not None)
            case "in":
                one, other, third = self.any_of(of, depth), self.any_of(of, depth), self.any_of(of, depth)
                scale = max(one.scale, other.scale, third.scale)

                def inside(row: Row) -> bool | None:
                    sides = [each.of(row) for each in (one, other, third)]
                    left, *rest = [fits(each, scale) if of == "number" else each for each in sides]
                    if left is None:
                        return None
                    return True if left in rest else None if None in rest else False

                return Drawn(f"({one.text}) IN ({other.text}, {third.text})", inside)
        op = self.choice("=", "<>", "<", "<=", ">", ">=")
        one, other = self.any_of(of, depth), self.any_of(of, depth)
        scale = max(one.scale, other.scale)

        def compare(left: Value, right: Value) -> bool | None:
            if of == "number":
                left, right = fits(left, scale), fits(right, scale)
                if left is None or right is None:
                    return None
            if of == "text":
                left, right = left.encode(), right.encode()
            return {
                "=": left == right, "<>": left != right, "<": left < right,
                "<=": left <= right, ">": left > right, ">=": left >= right,
            }[op]  # fmt: skip

        return Drawn(f"({one.text}) {op} ({other.text})", strict(compare, one, other))


_NAMES = (
    dict.fromkeys("+-*%", "arithmetic")
    | {"/": "divided"}
    | dict.fromkeys(("neg", "round", "floor", "ceil", "abs"), "one")
    | dict.fromkeys(("least", "greatest", "coalesce", "nullif", "case"), "chosen")
)


def _number(name: str) -> Callable[[Row], Fraction | None]:
    return lambda row: None if row[name] is None else Fraction(row[name])


def re_literal(text: str) -> bool:
    """Whether the text is a number, by which a division only moves the point."""
    return text.replace(".", "").isdigit()


def first(value: Value, other: Callable[[], Value]) -> Value:
    return other() if value is None else value
