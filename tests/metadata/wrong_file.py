"""A wrong entity file: what stands in it, and what the loader has to say about it."""

from typing import NamedTuple

BASE = """{
"x-entity": "thing",
"type": "object",
"properties": {
"name": {"type": "string"}%s
}%s
}"""
"""A right file with two gaps: one more field stands on line 6, one more keyword of the file on line 7 (8 after it)."""

FIELD_LINE, TOP_LINE = 6, 7


class Wrong(NamedTuple):
    """A wrong file and its one problem."""

    text: str
    line: int
    pointer: str
    reason: str
    remedy: str


def field(text: str, pointer: str, reason: str, remedy: str, name: str = "f") -> Wrong:
    """A file whose second field is wrong; the pointer is relative to that field."""
    return Wrong(BASE % (f',\n"{name}": {text}', ""), FIELD_LINE, f"/properties/{name}{pointer}", reason, remedy)


def top(text: str, pointer: str, reason: str, remedy: str) -> Wrong:
    """A file in which a keyword of the entity is wrong."""
    return Wrong(BASE % ("", f",\n{text}"), TOP_LINE, pointer, reason, remedy)


def named(name: str, reason: str, remedy: str) -> Wrong:
    """A file whose entity has a name that it may not have."""
    return Wrong((BASE % ("", "")).replace("thing", name), 2, "/x-entity", reason, remedy)


RELATION = '{"x-relation": {"to": "thing", "inverse": "%s"}}'
"""Of a field, with a gap for its inverse."""
