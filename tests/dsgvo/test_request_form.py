"""The public page for requests: it is there where it is wanted, usable by everybody, and tells nobody anything."""

from typing import Any

import pytest

from tests.dsgvo.conftest import KEY
from tests.dsgvo.test_pages import looked_at
from xrm_core.testing import Setup, Xrm

PATH = "/plugins/dsgvo/request"
GIVEN = {"kind": "access", "name": "Ada <Weiß>", "address": "ada@example.org", "wording": "All of it, please."}
REQUESTS = "{ dataSubjectRequests { nodes { kind via name address wording status } } }"


@pytest.fixture(scope="module")
def xrm_setup() -> Setup:
    return Setup(plugins=["dsgvo"], environment={**KEY, "XRM_DSGVO_REQUEST_FORM": "true"})


def kept(xrm: Xrm) -> list[dict[str, Any]]:
    return list(xrm.as_role("dsgvo_agent").query(REQUESTS)["dataSubjectRequests"]["nodes"])


def test_somebody_asks_and_is_told_that_it_has_come(xrm: Xrm):
    english = {"accept-language": "en"}
    form = looked_at(xrm.http.get(PATH, headers=english), "en")
    assert {each["name"] for tag in ("select", "input", "textarea") for each in form.of(tag)} == {*GIVEN, "website"}
    assert len(form.of("option")) == 6

    answer = xrm.http.post(PATH, data=GIVEN, headers=english)

    assert answer.status_code == 200
    assert "Your request has come" in looked_at(answer, "en").words
    assert kept(xrm) == [{**GIVEN, "via": "form", "status": "received"}]


@pytest.mark.parametrize("wrong", [{"address": "nobody"}, {"name": " "}, {"kind": "nothing"}, {"wording": "x" * 8_001}])
def test_what_is_missing_is_asked_for_and_what_was_written_stays(xrm: Xrm, wrong: dict[str, str]):
    answer = xrm.http.post(PATH, data={**GIVEN, **wrong})

    assert answer.status_code == 422
    page = looked_at(answer)
    assert any("noch nichts gesendet" in each for each in page.words)
    assert "<Weiß>" not in answer.text
    if "name" not in wrong:
        assert "Ada &lt;Weiß&gt;" in answer.text
    assert kept(xrm) == []


def test_name_and_address_are_one_line_in_their_own_direction(xrm: Xrm):
    turned = {"name": "Ada\u202e\x1b[1m\r\nWeiß", "address": "ada@example.org\r\nBcc: x@example.org"}

    assert xrm.http.post(PATH, data={**GIVEN, **turned}).status_code == 200

    [request] = kept(xrm)
    assert (request["name"], request["address"]) == ("Ada[1m Weiß", "ada@example.org Bcc: x@example.org")


def test_what_a_program_fills_in_is_thrown_away(xrm: Xrm):
    answer = xrm.http.post(PATH, data={**GIVEN, "website": "https://spam.example"})

    assert (answer.status_code, kept(xrm)) == (200, [])


def test_the_page_is_there_only_where_it_is_wanted(xrm_with: Any):
    xrm: Xrm = xrm_with(Setup(plugins=["dsgvo"], environment=KEY))

    assert xrm.http.get(PATH).status_code == 404
    assert xrm.http.post(PATH, data=GIVEN).status_code == 404
    assert kept(xrm) == []
