"""Sequence numbers such as ``ANG-2026-0001``: what a format says, how a number is written and read back. Pure."""

import datetime as dt
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from zoneinfo import ZoneInfo

MAX_COUNTER = 10**15 - 1
"""A number of more digits is none of a counter's."""

MAX_LENGTH = 120
"""Of a written number, in characters: that of a format, and a counter that has outgrown its width."""

DATE_WORDS: Mapping[str, str] = {"YYYY": "%Y", "YY": "%y", "MM": "%m", "DD": "%d"}
"""Placeholders for the date → their form in ``strftime``."""

_WIDTHS = {"YYYY": 4, "YY": 2, "MM": 2, "DD": 2}
_PART = re.compile(r"\{(?P<word>[^{}]*)\}|(?P<literal>[A-Za-z0-9 ._/#:+-]+)|(?P<wrong>.)", re.DOTALL)
_COUNTER = re.compile(r"0{1,12}")


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a format: literal text, a placeholder for the date, or the counter with its least width in digits."""

    kind: str
    text: str = ""
    width: int = 0


@dataclass(frozen=True, slots=True)
class Sequence:
    """How a field numbers its records.

    ``format`` has literal text, placeholders for the date and one counter. ``start`` is the first number of each
    period; ``zone`` (an IANA name) decides which day it is. ``gapless``: creators wait for each other, and no number
    is lost.
    """

    format: str
    gapless: bool = False
    start: int = 1
    zone: str = "UTC"

    @property
    def parts(self) -> tuple[Part, ...]:
        """The pieces of the format in their order."""
        return _parts(self.format)

    def local(self, created_at: str | dt.datetime) -> dt.datetime:
        """The moment of creation as the clocks of the zone show it."""
        moment = created_at if isinstance(created_at, dt.datetime) else dt.datetime.fromisoformat(created_at)
        return moment.astimezone(ZoneInfo(self.zone))

    def period(self, created_at: str | dt.datetime) -> str:
        """Within which the counter runs from ``start``: ``2026-11`` for a format with year and month; may be empty."""
        return self._period(self._date(self.local(created_at)))

    def text(self, created_at: str | dt.datetime, number: int) -> str:
        """The number as it is written."""
        date = self._date(self.local(created_at))
        return "".join(
            part.text if part.kind == "literal" else f"{number:0{part.width}d}" if part.kind == "0" else date[part.kind]
            for part in self.parts
        )

    def start_of(self, period: str) -> str:
        """What all numbers of a period begin with; may be empty."""
        used = {part.kind for part in self.parts}
        date = dict(zip([word for word in DATE_WORDS if word in used], period.split("-"), strict=False))
        found = ""
        for part in self.parts:
            if part.kind == "0":
                break
            found += date.get(part.kind, part.text)
        return found

    def read(self, text: str) -> tuple[str, int] | None:
        """Period and counter of a written number; None for a text that this sequence never writes."""
        found = _pattern(self.format).fullmatch(text)
        if found is None:
            return None
        groups = found.groupdict()
        digits = groups.pop("counter")
        [width] = [part.width for part in self.parts if part.kind == "0"]
        if int(digits) > MAX_COUNTER or digits != f"{int(digits):0{width}d}":
            return None
        return self._period(groups), int(digits)

    def _date(self, local: dt.datetime) -> dict[str, str]:
        return {word: local.strftime(form).rjust(_WIDTHS[word], "0") for word, form in DATE_WORDS.items()}

    def _period(self, date: Mapping[str, str]) -> str:
        used = {part.kind for part in self.parts}
        return "-".join(date[word] for word in DATE_WORDS if word in used)


@lru_cache(maxsize=1024)
def _parts(text: str) -> tuple[Part, ...]:
    found = []
    for match in _PART.finditer(text):
        word = match["word"]
        if word is None:
            found.append(Part("literal", match["literal"] or match["wrong"]))
        else:
            found.append(Part("0", width=len(word)) if _COUNTER.fullmatch(word) else Part(word))
    return tuple(found)


@lru_cache(maxsize=1024)
def _pattern(text: str) -> re.Pattern[str]:
    written = ""
    seen: set[str] = set()
    for part in _parts(text):
        if part.kind == "literal":
            written += re.escape(part.text)
        elif part.kind == "0":
            written += f"(?P<counter>[0-9]{{{part.width},18}})"
        else:
            written += f"(?P={part.kind})" if part.kind in seen else f"(?P<{part.kind}>[0-9]{{{_WIDTHS[part.kind]}}})"
            seen.add(part.kind)
    return re.compile(written)


def mistakes(text: str) -> Iterator[tuple[str, str]]:
    """(reason, remedy) of whatever is wrong with a format."""
    words = [match["word"] for match in _PART.finditer(text) if match["word"] is not None]
    known = ", ".join(f"{{{word}}}" for word in DATE_WORDS)
    for match in _PART.finditer(text):
        if match["wrong"] is not None:
            yield (
                f'The character "{match["wrong"]}" cannot stand in a format.',
                "Use letters a-z and A-Z, digits, spaces and . _ / # : + - beside the placeholders.",
            )
    unknown = [word for word in words if word not in DATE_WORDS and not _COUNTER.fullmatch(word)]
    for word in unknown:
        yield f'"{{{word}}}" is not a placeholder.', f"There are {known} and a counter such as {{0000}}."
    counters = sum(1 for word in words if _COUNTER.fullmatch(word))
    if counters != 1 and not unknown:
        yield (
            f"A format has one counter, not {counters}.",
            "Write {0000}: as many zeros as digits at least.",
        )
    if "DD" in words and "MM" not in words:
        yield "{DD} stands without {MM}: numbers would come again each month.", "Add {MM}, or remove {DD}."
    if "MM" in words and not {"YYYY", "YY"} & set(words):
        yield "{MM} stands without a year: numbers would come again each year.", "Add {YYYY} or {YY}, or remove {MM}."
