"""How well a record fits words that somebody looks for: exactly, within words, or with typos.

:func:`match` is what SQLite calls; :mod:`xrm_core.query.match_postgresql` has the same for PostgreSQL. Texts come
folded (:func:`~xrm_core.storage.folding.fold_accents`), so case and accents make no difference.
"""

import json
import sqlite3
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from rapidfuzz import process
from rapidfuzz.distance import DamerauLevenshtein, Levenshtein

from xrm_core.storage.folding import fold_accents, words
from xrm_core.storage.phone import is_same_number, phone_digits

WHOLE_FIELD, WHOLE_WORD, BEGINNING, INSIDE, ONE_TYPO, TWO_TYPOS = 10, 8, 6, 4, 3, 2
"""What a word counts by how it was found."""

DISPLAY, OTHER = 3, 2
"""What that is multiplied by, in the field that ``display`` names and in others."""

WORDS_SHARE, TEXT_SHARE = 900, 100
"""Thousandths of the score: how well the words were found on average, and how much of a field the text as typed is."""

LEAST_FOR_ONE, LEAST_FOR_TWO, MOST_FOR_TYPOS = 4, 8, 50
"""Letters that a word has for one and for two typos to be overlooked, and at most for any."""

LEAST_OF_NUMBER = 4
"""Digits that tell a part of a phone number."""

_NUMBER = frozenset("+0123456789()/-. ")

SQLITE_FUNCTION = "xrm_match"


def most_typos(word: str) -> int:
    """How many typos a word of a search may have."""
    if not LEAST_FOR_ONE <= len(word) <= MOST_FOR_TYPOS:
        return 0
    return 1 if len(word) < LEAST_FOR_TWO else 2


@dataclass(frozen=True)
class Searched:
    """A text that is looked for.

    ``phrase`` is the whole of it, ``number`` its digits if it is a phone number, else empty. Words are folded, each
    once.
    """

    phrase: str
    number: str
    words: tuple[str, ...]

    def as_list(self) -> list[str]:
        """What both databases take."""
        return [self.phrase, self.number, *self.words]


def searched(text: str) -> Searched:
    """What a text looks for."""
    phrase = " ".join((fold_accents(unicodedata.normalize("NFC", text)) or "").split())
    number = phone_digits(phrase) if _NUMBER.issuperset(phrase) else ""
    return Searched(phrase, number or "", tuple(dict.fromkeys(words(phrase))))


def match(
    searched: Searched, texts: Sequence[str | None], digits: Sequence[str | None], display: int, *, typos: bool
) -> list[int] | None:
    """The score of a record in thousandths, then the places of the fields in which a word was found, from 1.

    None if one of the words is in no field; with ``typos``, also if all of them are there as they are typed.

    Args:
        searched: what is looked for.
        texts: what is in the fields, folded; None where there is nothing.
        digits: what :func:`~xrm_core.storage.phone.phone_digits` makes of those that are phone numbers, else None.
        display: the place of the field that counts more, from 1; 0 if it is none of them.
        typos: whether words may have typos.
    """
    numbers = [_number(searched.number, each) for each in digits]
    if not any(numbers) and not all(_may_be_there(word, texts, typos=typos) for word in searched.words):
        return None  # most records end here
    plain = [f" {' '.join(words(text))} " if text else "" for text in texts]
    points, found, typed = 0, set[int](), not typos
    for word in searched.words:
        levels = [max(_exact(word, text), of_number) for text, of_number in zip(plain, numbers, strict=True)]
        if typos and not any(levels) and (most := most_typos(word)):
            typed = True
            levels = [_with_typos(word, text, most) for text in plain]
        best = 0
        for place, level in enumerate(levels, 1):
            if level:
                found.add(place)
                best = max(best, level * (DISPLAY if place == display else OTHER))
        if not best:
            return None
        points += best
    if not searched.words or not typed:
        return None
    score = WORDS_SHARE * points // (WHOLE_FIELD * DISPLAY * len(searched.words))
    return [score + _text_share(searched, texts, numbers), *sorted(found)]


def _may_be_there(word: str, texts: Sequence[str | None], *, typos: bool) -> bool:
    return any(text and word in text for text in texts) or (typos and most_typos(word) > 0)


def _exact(word: str, text: str) -> int:
    if word not in text:
        return 0
    if f" {word} " not in text:
        return BEGINNING if f" {word}" in text else INSIDE
    return WHOLE_FIELD if len(text) == len(word) + 2 else WHOLE_WORD


def _with_typos(word: str, text: str, most: int) -> int:
    """A typo is a letter wrong, missing or too many, or two neighbours swapped."""
    # Levenshtein's distance, where a swap is two steps, is the quicker one.
    near = process.extract(word, text.split(), scorer=Levenshtein.distance, score_cutoff=2 * most, limit=None)
    least = min((DamerauLevenshtein.distance(word, other, score_cutoff=most) for other, _, _ in near), default=most + 1)
    return 0 if least > most else ONE_TYPO if least == 1 else TWO_TYPOS


def _number(number: str, digits: str | None) -> int:
    if not number or not digits:
        return 0
    if is_same_number(number, digits):
        return WHOLE_FIELD
    return INSIDE if len(number) >= LEAST_OF_NUMBER and number in digits else 0


def _text_share(searched: Searched, texts: Sequence[str | None], numbers: Sequence[int]) -> int:
    if WHOLE_FIELD in numbers:
        return TEXT_SHARE
    phrase = searched.phrase
    return max((TEXT_SHARE * len(phrase) // len(text) for text in texts if text and phrase in text), default=0)


@lru_cache(256)
def _searched(text: str) -> Searched:
    phrase, number, *each = json.loads(text)["text"]
    return Searched(phrase, number, tuple(each))


@lru_cache(256)
def _shape(text: str) -> tuple[int, bool, bool, frozenset[int]]:
    display, typos, packed, *phones = json.loads(text)
    return display, bool(typos), bool(packed), frozenset(phones)


def shape(display: int, phones: Sequence[int], *, typos: bool, packed: bool) -> str:
    """What SQLite's function has to know of the fields, and of what is looked for.

    Args:
        display: as in :func:`match`.
        typos: the same.
        phones: the places of phone numbers.
        packed: texts come as JSON arrays of several, since functions take only so many arguments.
    """
    return json.dumps([display, int(typos), int(packed), *phones])


def _sqlite_match(searched: str, shape_: str, *texts: str | None) -> str | None:
    display, typos, packed, phones = _shape(shape_)
    if packed:
        texts = tuple(text for some in texts for text in json.loads(some or "[]"))
    wanted = _searched(searched)
    digits = [phone_digits(text) if wanted.number and place in phones else None for place, text in enumerate(texts, 1)]
    found = match(wanted, [fold_accents(text) for text in texts], digits, display, typos=typos)
    return None if found is None else json.dumps(found, separators=(",", ":"))


def teach(connection: sqlite3.Connection) -> None:
    """Let statements of a connection call :data:`SQLITE_FUNCTION`."""
    connection.create_function(SQLITE_FUNCTION, -1, _sqlite_match, deterministic=True)
