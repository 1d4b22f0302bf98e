"""The text of files by format; what is locked, too large, damaged or a picture is said to be so. Nothing that a file
says is believed.
"""

import io
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from xrm_dsgvo.contents.reading import read
from xrm_dsgvo.contents.result import MOST_BYTES, Budget, Missing, Text

from tests.dsgvo.written_files import office, pdf

WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
SHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
LETTER = "application/vnd.oasis.opendocument.text"
MAIL = """From: =?utf-8?q?J=C3=B6rg?= <joerg@x.example>
Subject: Angebot
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="b"

--b
Content-Type: text/html; charset=iso-8859-1
Content-Transfer-Encoding: quoted-printable

<p>Gr=FC=DFe an M<b>=FC</b>ller</p>
--b
Content-Type: text/plain; name="anhang.txt"
Content-Disposition: attachment; filename="anhang.txt"
Content-Transfer-Encoding: base64

QWRhIFdlaQ==
--b
Content-Type: image/jpeg
Content-Disposition: attachment; filename="foto.jpg"
Content-Transfer-Encoding: base64

/9j/
--b--
"""


@pytest.mark.parametrize(
    ("kind", "name", "content"),
    [
        ("text/plain", "", "Grüße an Müller".encode("cp1252")),
        ("text/csv", "", "\ufeffGrüße an Müller".encode("utf-16")),
        ("text/plain", "", "Grüße an Müller".encode("utf-16-le")),
        ("application/octet-stream", "notes.md", "# Grüße an Müller".encode()),
        ("application/octet-stream", "letter.docx", office({"word/document.xml": "<d><p>Grüße an Müller</p></d>"})),
        ("application/json", "", b'{"a": ["Gr\\u00fc\\u00dfe an M\\u00fcller"]}'),
        ("text/html", "", b"<td>Gr&uuml;&szlig;e an <i>M&#252;l</i>ler</td>"),
        ("application/xml", "", "<a>Grüße an Müller</a>".encode()),
        (WORD, "", office({"word/document.xml": "<d><p><r>Grüße an Mü</r><r>ller</r></p></d>"})),
        (SHEET, "", office({"xl/sharedStrings.xml": "<s><si><t>Grüße an Müller</t></si></s>"})),
        (LETTER, "", office({"content.xml": "<o><p>Grüße an <span>Mül</span>ler</p></o>"})),
        ("application/pdf", "", pdf("Grüße an Müller")),
        ("text/calendar", "", "ATTENDEE;CN=Grüße an Mü".encode()[:-1] + b"\r\n " + "Müller".encode()[2:]),
        ("", "card.vcf", "NOTE:Grüße an Mül\n ler".encode()),
        ("message/rfc822", "", MAIL.encode()),
    ],
)
def test_texts_are_read_however_they_are_written(kind: str, name: str, content: bytes):
    assert "Grüße an Müller" in read(kind, name, content).text


def test_of_a_mail_what_is_attached_is_read_and_pictures_are_said():
    found = read("message/rfc822", "", MAIL.encode())

    assert "Jörg" in found.text
    assert "Ada Wei" in found.text
    assert "foto.jpg" in found.text
    assert found.missing is Missing.PICTURE


@pytest.mark.parametrize(
    ("kind", "name", "part"),
    [
        (WORD, "word/_rels/document.xml.rels", '<R><Relationship Target="mailto:ada@weiss.example"/></R>'),
        (LETTER, "content.xml", '<o xmlns:x="l"><p><x:a x:href="mailto:ada@weiss.example">Mail</x:a></p></o>'),
        (WORD, "word/comments.xml", '<w xmlns:w="w"><w:comment w:author="ada@weiss.example"><t>?</t></w:comment></w>'),
        (SHEET, "xl/persons/person.xml", '<l><person displayName="A" userId="ada@weiss.example"/></l>'),
        (SHEET, "xl/workbook.xml", '<w><sheets><sheet name="ada@weiss.example"/></sheets></w>'),
    ],
)
def test_links_of_a_document_and_who_has_commented_are_among_its_text(kind: str, name: str, part: str):
    assert "ada@weiss.example" in read(kind, "", office({name: part})).text


def test_who_has_changed_a_word_does_not_part_it():
    part = '<d xmlns:w="w"><p><r>Ada Wei</r><w:ins w:author="Bob"><r>ß</r></w:ins></p></d>'

    assert "Ada Weiß" in read(WORD, "", office({"word/document.xml": part})).text


def test_mails_within_mails_are_read_with_their_headers():
    inner = "From: Ada =?utf-8?q?Wei=C3=9F?= <ada@weiss.example>\nSubject: =?utf-8?b?R3LDvMOfZQ==?=\n\nHi\n"
    mail = f"From: x@y.example\nContent-Type: message/rfc822\n\n{inner}".encode()

    assert "From: Ada Weiß <ada@weiss.example>\nSubject: Grüße" in read("message/rfc822", "", mail).text


@pytest.mark.parametrize(("size", "missing"), [(500, None), (50_000, Missing.PICTURE)])
def test_a_picture_within_a_mail_is_said_unless_it_is_that_of_a_signature(size: int, missing: Missing | None):
    head = "From: x@y.example\nContent-Type: image/png\nContent-ID: <a@b>\nContent-Transfer-Encoding: 8bit\n\n"

    assert read("message/rfc822", "", head.encode() + b"x" * size).missing is missing


@pytest.mark.parametrize(
    ("kind", "content", "missing"),
    [
        ("image/png", b"\x89PNG", Missing.PICTURE),
        ("application/pdf", pdf(""), Missing.PICTURE),
        ("application/pdf", b"%PDF-1.7 and no more", Missing.BROKEN),
        ("video/mp4", b"1", Missing.FORMAT),
        ("text/rtf", b"{\\rtf1 M\\'fcller}", Missing.FORMAT),
        ("application/msword", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", Missing.FORMAT),
        (WORD, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 locked by a password", Missing.ENCRYPTED),
        (LETTER, office({"META-INF/manifest.xml": "<m><encryption-data/></m>"}), Missing.ENCRYPTED),
        (WORD, b"PK\x03\x04 torn off", Missing.BROKEN),
        (WORD, office({"word/document.xml": "<d><p>not closed"}), Missing.BROKEN),
        (WORD, office({"word/document.xml": '<!DOCTYPE d [<!ENTITY a "aa">]><d>&a;</d>'}), Missing.BROKEN),
        ("text/plain", b"x" * (MOST_BYTES + 1), Missing.TOO_LARGE),
    ],
)
def test_what_is_not_read_is_said(kind: str, content: bytes, missing: Missing):
    assert read(kind, "", content) == Text(missing=missing)


def test_a_document_that_unpacks_to_more_than_is_read_is_left():
    # given two parts, each small when packed
    part = f"<d>{' ' * 500_000}</d>"
    packed = office({"word/document.xml": part, "word/notes.xml": part})
    assert read(WORD, "", packed).missing is None

    # when both together are more, then
    assert len(packed) < 5_000
    assert read(WORD, "", packed, budget=Budget(bytes=700_000)) == Text(missing=Missing.TOO_LARGE)


def test_mails_within_mails_end_somewhere():
    mail = b"Content-Type: text/plain\n\nAda\n"
    for _ in range(6):
        head = (
            b'Content-Type: application/octet-stream; name="m.eml"\nContent-Disposition: attachment; filename="m.eml"\n'
        )
        mail = head + b"\n" + mail
    assert read("message/rfc822", "", mail).missing is Missing.TOO_LARGE


@pytest.mark.parametrize("way", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_document_packed_in_a_way_that_no_program_for_offices_takes_is_not_opened(way: int):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", way) as archive:
        archive.writestr("word/document.xml", "<d><p>Ada</p></d>")
    whole = packed.getvalue()

    assert read(WORD, "", whole) == Text(missing=Missing.BROKEN)
    assert read(WORD, "", whole.replace(b"BZh9", b"BZx9")) == Text(missing=Missing.BROKEN)


@pytest.mark.parametrize(
    "head",
    [
        f"Date: Mon, 1 Jan 2020 00:00:00 +{'9' * 30}",
        f"To: {'a' * 60_000}",
        f'Content-Type: multipart/mixed; boundary="{";" * 3_000}"',
        "Content-Type: text/plain; charset=punycode",
        "Content-Type: text/plain; charset=idna",
    ],
)
def test_no_header_of_a_mail_keeps_its_text_from_being_read(head: str):
    found = read("message/rfc822", "", f"From: x@y.example\n{head}\n\nan Ada-Weiss".encode())

    assert "Ada-Weiss" in found.text
    assert (found.missing is Missing.TOO_LARGE) == (len(head) > 2_000)


@given(st.sampled_from(["text/html", "application/json", "message/rfc822", WORD, "text/plain"]), st.binary())
@settings(max_examples=150, deadline=None)
def test_whatever_a_file_holds_there_is_an_answer(kind: str, content: bytes):
    assert isinstance(read(kind, "", content), Text)


@given(st.integers(0, 400), st.binary(min_size=1, max_size=8))
@settings(max_examples=100, deadline=None)
def test_whatever_is_damaged_in_a_document_there_is_an_answer(place: int, damage: bytes):
    whole = office({"word/document.xml": "<d><p>Ada</p></d>", "word/notes.xml": "<d>Weiß</d>"})

    assert isinstance(read(WORD, "", whole[:place] + damage + whole[place + len(damage) :]), Text)


@given(st.integers(0, 700), st.one_of(st.binary(min_size=1, max_size=8), st.sampled_from([b"9" * 30, b"*0*=", b"=?u"])))
@settings(max_examples=100, deadline=None)
def test_whatever_is_damaged_in_a_mail_there_is_an_answer(place: int, damage: bytes):
    whole = MAIL.encode()

    assert isinstance(read("message/rfc822", "", whole[:place] + damage + whole[place + len(damage) :]), Text)
