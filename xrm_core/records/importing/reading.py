"""A CSV file as rows of text with their line numbers. Whatever is wrong with the file itself is found here."""

import csv
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, TextIO

from xrm_core.errors import ImportFailed
from xrm_core.records.importing.options import ImportOptions

_DELIMITERS = (",", ";", "\t")
_MAX_COLUMNS = 1000


class Row(NamedTuple):
    """A row: the line where it begins (the header's is 1) and its cells, as many as the header has or not."""

    line: int
    cells: list[str]


class CsvFile:
    """A CSV file with a header. It can be read several times and is never held in memory.

    ``header`` has the names of the columns, trimmed; a column without a name is called ``#3`` after its place.

    Raises:
        ImportFailed: the file cannot be read, is empty, or names a column twice.
    """

    def __init__(self, path: Path, options: ImportOptions) -> None:
        self.path = path
        # The signature variant reads files with and without a byte order mark.
        utf8 = options.encoding.lower().replace("_", "-") in ("utf-8", "utf8")
        self._encoding = "utf-8-sig" if utf8 else options.encoding
        if not path.is_file():
            raise ImportFailed(f"There is no file {path}.", hint="Name an ordinary file; it is read twice.")
        self._delimiter = "\t" if options.delimiter == "tab" else options.delimiter or self._likely_delimiter()
        with self._open() as file:
            self.header = self._header(next(self._rows(file), None))

    def rows(self) -> Iterator[Row]:
        """All rows below the header; blank lines are left out.

        Raises:
            ImportFailed: the text cannot be decoded or a quotation is broken; with the line.
        """
        with self._open() as file:
            rows = self._rows(file)
            next(rows)
            yield from rows

    def _rows(self, file: TextIO) -> Iterator[Row]:
        reader = csv.reader(file, delimiter=self._delimiter, strict=True)
        line = 1
        try:
            for cells in reader:
                if cells:
                    yield Row(line, cells)
                line = reader.line_num + 1
        except csv.Error as error:
            raise ImportFailed(
                f"{self.path}, row that begins in line {line}: {_in_plain_words(error)}.",
                hint="Mend the file; a quotation mark inside a quoted value is written twice.",
            ) from error

    @contextmanager
    def _open(self) -> Iterator[TextIO]:
        try:
            with self.path.open(encoding=self._encoding, newline="") as file:
                yield file
        except UnicodeError as error:  # UTF-16 without a byte order mark is a UnicodeError only
            raise ImportFailed(
                f"{self.path}{self._undecodable_line()} is not {self._encoding.removesuffix('-sig')} text.",
                hint="Say the encoding, e.g. --encoding cp1252 (Excel in Western Europe) or --encoding utf-16.",
            ) from error
        except LookupError as error:
            raise ImportFailed(
                f"There is no encoding {self._encoding!r}.", hint="For example utf-8, cp1252, iso-8859-1 or utf-16."
            ) from error
        except OSError as error:
            raise ImportFailed(f"{self.path} cannot be read: {error.strerror}.", hint="Check its rights.") from error

    def _undecodable_line(self) -> str:
        with self.path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                try:
                    line.decode(self._encoding)
                except UnicodeError:
                    return f", line {number},"
        return ""

    def _likely_delimiter(self) -> str:
        """The delimiter that cuts the header into most columns; a comma if none cuts it."""
        with self._open() as file:
            lines = [line for _, line in zip(range(20), file, strict=False)]  # a quoted name may span lines
        return max(_DELIMITERS, key=lambda delimiter: _width(lines, delimiter))

    def _header(self, row: Row | None) -> tuple[str, ...]:
        if row is None:
            raise ImportFailed(f"{self.path} is empty.", hint="Its first line must name the columns.")
        header = tuple(name.strip() or f"#{place}" for place, name in enumerate(row.cells, start=1))
        if len(header) > _MAX_COLUMNS:
            raise ImportFailed(f"{self.path} has {len(header)} columns; {_MAX_COLUMNS} are allowed.", hint="Split it.")
        twice = [name for name, count in Counter(header).items() if count > 1]
        if twice:
            raise ImportFailed(
                f"{self.path} has several columns named {', '.join(map(repr, twice))}.", hint="Rename them in the file."
            )
        return header


def _width(lines: list[str], delimiter: str) -> int:
    try:
        return len(next(csv.reader(lines, delimiter=delimiter), ()))
    except csv.Error:
        return 0


def _in_plain_words(error: csv.Error) -> str:
    text = str(error)
    if "unexpected end" in text:
        return "a quotation is never closed"
    if "expected after" in text:
        return "there is text after a closing quotation mark"
    if "field limit" in text:
        return f"a value has more than {csv.field_size_limit()} characters"
    return text
