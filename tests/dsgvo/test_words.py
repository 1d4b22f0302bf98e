"""Each word of ``x-dsgvo`` is heeded by some part, or the page says that it only says something."""

import ast
import re
from dataclasses import fields
from pathlib import Path

import xrm_dsgvo
from xrm_dsgvo.privacy import EntityPrivacy, FieldPrivacy
from xrm_dsgvo.privacy.model import Erase, Link, Match, Retention, Start

from tests.docs.pages import DOCS

ROOT = Path(xrm_dsgvo.__file__).parent
NO_WORDS = {"name", "fields", "entity", "implied", "necessity_why"}
"""Attributes that are none."""

SHARED = {"search", "audit"}
"""Names that mean something else, too (a search by a pattern), so that nothing follows from their being read."""


def test_each_word_is_heeded_or_is_named_as_one_that_is_only_said() -> None:
    page = (DOCS / "dsgvo" / "annotations.md").read_text("utf-8")
    table = page.partition("## What is only said\n")[2].partition("\n## ")[0]
    first = (line.split("|")[1] for line in table.splitlines() if line.startswith("| `"))
    said = {snake(word.rpartition(".")[2]) for cell in first for word in re.findall(r"`([\w.]+)", cell)}
    kinds = (EntityPrivacy, FieldPrivacy, Retention, Start, Match, Erase, Link)
    words = {each.name.rstrip("_") for kind in kinds for each in fields(kind)} - NO_WORDS

    read = {
        node.attr.rstrip("_")
        for file in ROOT.rglob("*.py")
        if file.relative_to(ROOT).parts[0] not in ("privacy", "lint")
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.Attribute)
    }

    assert words - read - SHARED == (said & words) - read - SHARED
    # of these the page names one value, one place, or what is in it
    assert (said & words & read) - SHARED <= {"encrypt", "identifier", "normalizer", "why"}


def snake(word: str) -> str:
    """A word of the file as an attribute."""
    return re.sub(r"(?<!^)([A-Z])", lambda match: f"_{match[1].lower()}", word)
