"""The text of the root field ``search`` as it is bound: what it looks for, and what indexes look up for that."""

import json
from collections.abc import Callable
from typing import Any

from sqlalchemy import Dialect, Text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import TypeDecorator, TypeEngine

from xrm_core.errors import QueryTooLarge
from xrm_core.metadata.predicate import SEARCH_LENGTH, SEARCH_WORDS
from xrm_core.query.survivors import survivors
from xrm_core.storage.folding import SEPARATORS
from xrm_core.storage.matching import Searched, most_typos, searched

PATTERNS = 3
"""So many words are looked up on PostgreSQL, the longest ones; more would not leave out much."""

PHRASE, NUMBER, WORDS = 2 * PATTERNS + 1, 2 * PATTERNS + 2, 2 * PATTERNS + 3
"""Where the whole text, the number and the first word stand in the array on PostgreSQL."""

_LEAST = 3  # letters of a trigram
_NEVER = '"..."'  # what FTS5 finds nowhere: dots stand for nothing

SEPARATOR = "[ {}]".format("".join("\\" + each if each in "]^-\\" else each for each in SEPARATORS))
"""What stands between words, as a regular expression of PostgreSQL."""


class SearchedText(TypeDecorator[str]):
    """A text bound as what it looks for: the whole of it, its digits if it is a number, and its words.

    PostgreSQL gets an array: :data:`PATTERNS` for LIKE, each perhaps NULL, for words as they are typed; as many regular
    expressions for words with typos; then the rest. SQLite gets a JSON object with ``text``, that rest, and what its
    full-text index looks for, ``exact`` and ``typos``, null if that would be all records.
    """

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """An array on PostgreSQL, JSON text on SQLite."""
        return dialect.type_descriptor(ARRAY(Text()) if dialect.name == "postgresql" else Text())

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        """The text as each database gets it; QueryTooLarge if it is too much."""
        found = searched_text(value)
        known = sorted((word for word in found.words if len(word) >= _LEAST), key=len, reverse=True)
        if dialect.name == "postgresql":
            exact = [f"%{word}%" for word in known[:PATTERNS]]
            typos = [_expression(word) for word in known[:PATTERNS]]
            return [*_filled(exact), *_filled(typos), *found.as_list()]
        return json.dumps(
            {"text": found.as_list(), "exact": _match(known, _trigrams), "typos": _match(known, _near)},
            ensure_ascii=False,
        )


def searched_text(text: str) -> Searched:
    """What a text looks for.

    Raises:
        QueryTooLarge: it is too long, or has too many words.
    """
    if len(text) > SEARCH_LENGTH:
        raise QueryTooLarge(f"A search has at most {SEARCH_LENGTH} characters.", hint="Search for less at once.")
    found = searched(text)
    if len(found.words) > SEARCH_WORDS:
        raise QueryTooLarge(f"A search has at most {SEARCH_WORDS} words.", hint="Search for less at once.")
    return found


def _filled(patterns: list[str]) -> list[str | None]:
    return [*patterns, *[None] * (PATTERNS - len(patterns))]


def _parts(word: str) -> list[str]:
    """Texts of which one is in each text that has the word, or one that is only a few typos away."""
    typos = most_typos(word)
    return [word, *sorted(survivors(word, typos))] if typos else [word]


def _expression(word: str) -> str:
    """A regular expression for these texts; words have no character that means anything in one."""
    groups: dict[tuple[bool, bool], list[str]] = {}
    for part in _parts(word):
        groups.setdefault((part.startswith(" "), part.endswith(" ")), []).append(part.strip())
    return "|".join(
        ("(?:^|{0})" if begin else "").format(SEPARATOR)
        + f"(?:{'|'.join(parts)})"
        + ("(?:{0}|$)" if end else "").format(SEPARATOR)
        for (begin, end), parts in groups.items()
    )


def _match(words: list[str], looked_up: Callable[[str], str]) -> str | None:
    return " AND ".join(f"({looked_up(word)})" for word in words) or None


def _trigrams(part: str) -> str:
    found = dict.fromkeys(part[at : at + _LEAST] for at in range(len(part) - _LEAST + 1))
    return " AND ".join('"{}"'.format(each.replace('"', '""')) for each in found)


def _near(word: str) -> str:
    return " OR ".join(f"({_trigrams(part)})" for part in _parts(word))
