"""What a file is called and what it is: nothing that its sender says is believed blindly."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xrm_core.errors import FileRefused
from xrm_core.records.file_names import MAX_LENGTH, clean_name
from xrm_core.records.file_types import media_type_of


@pytest.mark.parametrize(
    ("given_", "name"),
    [
        ("Vertrag Müller.pdf", "Vertrag Müller.pdf"),
        ("../../etc/passwd", "passwd"),
        ("/etc/passwd", "passwd"),
        ("C:\\Users\\x\\a.txt", "a.txt"),
        ("..\\..\\a.txt", "a.txt"),
        ("a\0b.txt", "ab.txt"),
        ("a\r\nSet-Cookie: x=1.txt", "aSet-Cookie_ x=1.txt"),
        ("gpj.\u202eexe", "gpj.exe"),
        ("  .. a  b .txt. ", "a b .txt"),
        ('<img src=x onerror="alert(1)">.png', "_img src=x onerror=_alert(1)__.png"),
        ("Mu\u0308ller.txt", "Müller.txt"),
        ("", "file"),
        (None, "file"),
        ("...", "file"),
        ("a/", "file"),
        ("x" * 300 + ".pdf", "x" * 196 + ".pdf"),
        ("x" * 300, "x" * 200),
    ],
)
def test_a_name_is_cleaned(given_: str | None, name: str) -> None:
    assert clean_name(given_) == name


@given(st.text(st.characters(), max_size=400))
def test_a_clean_name_is_short_visible_and_no_path(text: str) -> None:
    name = clean_name(text)
    assert 1 <= len(name) <= MAX_LENGTH
    assert not set(name) & set('/\\<>:"|?*\r\n\0')
    assert all(unicodedata.category(character)[0] != "C" for character in name)
    assert clean_name(name) == name


@pytest.mark.parametrize(
    ("claimed", "head", "media_type"),
    [
        ("application/pdf", b"%PDF-1.7", "application/pdf"),
        ("Application/PDF; charset=x", b"%PDF-1.7", "application/pdf"),
        (None, b"%PDF-1.7", "application/pdf"),
        (None, b"hello", "application/octet-stream"),
        ("not a type", b"hello", "application/octet-stream"),
        ("text/plain\r\nx: y", b"hello", "application/octet-stream"),
        ("text/plain", b"hello", "text/plain"),
        ("text/plain", b"BMW is a car", "text/plain"),
        ("text/plain", b"MZ is a prefix", "text/plain"),
        ("image/jpg", b"\xff\xd8\xff\xe0", "image/jpeg"),
        ("image/svg+xml", b"<svg/>", "image/svg+xml"),
        ("image/webp", b"RIFF1234WEBPVP8 ", "image/webp"),
        (
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            b"PK\x03\x04",
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        ),
        ("application/msword", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/msword"),
        ("application/x-whatever", b"\x01\x02\x03", "application/x-whatever"),
    ],
)
def test_the_senders_word_is_taken_where_the_content_allows(claimed: str | None, head: bytes, media_type: str) -> None:
    assert media_type_of(claimed, head) == media_type


@pytest.mark.parametrize(
    ("claimed", "head"),
    [
        ("image/png", b"<script>alert(1)</script>"),
        ("image/png", b"%PDF-1.7"),
        ("image/x-icon", b"  <!DOCTYPE html>"),
        ("application/pdf", b"hello"),
        ("text/plain", b"%PDF-1.7"),
        ("text/html", b"PK\x03\x04"),
        ("text/csv", b"a;b\0c"),
        ("application/json", b"\x7fELF"),
        ("application/x-whatever", b"\x89PNG\r\n\x1a\n"),
    ],
)
def test_what_contradicts_its_content_is_refused(claimed: str, head: bytes) -> None:
    with pytest.raises(FileRefused):
        media_type_of(claimed, head)
