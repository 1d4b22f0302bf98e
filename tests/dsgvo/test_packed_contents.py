"""What lies in ZIP and gzip files is read part by part, and no more of it than one file may have, however packed."""

import gzip
import io
import zipfile
from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from xrm_dsgvo.contents.reading import read
from xrm_dsgvo.contents.result import MOST_BYTES, Budget, Missing, Text

from tests.dsgvo.written_files import office, pdf

ZIP = "application/zip"


def packed(parts: Mapping[str, bytes], way: int = zipfile.ZIP_DEFLATED) -> bytes:
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", way) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return whole.getvalue()


WHOLE = packed(
    {
        "notes/ada.txt": "Grüße an Müller".encode("cp1252"),
        "brief.docx": office({"word/document.xml": "<d><p>Ada <b>Wei</b>ß</p></d>"}),
        "angebot.pdf": pdf("An Frau Ada"),
        "mail.eml": b"From: x@y.example\nTo: ada@weiss.example\n\nHello\n",
        "inner.zip": packed({"deep/tief.csv": b"Byron;Ada"}),
        "log.txt.gz": gzip.compress(b"Lovelace") + gzip.compress(b" again"),
        "__MACOSX/._ada.txt": b"\x00\x05\x16\x07",
        "empty/": b"",
    }
)


@pytest.mark.parametrize(
    ("kind", "name"), [(ZIP, ""), ("application/octet-stream", "all.zip"), ("application/x+zip", "")]
)
def test_all_parts_are_read_with_their_names(kind: str, name: str):
    found = read(kind, name, WHOLE)

    wanted = ("notes/ada.txt", "Grüße an Müller", "Ada Weiß", "An Frau Ada", "ada@weiss.example", "Byron;Ada")
    assert [each for each in (*wanted, "Lovelace again", "tief.csv") if each not in found.text] == []
    assert found.missing is None


def test_what_is_in_a_gzip_file_is_read_by_the_name_that_it_has_without():
    content = gzip.compress(office({"content.xml": "<o><p>Ada Weiß</p></o>"}))

    assert "Ada Weiß" in read("application/gzip", "brief.odt.gz", content).text
    assert read("application/gzip", "scan.png.gz", gzip.compress(b"x")) == Text(missing=Missing.PICTURE)
    assert read("application/gzip", "all.tgz", gzip.compress(b"x")) == Text(missing=Missing.FORMAT)
    assert read("application/gzip", "a.txt.gz", content[:-9]) == Text(missing=Missing.BROKEN)


@pytest.mark.parametrize(
    ("parts", "way", "missing"),
    [
        ({"scan.png": b"1", "a.txt": b"Ada"}, zipfile.ZIP_DEFLATED, Missing.PICTURE),
        ({"a.doc": b"1", "b.txt": b"Ada"}, zipfile.ZIP_DEFLATED, Missing.FORMAT),
        ({"wild.pdf": b"%PDF-1.7 no more", "b.txt": b"Ada"}, zipfile.ZIP_STORED, Missing.BROKEN),
        ({"large.txt": b" " * (MOST_BYTES + 1), "b.txt": b"Ada"}, zipfile.ZIP_DEFLATED, Missing.TOO_LARGE),
    ],
)
def test_a_part_that_is_not_read_is_said_and_the_others_are_read(
    parts: Mapping[str, bytes], way: int, missing: Missing
):
    found = read(ZIP, "", packed(parts, way))

    assert ("Ada" in found.text, found.missing) == (True, missing)


@pytest.mark.parametrize(("flag", "missing"), [(1, Missing.ENCRYPTED), (0, Missing.BROKEN)])
def test_what_is_locked_or_damaged_is_said(flag: int, missing: Missing):
    whole = bytearray(packed({"a.txt": b"Ada Lovelace"}, zipfile.ZIP_STORED))
    if flag:
        whole[whole.index(b"PK\x01\x02") + 8] |= 1
    else:
        whole[whole.index(b"Ada")] ^= 1

    assert read(ZIP, "", bytes(whole)).missing is missing


def test_names_in_letters_of_old_programs_are_read():
    whole = packed({"Mxller.bin": b"1"}).replace(b"Mxller", "Müller".encode("cp1252"))

    assert "Müller" in read(ZIP, "", whole).text


def test_files_within_each_other_share_what_may_be_unpacked():
    # given many small files, each of which unpacks to a megabyte
    large = packed({"a.txt": b" " * 1_000_000})
    whole = packed({f"{number}.zip": large for number in range(40)} | {"z.gz": gzip.compress(b" " * 1_000_000)})
    assert len(whole) < 100_000
    budget = Budget(bytes=3_000_000)

    # when
    found = read(ZIP, "", whole, budget=budget)

    # then it ends where the whole file has had its share
    assert found.missing is Missing.TOO_LARGE
    assert -(1 << 16) <= budget.bytes < 0
    # and so does a chain of them, and a document among them
    nested = packed({"d.docx": office({"word/document.xml": f"<d>{' ' * 1_000_000}</d>"}), "l.zip": large})
    assert read(ZIP, "", packed({"n.zip": nested}), budget=Budget(bytes=900_000)).missing is Missing.TOO_LARGE


def test_so_many_parts_and_so_deep_and_no_more():
    many = packed({f"{number}.txt": b"" for number in range(30)})
    assert read(ZIP, "", many, budget=Budget(parts=20)).missing is Missing.TOO_LARGE
    assert read(ZIP, "", many, budget=Budget(until=0.0)).missing is Missing.TOO_LARGE
    assert read(ZIP, "", many).missing is None
    deep = b"Ada"
    for _ in range(6):
        deep = packed({"a.zip": deep})
    assert read(ZIP, "", deep).missing is Missing.TOO_LARGE
    assert read(ZIP, "", b"PK\x01\x02" * 20_001) == Text(missing=Missing.TOO_LARGE)


@given(st.integers(0, len(WHOLE)), st.binary(min_size=1, max_size=8))
@settings(max_examples=60, deadline=None)
def test_whatever_is_damaged_there_is_an_answer(place: int, damage: bytes):
    whole = packed({"a.txt": b"Ada", "b.zip": packed({"c.xml": b"<a>Ada</a>"}), "d.gz": gzip.compress(b"Ada")})

    for kind in (ZIP, "application/gzip"):
        assert isinstance(read(kind, "x", whole[:place] + damage + whole[place + len(damage) :]), Text)
