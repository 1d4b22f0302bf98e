"""Rows of text → candidates: records to be, with an id made up front and the problems found so far."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from uuid_utils import uuid7

from xrm_core.records.importing.mapping import Column
from xrm_core.records.importing.options import ImportOptions
from xrm_core.records.importing.reading import CsvFile, Row
from xrm_core.records.importing.report import RowProblem
from xrm_core.records.importing.values import BadValue, converter

Keys = Mapping[Column, Mapping[str, str]]
"""For each relation column: text in the file → id of the record that it names."""


@dataclass(slots=True, eq=False)
class Candidate:
    """A row on its way to become a record.

    ``record`` has no id yet; ``texts`` are the cells by column, for the report; ``targets`` are rows of the same
    file that it refers to and that must be written before it. ``there``: its record exists and has its id.
    """

    line: int
    texts: Mapping[str, str]
    record: dict[str, Any] = field(default_factory=dict)
    problems: list[RowProblem] = field(default_factory=list)
    targets: list["Candidate"] = field(default_factory=list)
    unresolved: list[Column] = field(default_factory=list)
    id: str = field(default_factory=lambda: str(uuid7()))
    there: bool = False

    def blame(self, column: str, code: str, message: str) -> None:
        """Note a problem; the row will not be written."""
        self.problems.append(RowProblem(self.line, column, self.texts.get(column, ""), code, message))

    def refer(self, column: Column, target_id: str) -> None:
        """Fill a relation."""
        assert column.field.relation is not None and column.key is not None  # noqa: PT018, S101 - for mypy
        name = column.field.name
        if not column.field.relation.polymorphic:
            self.record[name] = target_id
        elif name in self.record:
            self.blame(column.name, "relation", f"Another column has filled {name} already; it refers to one record.")
        else:
            self.record[name] = {column.key.entity: target_id}


class RowReader:
    """Reads rows of one file into candidates."""

    def __init__(self, file: CsvFile, entity: str, columns: Sequence[Column], options: ImportOptions) -> None:
        self._file = file
        self._entity = entity
        self._columns = columns
        self._replacements = options.replacements
        self._converters = {
            column: converter(column.key.field if column.key else column.field, options) for column in columns
        }

    def survey(self) -> tuple[int, dict[Column, dict[str, Any]]]:
        """Count the rows, and collect what each relation column names: text → key value, each once.

        Raises:
            ImportFailed: the file is broken somewhere.
        """
        count = 0
        named: dict[Column, dict[str, Any]] = {column: {} for column in self._columns if column.key}
        for row in self._file.rows():
            count += 1
            for column, keys in named.items():
                text = self._text(row, column)
                if text and text not in keys:
                    try:
                        keys[text] = self._value(column, text)
                    except BadValue:  # said for each row by candidates()
                        continue
        return count, named

    def candidates(self, keys: Keys) -> Iterator[Candidate]:
        """All rows, in the order of the file. ``keys`` are the targets that exist in the database."""
        for row in self._file.rows():
            yield self._candidate(row, keys)

    def _candidate(self, row: Row, keys: Keys) -> Candidate:
        texts = {column.name: self._text(row, column) for column in self._columns}
        candidate = Candidate(row.line, texts)
        if len(row.cells) != len(self._file.header):
            message = f"The row has {len(row.cells)} values, the header {len(self._file.header)}."
            candidate.blame("", "columns", message)
            return candidate
        for column in self._columns:
            text = texts[column.name]
            if text:
                self._fill(candidate, column, text, keys)
        return candidate

    def _fill(self, candidate: Candidate, column: Column, text: str, keys: Keys) -> None:
        try:
            value = self._value(column, text)
        except BadValue as bad:
            candidate.blame(column.name, bad.code, bad.message)
            return
        if column.key is None:
            candidate.record[column.field.name] = value
        elif (target := keys[column].get(text)) is not None:
            candidate.refer(column, target)
        elif column.key.entity == self._entity:
            candidate.unresolved.append(column)  # perhaps a row of this file
        else:
            candidate.blame(column.name, "relation", no_such_target(column, text))

    def _value(self, column: Column, text: str) -> Any:
        if "\0" in text:
            raise BadValue("nul", "The value has a NUL character.")
        return self._converters[column](text)

    def _text(self, row: Row, column: Column) -> str:
        text = row.cells[column.place].strip() if column.place < len(row.cells) else ""
        replacements = self._replacements.get(column.name)
        return replacements.get(text, text) if replacements else text


def no_such_target(column: Column, text: str) -> str:
    """The message for a relation that names nothing."""
    assert column.key is not None  # noqa: S101 - for mypy; only relations have targets
    return f"There is no {column.key.entity} with {column.key.field.name} {text!r}; import it first, or use --replace."
