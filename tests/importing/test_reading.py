"""CSV files as people have them, and files that are broken."""

from pathlib import Path
from typing import Any

import pytest

from xrm_core.errors import ImportFailed
from xrm_core.records.importing import ImportOptions
from xrm_core.records.importing.reading import CsvFile, Row


def read(path: Path, data: bytes, **options: Any) -> tuple[tuple[str, ...], list[Row]]:
    file = path / "rows.csv"
    file.write_bytes(data)
    opened = CsvFile(file, ImportOptions(**options))
    return opened.header, list(opened.rows())


@pytest.mark.parametrize(
    ("data", "options"),
    [
        (b"name,town\nA,B\n", {}),
        (b"name;town\r\nA;B\r\n", {}),
        (b"name\ttown\nA\tB", {}),
        (b"\xef\xbb\xbfname,town\nA,B\n", {}),
        (b' name ,"town"\n\n"A",B\n\n', {}),
        (b"name|town\nA|B\n", {"delimiter": "|"}),
        (b"name\ttown\nA\tB", {"delimiter": "tab"}),
        ("name,town\nA,B\n".encode("utf-16"), {"encoding": "utf-16"}),
    ],
)
def test_delimiters_line_ends_and_encodings(data: bytes, options: dict[str, Any], tmp_path: Path):
    header, rows = read(tmp_path, data, **options)

    assert header == ("name", "town")
    assert [row.cells for row in rows] == [["A", "B"]]


def test_the_delimiter_that_cuts_the_header_counts_not_the_one_in_values(tmp_path: Path):
    header, rows = read(tmp_path, b'"name; first, last";town\n"a,b,c,d";B\n')

    assert header == ("name; first, last", "town")
    assert rows[0].cells == ["a,b,c,d", "B"]


def test_lines_count_line_breaks_in_values_and_blank_lines(tmp_path: Path):
    _, rows = read(tmp_path, b'name,town\n"A\nsecond\nthird",B\n\nC,D\n')

    assert [row.line for row in rows] == [2, 6]


def test_a_column_without_a_name_is_called_after_its_place(tmp_path: Path):
    assert read(tmp_path, b"name,,town\n1,2,3\n")[0] == ("name", "#2", "town")


@pytest.mark.parametrize(
    ("data", "options", "message"),
    [
        (b"", {}, "is empty"),
        (b"name,town,name\n", {}, "several columns named 'name'"),
        (b'name,town\nA,B\n"C,D\nE,F\n', {}, "row that begins in line 3: a quotation is never closed"),
        (b'name,town\nA,"B"x\n', {}, "line 2: there is text after a closing quotation mark"),
        (b"name,town\nA,B\nC," + b"x" * 200_000, {}, "line 3: a value has more than 131072 characters"),
        (b"name,town\nA,B\nM\xfcller,B\n", {}, "line 3, is not utf-8 text"),
        (b"name,town\n", {"encoding": "klingon"}, "no encoding 'klingon'"),
        (b"name,town\n", {"encoding": "utf-16"}, "is not utf-16 text"),
        (",".join(f"c{n}" for n in range(5000)).encode(), {}, "5000 columns"),
    ],
)
def test_broken_files_are_refused_with_the_line(data: bytes, options: dict[str, Any], message: str, tmp_path: Path):
    with pytest.raises(ImportFailed, match=message) as caught:
        read(tmp_path, data, **options)

    assert caught.value.hint


def test_there_must_be_an_ordinary_file(tmp_path: Path):
    with pytest.raises(ImportFailed, match="There is no file"):
        CsvFile(tmp_path / "missing.csv", ImportOptions())
    with pytest.raises(ImportFailed, match="There is no file"):
        CsvFile(tmp_path, ImportOptions())
