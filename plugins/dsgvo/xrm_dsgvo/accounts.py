"""Account numbers (IBAN) in texts, however they are written: by their form, and by their check digits."""

import re
from collections.abc import Iterator

_MAYBE = re.compile(r"(?<![^\W_])[A-Z]{2}\d{2}(?:[\s-]?[A-Z0-9]){11,30}", re.IGNORECASE)
_UPPER = re.compile(r"[A-Z]{2}\d{2}(?: ?[A-Z0-9]{2,4}){3,8}(?![^\W_])")
"""Written as accounts are: taken for one also if its check digits are wrong, as of one that was mistyped."""

_DIGITS = re.compile(r"[a-z]{2}\d{2}(?:[\s-]?\d){11,30}(?![^\W_])", re.IGNORECASE)
"""So is one of digits alone. In a sentence in small letters «um 12 Uhr» would be one otherwise."""

_SHORTEST, _LONGEST = 15, 34


def accounts_in(text: str) -> Iterator[tuple[int, int]]:
    """Where account numbers begin and end."""
    at = 0
    while (maybe := _MAYBE.search(text, at)) is not None:
        end = _end(text, maybe.start(), maybe.end())
        if end is not None:
            yield maybe.start(), end
        at = maybe.start() + 1 if end is None else end


def is_account(text: str) -> bool:
    """Whether a text is an account number with right check digits."""
    compact = _compact(text)
    return re.fullmatch(r"[A-Z]{2}\d{2}[A-Z0-9]{11,30}", compact) is not None and _checks(compact)


def spelled(account: str) -> str:
    """A pattern for an account number however it is parted; letters in either case are up to its flags."""
    return r"[\s-]?".join(map(re.escape, _compact(account)))


def _end(text: str, start: int, most: int) -> int | None:
    """The end of what begins like an account: of what follows it in the sentence nothing belongs to it."""
    ends = [at for at in range(most, start, -1) if text[at - 1].isalnum() and not text[at : at + 1].isalnum()]
    for end in ends:
        compact = _compact(text[start:end])
        if _SHORTEST <= len(compact) <= _LONGEST and _checks(compact):
            return end
    wrong = _UPPER.match(text, start) or _DIGITS.match(text, start)
    return None if wrong is None else wrong.end()


def _compact(text: str) -> str:
    return re.sub(r"[\s-]", "", text).upper()


def _checks(compact: str) -> bool:
    """ISO 7064, modulo 97."""
    turned = compact[4:] + compact[:4]
    return turned.isascii() and int("".join(str(int(each, 36)) for each in turned)) % 97 == 1
