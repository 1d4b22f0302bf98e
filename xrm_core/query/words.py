"""The text of a search as it is bound: its words, and what an index looks up for them."""

import json
import unicodedata
from typing import Any

from sqlalchemy import Dialect, Text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import TypeDecorator, TypeEngine

from xrm_core.errors import QueryTooLarge
from xrm_core.metadata.predicate import SEARCH_LENGTH, SEARCH_WORDS
from xrm_core.storage.folding import fold_accents

PATTERNS = 3
"""So many words are looked up on PostgreSQL, the longest ones; more would not leave out much."""

_TRIGRAMS = 60  # of all words together, on SQLite
_ESCAPED = str.maketrans({"\\": r"\\", "%": r"\%", "_": r"\_"})


class Words(TypeDecorator[str]):
    """A text bound as its words. PostgreSQL gets them in an array behind :data:`PATTERNS` patterns for LIKE, each
    perhaps NULL; SQLite gets a JSON object with ``words``, ``match`` for its full-text index, and whether that would be
    ``all`` records.
    """

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """An array on PostgreSQL, JSON text on SQLite."""
        return dialect.type_descriptor(ARRAY(Text()) if dialect.name == "postgresql" else Text())

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        """The words; QueryTooLarge if there are too many."""
        words = words_of(value or "")
        if dialect.name == "postgresql":
            patterns: list[str | None] = [f"%{word.translate(_ESCAPED)}%" for word in _looked_up(words)[:PATTERNS]]
            return [*patterns, *[None] * (PATTERNS - len(patterns)), *words]
        match = _match(words)
        return json.dumps({"words": words, "match": match or '"..."', "all": not match})


def words_of(text: str) -> list[str]:
    """The words of a text in small letters without accents, each once.

    Raises:
        QueryTooLarge: it is too long, or has too many.
    """
    if len(text) > SEARCH_LENGTH:
        raise QueryTooLarge(f"A search has at most {SEARCH_LENGTH} characters.", hint="Search for less at once.")
    words = list(dict.fromkeys((fold_accents(unicodedata.normalize("NFC", text)) or "").split()))
    if len(words) > SEARCH_WORDS:
        raise QueryTooLarge(f"A search has at most {SEARCH_WORDS} words.", hint="Search for less at once.")
    return words


def has_trigrams(text: str | None) -> bool:
    """Whether an index can look up anything of a text. Raises as :func:`words_of`."""
    return bool(_looked_up(words_of(text or "")))


def _looked_up(words: list[str]) -> list[str]:
    """Words that have trigrams, the longest first."""
    return sorted((word for word in words if len(word) >= 3), key=len, reverse=True)


def _match(words: list[str]) -> str:
    """What FTS5 looks for: records with all of these trigrams."""
    found = dict.fromkeys(word[at : at + 3] for word in _looked_up(words) for at in range(len(word) - 2))
    return " AND ".join('"{}"'.format(each.replace('"', '""')) for each in list(found)[:_TRIGRAMS])
