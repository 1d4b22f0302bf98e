"""The text of HTML, XML and JSON: once as it stands there, for what stands in tags, and once without them."""

import json
from html import unescape
from typing import Any

from xrm_dsgvo.contents.result import Text, limited
from xrm_dsgvo.contents.texts import decoded


def of_html(content: bytes) -> Text:
    """Of HTML or XML. Nothing is parsed: no entity that a file declares is ever looked at."""
    return html_text(decoded(content))


def html_text(text: str) -> Text:
    """The same of text. A name that is partly bold stands there in one; what is beside it in another cell does not."""
    return limited(f"{_without_tags(text)}\n{text}")


def of_json(content: bytes) -> Text:
    """Of JSON, letters among it that are written as their numbers; of what is none, as it stands there."""
    text = decoded(content)
    try:
        return limited(f"{_plain(json.loads(text))}\n{text}")
    except (ValueError, RecursionError):
        return limited(text)


def _plain(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


_WITHIN = frozenset({"b", "i", "u", "s", "em", "strong", "span", "font", "a", "small", "mark", "sub", "sup", "wbr"})
"""Tags that may stand within a word."""


def _without_tags(text: str) -> str:
    first, *rest = text.split("<")
    found = [first]
    for part in rest:
        tag, closed, after = part.partition(">")
        name = tag.strip("/ ").partition(" ")[0].lower()
        found += ["" if name in _WITHIN else "\n", after if closed else part]
    return unescape("".join(found))
