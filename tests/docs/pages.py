"""The pages for readers, and the blocks in them that the tests run.

An example is a comment, a ``graphql`` block and the ``json`` block of its answer; between them another ``json`` block
if the comment says «with variables»::

    <!-- demo: sales_rep -->
    ```graphql
    { … }
    ```

Other blocks that are run carry a comment of their own: ``command``, ``file``, ``run``, ``cli``, ``pack``, ``vehicle``,
``fields``, ``fields_file``, ``tenant``, ``account``, ``http``, ``production``, ``plugin`` and ``plugin_check``.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).parents[2]
DOCS = REPOSITORY / "docs"
README = REPOSITORY / "README.md"

_MARKED = re.compile(r"^<!-- (\w+)(?:: (.+?))? -->\n```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Marked:
    """A block with a comment above it: ``<!-- kind: label -->``; ``following`` are the blocks that come after it."""

    page: Path
    kind: str
    label: str
    text: str
    following: tuple[str, ...]


@dataclass(frozen=True)
class Example:
    """A GraphQL document with the answer that the page shows."""

    page: Path
    role: str
    query: str
    variables: dict[str, Any] | None
    answer: Any


def pages() -> list[Path]:
    """All pages, in the order in which their examples are run."""
    top = [REPOSITORY / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")]
    return [*top, *sorted(DOCS.rglob("*.md"))]


def marked(page: Path, kind: str) -> Iterator[Marked]:
    """The blocks of a kind on a page."""
    text = page.read_text("utf-8")
    for found in _MARKED.finditer(text):
        if found[1] == kind:
            following = tuple(block[2] for block in _BLOCK.finditer(text, found.end()))
            yield Marked(page, kind, found[2] or "", found[4], following)


def examples(page: Path, kind: str = "demo") -> Iterator[Example]:
    """The GraphQL examples of a page."""
    for block in marked(page, kind):
        role, _, more = block.label.partition(", ")
        if more == "with variables":
            variables, answer = map(json.loads, block.following[:2])
        else:
            variables, answer = None, json.loads(block.following[0])
        yield Example(page, role, block.text, variables, answer)
