"""Each sentence of docs/dsgvo/invariants.md has tests that bear its number, and no test bears another one."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.docs.pages import DOCS, REPOSITORY

NUMBERS = [f"I{number}" for number in range(1, 31)]


def marked() -> Iterator[tuple[str, str]]:
    """Number and test, of all tests: read, not imported."""
    for path in sorted((REPOSITORY / "tests").rglob("test_*.py")):
        text = path.read_text("utf-8")
        if "mark.invariant(" in text:
            for node in ast.walk(ast.parse(text)):
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                    yield from ((number, _name(path, node.name)) for number in _numbers(node))


def _numbers(test: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[str]:
    for each in test.decorator_list:
        if isinstance(each, ast.Call) and ast.unparse(each.func) == "pytest.mark.invariant":
            yield from (ast.literal_eval(argument) for argument in each.args)


def _name(path: Path, test: str) -> str:
    return f"{path.relative_to(REPOSITORY)}::{test}"


def test_each_sentence_has_a_test_and_each_number_a_sentence():
    page = (DOCS / "dsgvo" / "invariants.md").read_text("utf-8")

    assert re.findall(r"^\| (I\d+) \| \S", page, re.MULTILINE) == NUMBERS
    held = list(marked())
    assert {number for number, _ in held} == set(NUMBERS)
    assert all(name.rpartition("::")[2].startswith("test_") for _, name in held)
