"""How well records fit a search: SQLite's function and PostgreSQL's, held against a plain one."""

import json
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from sqlalchemy import Text, bindparam, select

from tests.postgres import PostgresServer
from tests.query.examples import examples
from xrm_core.query import match as match_sql
from xrm_core.query.searched_text import SearchedText
from xrm_core.storage.engines import Database
from xrm_core.storage.folding import SEPARATORS, fold_accents
from xrm_core.storage.phone import is_same_number, phone_digits
from xrm_core.storage.typos_postgresql import create_typos

Match = Callable[[str, Sequence[str | None], Sequence[int], int], list[int] | None]


@lru_cache(100_000)
def distance(one: str, other: str) -> int:
    """Damerau and Levenshtein's: letters wrong, missing, too many, and neighbours swapped, step by step."""
    if not one or not other:
        return len(one) + len(other)
    least = min(
        distance(one[1:], other[1:]) + (one[0] != other[0]), distance(one[1:], other) + 1, distance(one, other[1:]) + 1
    )
    # A swap of two letters, and whatever stands between them on either side.
    there, here = one.find(other[0], 1), other.find(one[0], 1)
    if there > 0 and here > 0:
        least = min(least, distance(one[there + 1 :], other[here + 1 :]) + 1 + (there - 1) + (here - 1))
    return least


def pieces_of(text: str) -> list[str]:
    return "".join(" " if each in SEPARATORS else each for each in text).split()


def plain_match(typed: str, texts: Sequence[str | None], phones: Sequence[int], display: int) -> list[int] | None:
    """What the docs say, word by word and field by field."""
    phrase = " ".join((fold_accents(typed) or "").split())
    words = list(dict.fromkeys(pieces_of(phrase)))
    number = phone_digits(phrase) or "" if not set(phrase) - set("+0123456789()/-. ") else ""
    points, found = 0.0, set()
    share = 0
    fields: dict[int, tuple[str, list[str], int]] = {}
    for place, raw in enumerate(texts, 1):
        text = fold_accents(raw)
        if text is None:
            continue
        of_number = 0
        if place in phones and number and (own := phone_digits(text)):
            of_number = 10 if is_same_number(number, own) else 4 if len(number) >= 4 and number in own else 0
        fields[place] = text, pieces_of(text), of_number
        share = max(share, 100 if of_number == 10 else 100 * len(phrase) // len(text) if text and phrase in text else 0)
    for word in words:
        levels = dict.fromkeys(fields, 0)
        for place, (_, pieces, of_number) in fields.items():
            if pieces == [word]:
                level = 10
            elif word in pieces:
                level = 8
            elif any(each.startswith(word) for each in pieces):
                level = 6
            else:
                level = 4 if any(word in each for each in pieces) else 0
            levels[place] = max(level, of_number)
        typos = 0 if not 4 <= len(word) <= 50 else 1 if len(word) < 8 else 2
        if not any(levels.values()) and typos:
            for place, (_, pieces, _n) in fields.items():
                least = min((distance(word, each) for each in pieces), default=9)
                levels[place] = 0 if least > typos else {1: 3, 2: 2}[least]
        if not any(levels.values()):
            return None
        found |= {place for place, level in levels.items() if level}
        points += max(level * (3 if place == display else 2) for place, level in levels.items())
    return [int(points * 900) // (30 * len(words)) + share, *sorted(found)] if words else None


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def match(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Match]:
    """The function of each database."""
    if request.param == "sqlite":
        yield from _matches(f"sqlite:///{tmp_path_factory.mktemp('match') / 'match.db'}")
    else:
        server: PostgresServer = request.getfixturevalue("postgres_server")
        with server.database() as url:
            yield from _matches(url)


def _matches(url: str) -> Iterator[Match]:
    database = Database(url)
    with database.begin() as connection:
        if not database.is_sqlite:
            create_typos(connection)

    def call(typed: str, texts: Sequence[str | None], phones: Sequence[int], display: int) -> list[int] | None:
        given = [bindparam(f"text{n}", text, Text()).label(f"text{n}") for n, text in enumerate(texts)]
        row = select(*given).subquery()
        searched = bindparam("typed", typed, SearchedText())
        of = (database.dialect.name, row, list(row.c), phones, display, searched)
        query = select(*(match_sql.match(*of, typos=typos) for typos in (False, True))).select_from(row)
        with database.read() as connection:
            exact, with_typos = connection.execute(query).one()
        assert exact is None or with_typos is None
        found = exact or with_typos
        return json.loads(found) if isinstance(found, str) else found

    yield call
    database.close()


@pytest.mark.parametrize(
    ("phrase", "texts", "expected"),
    [
        ("ulm", ["Ulm"], [1000, 1]),
        ("ulm", ["ULM am See"], [750, 1]),
        ("ulm", ["Ulmenhof"], [577, 1]),
        ("ulm", ["Kulmbach"], [397, 1]),
        ("kulmbahc", ["Kulmbach"], [270, 1]),
        ("kulmabhc", ["Kulmbach"], [180, 1]),
        ("kulmbak", ["Kulmbach"], None),
        ("ulm", [None, "Ulm"], [700, 2]),
        ("ulm", ["x", "Kulmbach", "Ulm"], [700, 2, 3]),
        ("müller-lüdenscheidt", ["Müller-Lüdenscheidt"], [820, 1]),
        ("lüdenscheidt müller", ["Müller-Lüdenscheidt"], [720, 1]),
        ("muller", ["Müler"], [270, 1]),
        ("uml", ["Ulm"], None),
        ("strasse", ["Straße"], [1000, 1]),
        ("ulm wien", ["Ulm"], None),
        ("", ["Ulm"], None),
    ],
)
def test_a_score_tells_how_it_was_found(
    match: Match, phrase: str, texts: list[str | None], expected: list[int] | None
) -> None:
    assert match(phrase, texts, [], 1) == expected


@pytest.mark.parametrize(
    ("phrase", "expected"),
    [
        ("+49 731 1234-56", [700, 2]),
        ("0731123456", [700, 2]),
        ("0731/1234", [300, 2]),
        ("0731 9999", None),
    ],
)
def test_a_number_finds_a_phone(match: Match, phrase: str, expected: list[int] | None) -> None:
    assert match(phrase, ["Anna", "0049 (0)731 123456"], [2], 1) == expected


LETTERS = st.sampled_from("abcdeé1 -.ß")
TEXTS = st.text(LETTERS, max_size=24)


@st.composite
def searches(draw: st.DrawFn) -> tuple[str, list[str | None], list[int], int]:
    """Words that are near to what stands in the fields, or not."""
    texts: list[str | None] = draw(st.lists(st.none() | TEXTS, min_size=1, max_size=5))
    pieces = [piece for text in texts if text for piece in pieces_of(fold_accents(text) or "")]
    words = []
    for _ in range(draw(st.integers(0, 3))):
        word = draw(st.sampled_from(pieces)) if pieces and draw(st.booleans()) else draw(st.text("abcde"))
        for _ in range(draw(st.integers(0, 3))):
            place, letter = draw(st.integers(0, len(word))), draw(st.sampled_from("abcde"))
            rest = word[place:]
            ways = [letter + rest[1:], letter + rest, rest[1:], rest[1:2] + rest[:1] + rest[2:]]
            word = word[:place] + draw(st.sampled_from(ways))
        words.append(word)
    phones = draw(st.lists(st.integers(1, len(texts)), unique=True))
    typed = draw(st.sampled_from([" ".join(words), "-".join(words), *[each for each in texts if each], "1234567"]))
    return typed, texts, phones, draw(st.integers(0, len(texts)))


@examples(50)
@given(search=searches())
@example(("abcdabcd", ["bacdbacd"], [], 1))
@example(("abcdabcd", ["acbabcd"], [], 1))
@example(("abcdabcd", ["bcdabcda"], [], 1))
def test_both_databases_say_what_the_plain_one_says(
    match: Match, search: tuple[str, list[str | None], list[int], int]
) -> None:
    assert match(*search) == plain_match(*search)


def test_there_may_be_more_fields_than_a_function_has_arguments(match: Match) -> None:
    assert match("first last", ["First", *[None] * 200, "last"], [], 1) == [750, 1, 202]
