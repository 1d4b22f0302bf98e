"""JSON text → values, strictly, and the line on which each value stands.

The standard library's reader keeps no positions and is lenient (the last of two equal keys wins, ``NaN`` is a
number), so the grammar is walked here; strings are still read by the standard library's own decoder.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from itertools import accumulate
from json import JSONDecodeError, JSONDecoder
from types import MappingProxyType
from typing import Any

from xrm_core.errors import Problem

MAX_BYTES = 1024 * 1024
"""Largest entity file, in bytes of UTF-8."""

MAX_DEPTH = 32
"""Deepest nesting of objects and lists."""

_STRINGS = JSONDecoder(strict=True)
_MAX_DIGITS = 40  # no number in an entity file needs more; longer ones cost time to convert
_BLANK = re.compile(r"[ \t\n\r]*")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")
_WORD = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]*|.", re.DOTALL)
_SURROGATE = re.compile("[\ud800-\udfff]")
_CONSTANTS: Mapping[str, Any] = {"true": True, "false": False, "null": None}


@dataclass(frozen=True, slots=True)
class Document:
    """One file that is well-formed JSON, or what was made out of parts of several.

    Args:
        file: as it is to stand in messages.
        value: the JSON value.
        lines: the 1-based line of each JSON pointer (RFC 6901).
        layer: name of the layer that it belongs to.
        rank: how high that layer stands, from 0.
        places: of a document made out of others: pointer in it → document and pointer at which that part, with all
            below it, really stands. Problems are told there.
    """

    file: str
    value: Any
    lines: Mapping[str, int]
    layer: str = "core"
    rank: int = 0
    places: Mapping[str, tuple["Document", str]] = field(default_factory=dict)

    def place(self, pointer: str) -> tuple["Document", str]:
        """The file and the pointer there at which this really stands."""
        around = pointer
        while self.places:
            if around in self.places:
                document, there = self.places[around]
                return document.place(there + pointer[len(around) :])
            if not around:
                break
            around = around.rpartition("/")[0]
        return self, pointer

    @property
    def layers(self) -> frozenset[str]:
        """Names of all the layers of which something is in it."""
        others = {id(document): document for document, _ in self.places.values() if document is not self}
        return frozenset({self.layer}).union(*(document.layers for document in others.values()))

    def line(self, pointer: str) -> int:
        """Line of the value, or of the nearest one around it if there is no such value."""
        document, pointer = self.place(pointer)
        while pointer and pointer not in document.lines:
            pointer = pointer.rpartition("/")[0]
        return document.lines.get(pointer, 1)

    def problem(self, pointer: str, reason: str, remedy: str) -> Problem:
        """A problem with the value at that pointer. If several files shape the field around it, the reason has all."""
        document, there = self.place(pointer)
        others = sorted({(at.file, line) for at, line in self.shaped(pointer) if at.file != document.file})
        also = f" See also {', '.join(f'{file}:{line}' for file, line in others)}." if others else ""
        return Problem(document.file, self.line(pointer), there, reason + also, remedy)

    def shaped(self, pointer: str) -> Iterator[tuple["Document", int]]:
        """File and line of each place that shapes the field around the pointer; none if a single file does."""
        parts = pointer.split("/")
        if not self.places or parts[1:2] != ["properties"] or not parts[2:]:
            return
        around = "/".join(parts[:3])
        inner = [at for at in self.places if at.startswith(f"{around}/")]
        listed = self.value.get("required")
        listed = listed if isinstance(listed, list) else []  # else its form is wrong, and that is said there
        required = (step("/required", i) for i, name in enumerate(listed) if name == parts[2])
        inner += [at for at in required if at in self.places]
        for at in (around, *inner) if inner else ():
            yield self.place(at)[0], self.line(at)


def step(pointer: str, key: str | int) -> str:
    """The pointer to a member of what ``pointer`` points to."""
    return f"{pointer}/{str(key).replace('~', '~0').replace('/', '~1')}"


def read(file: str, text: str, problems: list[Problem], layer: str = "core", rank: int = 0) -> Document | None:
    """Read one file's text. Appends what is wrong to ``problems``; None if it cannot be read as JSON at all."""
    if len(text) > MAX_BYTES or len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        problems.append(
            Problem(
                file, 1, "", f"The file is larger than {MAX_BYTES // 1024} KiB.", "Split the entity into smaller ones."
            )
        )
        return None
    scanner = _Scanner(file, text, problems)
    try:
        value = scanner.whole()
    except _Broken as broken:
        problems.append(
            Problem(file, *scanner.place(broken.offset, broken.pointer, broken.reason), remedy=broken.remedy)
        )
        return None
    return Document(file, value, MappingProxyType(scanner.lines), layer, rank)


class _Broken(Exception):
    """The text stops being JSON at ``offset``; reading cannot go on."""

    def __init__(self, offset: int, pointer: str, reason: str, remedy: str) -> None:
        super().__init__(reason)
        self.offset = offset
        self.pointer = pointer
        self.reason = reason
        self.remedy = remedy


class _Scanner:
    def __init__(self, file: str, text: str, problems: list[Problem]) -> None:
        self.file = file
        self.text = text
        self.problems = problems
        self.lines: dict[str, int] = {}
        self._starts = list(accumulate((len(line) + 1 for line in text.split("\n")), initial=0))

    def line(self, offset: int) -> int:
        return bisect_right(self._starts, offset, hi=len(self._starts) - 1)

    def place(self, offset: int, pointer: str, reason: str) -> tuple[int, str, str]:
        line = self.line(offset)
        column = offset - self._starts[line - 1] + 1
        return line, pointer, f"Line {line}, column {column}: {reason}"

    def whole(self) -> Any:
        start = self._blank(0)
        self.lines[""] = self.line(start)
        value, end = self._value(start, "", 0)
        end = self._blank(end)
        if end < len(self.text):
            raise _Broken(end, "", f"the file should end here, but {self._found(end)} follows.", "Remove what follows.")
        return value

    def _blank(self, at: int) -> int:
        match = _BLANK.match(self.text, at)
        return match.end() if match else at

    def _found(self, at: int) -> str:
        match = _WORD.match(self.text, at)
        if match is None:
            return "the end of the file"
        return "a quotation mark" if match[0] == '"' else f'"{match[0][:30]}"'

    def _value(self, at: int, pointer: str, depth: int) -> tuple[Any, int]:
        head = self.text[at : at + 1]
        if head == '"':
            return self._string(at, pointer)
        if head in ("{", "["):
            if depth == MAX_DEPTH:
                raise _Broken(at, pointer, f"nesting deeper than {MAX_DEPTH} levels.", "Flatten the file.")
            return (self._object if head == "{" else self._list)(at, pointer, depth + 1)
        if number := _NUMBER.match(self.text, at):
            return self._number(number, pointer), number.end()
        match = _WORD.match(self.text, at)
        if match and match[0] in _CONSTANTS:
            return _CONSTANTS[match[0]], match.end()
        raise _Broken(
            at,
            pointer,
            f"expected a value, found {self._found(at)}.",
            "Write text in double quotes, a number, true, false, null, {…} or […]; no comma before a closing bracket.",
        )

    def _object(self, at: int, pointer: str, depth: int) -> tuple[dict[str, Any], int]:
        found: dict[str, Any] = {}
        at = self._blank(at + 1)
        while self.text[at : at + 1] != "}" or found:
            if self.text[at : at + 1] != '"':
                raise _Broken(
                    at,
                    pointer,
                    f"expected a name in double quotes, found {self._found(at)}.",
                    'Write members as "name": value, with a comma between two members and none after the last.',
                )
            line = self.line(at)
            key, end = self._string(at, pointer)
            here = step(pointer, key)
            end = self._expect(":", self._blank(end), here, f'":" after the name "{key[:48]}"')
            value, end = self._value(self._blank(end), here, depth)
            if key in found:
                self.problems.append(
                    Problem(
                        self.file,
                        line,
                        here,
                        f'"{key[:48]}" stands here twice (first on line {self.lines[here]}).',
                        "Keep one of the two.",
                    )
                )
            else:
                found[key] = value
                self.lines[here] = line
            at = self._blank(end)
            if self.text[at : at + 1] == "}":
                break
            at = self._blank(self._expect(",", at, pointer, '"," or "}"'))
        return found, at + 1

    def _list(self, at: int, pointer: str, depth: int) -> tuple[list[Any], int]:
        found: list[Any] = []
        at = self._blank(at + 1)
        while self.text[at : at + 1] != "]" or found:
            here = step(pointer, len(found))
            self.lines[here] = self.line(at)
            value, end = self._value(at, here, depth)
            found.append(value)
            at = self._blank(end)
            if self.text[at : at + 1] == "]":
                break
            at = self._blank(self._expect(",", at, pointer, '"," or "]"'))
        return found, at + 1

    def _expect(self, sign: str, at: int, pointer: str, wanted: str) -> int:
        if self.text[at : at + 1] != sign:
            raise _Broken(at, pointer, f"expected {wanted}, found {self._found(at)}.", f'Add the missing "{sign}".')
        return at + 1

    def _string(self, at: int, pointer: str) -> tuple[str, int]:
        try:
            value, end = _STRINGS.raw_decode(self.text, at)
        except JSONDecodeError as error:
            raise _Broken(
                error.pos,
                pointer,
                "this text in double quotes is not closed or holds an invalid escape or control character.",
                'Close it with " on the same line; write \\n for a line break, \\" for a quote, \\\\ for a backslash.',
            ) from None
        if "\x00" in value or _SURROGATE.search(value):
            raise _Broken(
                at,
                pointer,
                "this text holds a NUL character or half of a surrogate pair.",
                "Remove it: databases cannot store it.",
            )
        return value, end

    def _number(self, match: re.Match[str], pointer: str) -> int | float:
        text = match[0]
        if len(text) > _MAX_DIGITS:
            raise _Broken(match.start(), pointer, f"a number with more than {_MAX_DIGITS} digits.", "Shorten it.")
        if match[1] is None and match[2] is None:
            return int(text)
        number = float(text)
        if abs(number) == float("inf"):
            raise _Broken(match.start(), pointer, f"the number {text} is too large.", "Write a smaller one.")
        try:
            exact = Decimal(text)
        except InvalidOperation:
            reason = f"the exponent of the number {text} is too large."
            raise _Broken(match.start(), pointer, reason, "Write the number without one.") from None
        if exact != Decimal(repr(number)):
            raise _Broken(match.start(), pointer, f"the number {text} has too many digits.", "Write at most 15 digits.")
        return number
