"""What became of an import, row by row where something was wrong."""

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True, order=True)
class RowProblem:
    """One thing that is wrong with one row.

    Args:
        line: line of the file where the row begins; the header's is 1.
        column: header of the column, or the field if no column has it; ``""`` if it is the row as a whole.
        value: the text in the file.
        code: kind of problem, one lower-case word: ``relation``, ``unique``, ``integer``, ``maxLength``, …
        message: what is wrong and how to mend it.
    """

    line: int
    column: str
    value: str
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class ImportResult:
    """Counts of rows ``read`` and ``written``, and the ``problems`` by line. ``ok``: every row was written.

    ``there`` are those of the written ones whose records were there before, and have the values of the file now.
    """

    read: int
    written: int
    problems: tuple[RowProblem, ...]
    there: int = 0

    @property
    def ok(self) -> bool:
        """True if nothing was wrong with any row."""
        return not self.problems


def write_report(path: Path, problems: Iterable[RowProblem]) -> None:
    """Write the problems as a CSV file (UTF-8): line, column, value, code, message.

    Cells that a spreadsheet would run as a formula get an apostrophe in front.
    """
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["line", "column", "value", "code", "message"])
        for problem in problems:
            texts = (problem.column, problem.value, problem.code, problem.message)
            writer.writerow([problem.line, *(_harmless(text) for text in texts)])


def _harmless(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text
