"""The canaries are in every personal field, and are found in whatever form they turn up."""

import base64
import gzip
import html
import io
import json
import quopri
import unicodedata
import zipfile
import zlib
from urllib.parse import quote

import pytest

from tests.dsgvo.canaries import Canaries, Person, tokens_in
from xrm_core import naming
from xrm_core.shipped import shipped_packs
from xrm_core.testing import Setup, Xrm

OWN = (
    *("consent", "consent_event", "consent_use", "contact_point", "contact_point_holder", "customer_exception"),
    *("data_subject", "data_subject_link", "notice_delivery", "objection", "preference", "suppression", "assessment"),
    *(
        "data_breach",
        "breach_subject",
        "breach_notification",
        "automated_decision",
        "processing_contract",
        "processing_record",
        "data_subject_request",
        "restriction",
        "restriction_use",
        "disclosure",
        "answer_package",
        "file_search",
        "counter_statement",
    ),
)
"""Entities of the plugin, which only its actions write."""


ALSO = {"quote_item": {"unitPrice": "1"}}
"""What lines of quotes need in the plugin sales."""

SLOW = [pytest.param(name, marks=pytest.mark.slow) for name in ("sales", *shipped_packs()) if name != "association"]
NEED_SALES = {"sales": "core", "machine_builder_sales": "machine_builder_sales"}
"""What stands on the plugin, and its pack."""


@pytest.fixture(scope="module", params=["association", *SLOW])
def setup(request: pytest.FixtureRequest) -> Setup:
    if request.param in NEED_SALES:
        return Setup(plugins=["dsgvo", "sales"], pack=NEED_SALES[request.param])
    return Setup(plugins=["dsgvo"], pack=request.param)


def test_each_personal_field_holds_a_value_of_its_own_for_each_person(xrm_with, setup: Setup):
    # given three persons in all entities, one of whom is there twice
    xrm: Xrm = xrm_with(setup)
    if "opportunity" in xrm.platform.model:
        xrm.as_role("admin").query("mutation { salesInstallDefaults }")
        xrm.create("tax_rate", country="DE", category="standard", percent=19, valid_from="2007-01-01")
    canaries = Canaries(xrm, but=OWN, also=ALSO if "tax_rate" in xrm.platform.model else {})
    first = canaries.fill("A")
    other = canaries.fill("B")
    again = canaries.fill("C", same=first)

    # then no personal field of a text, an address or a file was left out, unless it is too short, as a country's code
    fields = [(each.given, said.entity) for each, said in canaries.personal()]
    told = [(each, entity) for each, entity in fields if str(each.type) in _TOLD and not each.enum]
    wanted = {(entity, each.name) for each, entity in told if each.max_length is None or each.max_length > 2}
    assert wanted - first.tokens.keys() == set()
    assert first.tokens.keys() == other.tokens.keys() == again.tokens.keys()
    # and what one has nobody else has, but for the duplicate
    assert not set(first.tokens.values()) & set(other.tokens.values())
    shared = {place for place in first.tokens if first.tokens[place] == again.tokens[place]}
    assert ("contact", "email") in shared
    assert ("contact", "last_name") not in shared
    # and they can be read again where they were written
    admin, model = xrm.as_role("admin"), xrm.platform.model
    for person in (first, other, again):
        for entity, id_ in person.records.items():
            told = {naming.camel(name): token for (of, name), token in person.tokens.items() if of == entity}
            files = {naming.camel(each.name) for each in model[entity].fields.values() if str(each.type) == "file"}
            told = {name: token for name, token in told.items() if name not in files}
            if told:
                document = f"query ($id: ID!) {{ {naming.camel(entity)}(id: $id) {{ {' '.join(told)} }} }}"
                assert list(admin.query(document, id=id_).values()) == [told]


_TOLD = {"email", "phone", "url", "file", "text", "long_text"}


@pytest.mark.parametrize(
    "hidden",
    [
        lambda token: token.encode(),
        lambda token: unicodedata.normalize("NFD", token).encode(),
        lambda token: token.replace("ä", "ae").replace("ß", "ss").replace("ü", "ue").encode(),
        lambda token: token.encode("utf-16-le"),
        lambda token: token.encode("utf-16-be"),
        lambda token: token.encode("latin-1"),
        lambda token: quopri.encodestring(token.encode("latin-1")),
        lambda token: f"https://example.com/?name={quote(token)}".encode(),
        lambda token: f"https://example.com/?name={quote(token.encode('latin-1'))}".encode(),
        lambda token: html.escape(token).encode("ascii", "xmlcharrefreplace"),
        lambda token: base64.urlsafe_b64encode(b"??>" + token.encode()),
        lambda token: json.dumps({"x": token}).encode(),
        lambda token: quopri.encodestring(token.encode()),
        lambda token: base64.b64encode(b"Name: " + token.encode() + b" and more"),
        lambda token: base64.b64encode(b"A name: " + token.encode()),
        lambda token: b"before" + gzip.compress(b"x" * 50 + token.encode()) + b"after",
        lambda token: b"stream\r\n" + zlib.compress(b"BT (" + token.encode() + b") Tj ET") + b"\nendstream",
        lambda token: zipped(token),
        lambda token: token.encode().hex().encode(),
        lambda token: json.dumps({"body": json.dumps({"x": token})}).encode(),
    ],
)
def test_a_value_is_found_in_whatever_form(hidden):
    person = Person("A", tokens={("contact", "last_name"): "KäßüA0042z"})

    assert tokens_in(b"... " + hidden("KäßüA0042z") + b" ...", [person]) == {("A", "contact", "last_name")}
    assert tokens_in(b"... " + hidden("KäßüA0043z") + b" ...", [person]) == set()


def zipped(token: str) -> bytes:
    """A ZIP file with the value in one of its files."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("letter/content.xml", f"<text>{token}</text>")
    return content.getvalue()


@pytest.mark.parametrize("written", ["+493065012345", "00493065012345", "03065012345", "+49 30 65012345"])
def test_a_phone_number_is_found_as_people_write_it(written: str):
    person = Person("A", tokens={("contact", "phone"): "+493065012345"})

    assert tokens_in(f"Tel. {written}.".encode(), [person])
