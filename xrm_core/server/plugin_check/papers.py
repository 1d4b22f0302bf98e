"""What goes with the code: a README with a section on privacy, tests, and what the distribution says of itself."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from xrm_core.server.plugin_check.findings import Finding
from xrm_core.server.plugin_check.source import Source
from xrm_core.translation import Texts

PLATFORM = "xrm-platform"
"""The distribution of the platform."""

_PRIVACY = re.compile(r"^#{1,6}\s.*(?:privacy|data protection|datenschutz)", re.IGNORECASE | re.MULTILINE)
_LEAST = 40
"""Characters of a section that says something."""


def papers(source: Source) -> Iterator[Finding]:
    """What is missing."""
    if not source.readme.strip():
        hint = 'Write a README.md and name it in pyproject.toml: readme = "README.md".'
        yield Finding("documentation", "error", "There is no README.", hint=hint)
    elif not _says_privacy(source.readme):
        hint = "A heading «Privacy», and below it: which personal data it keeps, what for, how long, who gets them."
        yield Finding("privacy", "error", "The README has no section on privacy.", hint=hint)
    if not source.version:
        yield Finding("distribution", "error", "It has no version.", hint="Others name the versions that they need.")
    if PLATFORM not in {_name(each) for each in source.dependencies}:
        hint = f'dependencies = ["{PLATFORM}"] in pyproject.toml.'
        yield Finding("distribution", "warning", f"It does not depend on {PLATFORM}.", hint=hint)
    if source.folder is not None and not tests_of(source):
        hint = "xrm_core.testing has fixtures for them."
        yield Finding("tests", "warning", "There are no tests/test_*.py.", hint=hint)


def tests_of(source: Source) -> list[Path]:
    """Python files of its tests, if it is checked where it is written."""
    return [] if source.folder is None else sorted((source.folder / "tests").rglob("*.py"))


def refusals(files: list[Path], texts: Texts | None = None) -> Iterator[Finding]:
    """Refusals that are told in one language alone; ``texts`` are those of the plugin in others."""
    for file in files:
        try:
            tree = ast.parse(file.read_text("utf-8"))
        except (SyntaxError, UnicodeDecodeError, ValueError):
            continue  # told already
        for node in ast.walk(tree):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id == "Refuse"
                and node.args
                and isinstance(node.args[0], ast.Constant | ast.JoinedStr)
                and not (
                    texts is not None and isinstance(node.args[0], ast.Constant) and texts.has(str(node.args[0].value))
                )
            ):
                hint = 'Refuse({"en": "…", "de": "…"}), or a catalogue, tells it in the language of whoever asks.'
                place = f"{file}:{node.lineno}"
                yield Finding("languages", "warning", "A refusal is in one language.", place, hint)


def _says_privacy(readme: str) -> bool:
    found = _PRIVACY.search(readme)
    if found is None:
        return False
    _, _, rest = readme[found.end() :].partition("\n")  # what else stands in the heading says nothing
    section = re.split(r"^#{1,6}\s", rest, maxsplit=1, flags=re.MULTILINE)[0].strip()
    return len(section) >= _LEAST and not section.startswith(("TODO", "TBD"))


def _name(dependency: str) -> str:
    try:
        return canonicalize_name(Requirement(dependency).name)
    except InvalidRequirement:
        return ""
