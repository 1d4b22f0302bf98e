"""PostgreSQL's own :func:`xrm_core.storage.matching.match`, as an expression: a function would take ten times as long.

Each part is worked out once for a row, or for a row and a word, and named for what stands above it.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from sqlalchemy import FromClause, Integer, Text, and_, case, cast, func, literal_column, null, or_, select, true
from sqlalchemy.dialects.postgresql import ARRAY, array
from sqlalchemy.sql import ColumnElement
from sqlalchemy.sql.elements import Grouping
from sqlalchemy.types import TypeEngine

from xrm_core.query.phone import digits_of
from xrm_core.query.searched_text import NUMBER, PHRASE, SEPARATOR, WORDS
from xrm_core.storage import matching
from xrm_core.storage.folded_sql import folded
from xrm_core.storage.phone import LEAST_DIGITS

Sql = ColumnElement[Any]


def match(
    source: FromClause, columns: Sequence[Sql], phones: Collection[int], display: int, searched: Sql, *, typos: bool
) -> Sql:
    """See :func:`xrm_core.query.match.match`."""
    places = range(1, len(columns) + 1)
    texts = _texts(source, columns, phones, searched)
    words: Any = func.unnest(_part(searched, f"[{WORDS}:]", ARRAY(Text()))).table_valued("word", name="xrm_words")
    words = words.render_derived()
    exact = _once(select(*(_exact(texts, words, n).label(f"level{n}") for n in places)), "xrm_exact", texts, words)
    levels = _near(texts, words, exact, places) if typos else exact
    counted = [levels.c[f"level{n}"] * _number(matching.DISPLAY if n == display else matching.OTHER) for n in places]
    best = _once(select(_greatest(counted).label("points")), "xrm_best", levels)
    most_points = _number(matching.WHOLE_FIELD * matching.DISPLAY) * func.count()
    score = (_number(matching.WORDS_SHARE) * func.sum(best.c.points)).op("/")(Grouping(most_points)) + func.max(
        texts.c.share
    )
    found = [case((func.bool_or(levels.c[f"level{n}"] > _number(0)), _number(n))) for n in places]
    numbers = cast(array([score, *found]), ARRAY(Integer()))
    answer = func.array_remove(numbers, cast(null(), Integer), type_=ARRAY(Integer()))
    hit: Sql = func.bool_and(best.c.points > _number(0))  # NULL if there are no words
    row = texts.join(words, true()).join(exact, true())
    if typos:
        row, hit = row.join(levels, true()), and_(hit, func.bool_or(levels.c.typed))
    query = select(case((hit, answer))).select_from(row.join(best, true()))
    return query.correlate(source).scalar_subquery()


def _near(texts: Any, words: Any, exact: Any, places: Iterable[int]) -> Any:
    """The levels of a word that is nowhere as it is typed are those with typos."""
    most = _most_typos(words.c.word)
    nowhere = _greatest([exact.c[f"level{n}"] for n in places]) == _number(0)
    typed = _once(select(and_(most > _number(0), nowhere).label("typed")), "xrm_typed", words, exact)
    levels = (
        case((typed.c.typed, _with_typos(texts, words, n, most)), else_=exact.c[f"level{n}"]).label(f"level{n}")
        for n in places
    )
    return _once(select(typed.c.typed, *levels).select_from(typed), "xrm_levels", texts, words, exact)


def _texts(source: FromClause, columns: Sequence[Sql], phones: Collection[int], searched: Sql) -> Any:
    """What stands in the columns: folded, as words between blanks, as numbers; and how much of them the text is."""
    folded_ = [folded("postgresql", column, "CASE_AND_ACCENTS") for column in columns]
    numbers = [digits_of("postgresql", columns[n - 1]).label(f"digits{n}") for n in sorted(phones)]
    named = [text.label(f"text{n}") for n, text in enumerate(folded_, 1)]
    row = select(*named, *numbers).correlate(source).offset(_number(0)).subquery("xrm_row")
    phrase, number = _part(searched, f"[{PHRASE}]"), _part(searched, f"[{NUMBER}]")
    parts, shares = [], [_number(0)]
    for n in range(1, len(columns) + 1):
        text = row.c[f"text{n}"]
        parts.append(_padded(text).label(f"padded{n}"))
        part = (_number(matching.TEXT_SHARE) * func.length(phrase)).op("/")(func.length(text))
        shares.append(case((and_(text != _text(""), func.strpos(text, phrase) > _number(0)), part), else_=_number(0)))
        if n in phones:
            level = _of_number(row.c[f"digits{n}"], number)
            parts.append(level.label(f"number{n}"))
            is_number = level == _number(matching.WHOLE_FIELD)
            shares.append(case((is_number, _number(matching.TEXT_SHARE)), else_=_number(0)))
    return select(*parts, _greatest(shares).label("share")).select_from(row).offset(_number(0)).subquery("xrm_texts")


def _padded(text: Sql) -> Sql:
    words = func.regexp_replace(text, _text(SEPARATOR), _text(" "), _text("g"))
    return func.coalesce(_text(" ").concat(words).concat(_text(" ")), _text(""))


def _of_number(own: Sql, number: Sql) -> Sql:
    least = _number(LEAST_DIGITS)
    same = or_(
        own == number,
        and_(func.length(number) >= least, func.right(own, func.length(number)) == number),
        and_(func.length(own) >= least, func.right(number, func.length(own)) == own),
    )
    part = and_(func.length(number) >= _number(matching.LEAST_OF_NUMBER), func.strpos(own, number) > _number(0))
    return case(
        (or_(own.is_(None), own == _text(""), number == _text("")), _number(0)),
        (same, _number(matching.WHOLE_FIELD)),
        (part, _number(matching.INSIDE)),
        else_=_number(0),
    )


def _exact(texts: Any, words: Any, n: int) -> Sql:
    text, word, blank = texts.c[f"padded{n}"], words.c.word, _text(" ")
    level = case(
        (func.strpos(text, word) == _number(0), _number(0)),
        (
            func.strpos(text, blank.concat(word).concat(blank)) > _number(0),
            case((func.btrim(text, blank) == word, _number(matching.WHOLE_FIELD)), else_=_number(matching.WHOLE_WORD)),
        ),
        (func.strpos(text, blank.concat(word)) > _number(0), _number(matching.BEGINNING)),
        else_=_number(matching.INSIDE),
    )
    return _greatest([level, texts.c[f"number{n}"]]) if f"number{n}" in texts.c else level


def _most_typos(word: Sql) -> Sql:
    size = func.length(word)
    return case(
        (size < _number(matching.LEAST_FOR_ONE), _number(0)),
        (size < _number(matching.LEAST_FOR_TWO), _number(1)),
        (size <= _number(matching.MOST_FOR_TYPOS), _number(2)),
        else_=_number(0),
    )


def _with_typos(texts: Any, words: Any, n: int, most: Sql) -> Sql:
    word = words.c.word
    others: Any = func.unnest(func.string_to_array(texts.c[f"padded{n}"], _text(" "))).table_valued("other")
    others = others.render_derived(name="xrm_others")
    least = func.min(func.xrm_typos(word, others.c.other, most))
    level = case(
        (least == _number(1), _number(matching.ONE_TYPO)),
        (least == _number(2), _number(matching.TWO_TYPOS)),
        else_=_number(0),
    )
    near = func.abs(func.length(others.c.other) - func.length(word)) <= most
    return select(level).select_from(others).where(near).correlate(texts, words).scalar_subquery()


def _once(query: Any, name: str, *of: Any) -> Any:
    """Values of these parts, worked out once for each row of them."""
    return query.correlate(*of).offset(_number(0)).lateral(name)


def _part(searched: Sql, place: str, type_: TypeEngine[Any] | None = None) -> Sql:
    return Grouping(searched).op("", return_type=type_ or Text())(literal_column(place))


def _greatest(values: Sequence[Sql]) -> Sql:
    return func.greatest(*values) if len(values) > 1 else values[0]


def _number(value: int) -> ColumnElement[int]:
    return literal_column(str(value), Integer())


def _text(value: str) -> ColumnElement[str]:
    return literal_column("'" + value.replace("'", "''") + "'", Text())
