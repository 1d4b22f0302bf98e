"""What the style sheets of a page hide, whatever its elements say of themselves. No I/O.

Of a selector its last part is looked at alone: what is hidden somewhere is hidden. Rules within ``@media`` and the like
are left: what they hide is seen by others.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from xrm_core.messages.watching.styles import hides, unescaped, without_comments

_SIGN = re.compile(r"[{};]")
_BESIDE = re.compile(r"\[[^\]]*\]?|(?<!\\)::?[\w-]+(?:\([^)]*\)?)?")
"""Conditions on attributes and states: that they hold is assumed."""

_PARTED = re.compile(r"(?<!\\)[\s>+~]+")
_NAME = r"(?:\\[0-9a-fA-F]{1,6}\s?|\\.|[\w-]|[^\x00-\x7f])+"
_TAG, _ID, _CLASS = re.compile(rf"\A{_NAME}"), re.compile(rf"#({_NAME})"), re.compile(rf"\.({_NAME})")


@dataclass(frozen=True, slots=True)
class Hidden:
    """Elements that are hidden: of a tag (empty: any), with these ids and classes; all in one case."""

    tag: str
    ids: frozenset[str]
    classes: frozenset[str]

    def matches(self, name: str, attrs: Mapping[str, str | None]) -> bool:
        """Whether an element is one of them."""
        classes = (attrs.get("class") or "").casefold().split()
        return (
            self.tag in ("", name.casefold())
            and self.ids <= {(attrs.get("id") or "").casefold()}
            and self.classes <= set(classes)
        )


def hidden_by(sheets: Iterable[str]) -> frozenset[Hidden]:
    """What sheets hide."""
    return frozenset(
        _last(selector)
        for sheet in sheets
        for selectors, style in _rules(without_comments(sheet))
        if hides(style)
        for selector in selectors.split(",")
    )


def _rules(sheet: str) -> Iterator[tuple[str, str]]:
    """Selectors and declarations of the rules that hold always; also of a last one that is not closed."""
    depth, start, selectors = 0, 0, ""
    for sign in _SIGN.finditer(f"{sheet}}}"):
        if sign[0] == "{":
            if depth == 0:
                selectors, start = sheet[start : sign.start()].strip(), sign.end()
            depth += 1
        elif sign[0] == "}" and depth <= 1:
            if depth and not selectors.startswith("@"):
                yield selectors, sheet[start : sign.start()]
            depth, start = 0, sign.end()
        elif sign[0] == "}":
            depth -= 1
        elif depth == 0:
            start = sign.end()


def _last(selector: str) -> Hidden:
    part = _PARTED.split(_BESIDE.sub("", selector).strip())[-1]
    tag = _TAG.match(part)
    return Hidden(
        unescaped(tag[0]).casefold() if tag else "",
        frozenset(unescaped(each).casefold() for each in _ID.findall(part)),
        frozenset(unescaped(each).casefold() for each in _CLASS.findall(part)),
    )
