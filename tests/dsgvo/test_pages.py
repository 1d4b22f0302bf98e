"""The public pages: opening them does nothing, their buttons work at once, and everybody can use them."""

from html.parser import HTMLParser
from typing import Any

import pytest

from tests.dsgvo.consents import Consents, consents  # noqa: F401 - a fixture

ADA = "ada@example.com"
CONFIRM, LEAVE, CHOOSE = (f"/plugins/dsgvo/{name}" for name in ("confirm", "withdraw", "preferences"))


class Page(HTMLParser):
    """What a screen reader and a browser find on a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self._labels = 0
        self.unlabelled: list[dict[str, str | None]] = []
        self.feed(text)
        fors = {given.get("for") for tag, given in self.tags if tag == "label"}
        self.unlabelled = [each for each in self.unlabelled if each.get("id") not in fors]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._labels += tag == "label"
        if tag in ("input", "select", "textarea") and not self._labels:
            self.unlabelled.append(dict(attrs))

    def handle_endtag(self, tag: str) -> None:
        self._labels -= tag == "label"

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [given for name, given in self.tags if name == tag]


def looked_at(answer: Any, language: str = "de") -> Page:
    """A page that anybody can use, and that tells nobody."""
    found = Page(answer.text)
    assert [each["lang"] for each in found.of("html")] == [language]
    assert [len(found.of(tag)) for tag in ("title", "h1", "main")] == [1, 1, 1]
    assert found.unlabelled == []
    assert {tag for tag, _ in found.tags}.isdisjoint({"script", "img", "iframe", "link", "style", "object", "video"})
    assert not [given for _, given in found.tags if any((value or "").startswith("http") for value in given.values())]
    assert all((each.get("href") or "/").startswith("/plugins/dsgvo/") for each in found.of("a"))
    assert all("id" not in each and each.get("type") == "submit" for each in found.of("button"))
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    assert (answer.headers["cache-control"], answer.headers["referrer-policy"]) == ("no-store", "no-referrer")
    assert answer.headers["x-content-type-options"] == "nosniff"
    return found


def test_opening_the_link_confirms_nothing_and_the_button_does(consents: Consents):  # noqa: F811
    http = consents.xrm.http
    _, token = consents.request(ADA)

    for method in ("GET", "HEAD", "GET"):
        answer = http.request(method, f"{CONFIRM}/{token}")
        assert answer.status_code == 200
    page = looked_at(answer)
    assert "Ja, ich möchte Neuigkeiten per E-Mail bekommen." in page.words
    assert consents.permit(ADA) == "E_NO_BASIS"

    for _ in range(2):
        answer = http.post(f"{CONFIRM}/{token}")
        assert "Ihre Einwilligung ist bestätigt." in looked_at(answer).words
    assert consents.permit(ADA) == "C_CONSENT"
    [found] = consents.rows("consents", "events { totalCount }")
    assert found["events"]["totalCount"] == 3


def test_links_that_are_none_or_too_old_say_so(consents: Consents):  # noqa: F811
    http = consents.xrm.http
    consents.xrm.clock.set("2026-03-01T12:00Z")
    _, token = consents.request(ADA)
    english = {"Accept-Language": "fr, en-GB;q=0.8"}
    for path in (CONFIRM, LEAVE, CHOOSE):
        for method in ("GET", "POST"):
            answer = http.request(method, f"{path}/other", headers=english)
            assert answer.status_code == 404
            assert "There is no such link" in looked_at(answer, "en").words

    consents.xrm.clock.set("2026-03-16T12:00Z")

    answer = http.post(f"{CONFIRM}/{token}")
    assert (answer.status_code, consents.permit(ADA)) == (410, "E_NO_BASIS")
    looked_at(answer)


def claimed(consents: Consents, purpose: str = "news") -> str:  # noqa: F811
    return str(consents.claim(ADA, purpose)["unsubscribe"]).rpartition("/")[2]


FORM = {"Content-Type": "application/x-www-form-urlencoded"}
PARTS = {"Content-Type": "multipart/form-data; boundary=x"}


@pytest.mark.parametrize(
    ("head", "body"),
    [
        (FORM, b"List-Unsubscribe=One-Click"),
        (PARTS, b'--x\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--x--\r\n'),
    ],
    ids=["form", "multipart"],
)
def test_mail_programs_unsubscribe_by_one_click(consents: Consents, head: dict[str, str], body: bytes):  # noqa: F811
    http = consents.xrm.http
    consents.consent(ADA, "marketing")
    token = claimed(consents)
    page = looked_at(http.get(f"{LEAVE}/{token}"))
    assert "Abmelden von: news" in page.words
    assert consents.permit(ADA) == "C_CONSENT"

    answers = [http.post(f"{LEAVE}/{token}", content=body, headers=head).status_code for _ in range(2)]

    assert answers == [200, 200]
    assert (consents.permit(ADA), consents.permit(ADA, "events")) == ("E_OBJECTION", "C_CONSENT")


def test_all_advertising_ends_by_the_other_button(consents: Consents):  # noqa: F811
    consents.consent(ADA, "marketing")
    consents.xrm.clock.set("2030-01-01T12:00Z")
    consents.consent(ADA, "marketing", products=["presses"])
    token = str(consents.claim(ADA, products=["presses"])["unsubscribe"]).rpartition("/")[2]
    consents.xrm.clock.set("2033-01-01T12:00Z")  # unsubscribing has no end

    answer = consents.xrm.http.post(f"{LEAVE}/{token}", data={"leave": "all"})

    assert "Sie sind abgemeldet" in looked_at(answer).words
    assert consents.permit(ADA, "events") == "E_OBJECTION"
    assert [each["status"] for each in consents.rows("consents", "status")] == ["withdrawn", "withdrawn"]


def test_the_preference_centre_narrows_and_takes_back(consents: Consents):  # noqa: F811
    http = consents.xrm.http
    consents.consent(ADA, "news")
    events = consents.consent(ADA, "events")
    url = f"{CHOOSE}/{claimed(consents)}"
    news, other = consents.purposes["news"], consents.purposes["events"]
    page = looked_at(http.get(url))
    assert [each["name"] for each in page.of("input")] == [f"topic_{news}", f"topic_{other}", "most"]
    assert all("checked" in each for each in page.of("input")[:2])

    # no news, and not more than five
    looked_at(http.post(url, data={f"topic_{other}": "1", "most": "5"}))
    assert (consents.permit(ADA), consents.permit(ADA, "events")) == ("P_PREFERENCE", "C_CONSENT")
    page = looked_at(http.get(url))
    assert ["checked" in each for each in page.of("input")[:2]] == [False, True]
    assert page.of("input")[2]["value"] == "5"
    [kept] = [
        each for each in consents.rows("preferences", "topic { id } mostPerDay mostPerMonth") if not each["topic"]
    ]
    assert (kept["mostPerDay"], kept["mostPerMonth"]) == (None, 5)
    assert [each["value"] for each in page.of("option") if "selected" in each] == ["month"]

    # or one a day
    looked_at(http.post(url, data={f"topic_{other}": "1", "most": "1", "per": "day"}))
    [kept] = [
        each for each in consents.rows("preferences", "topic { id } mostPerDay mostPerMonth") if not each["topic"]
    ]
    assert (kept["mostPerDay"], kept["mostPerMonth"]) == (1, None)
    assert [each["value"] for each in looked_at(http.get(url)).of("option") if "selected" in each] == ["day"]
    looked_at(http.post(url, data={f"topic_{other}": "1", "most": "5"}))

    answer = http.post(url, data={"most": "many"})
    assert answer.status_code == 422
    assert consents.permit(ADA, "events") == "C_CONSENT"

    # a consent is taken back, of this address alone
    other_id = consents.consent("ben@example.com", "events")
    http.post(url, data={"withdraw": other_id})
    assert consents.permit("ben@example.com", "events") == "C_CONSENT"
    assert "Widerrufen. Das gilt ab sofort." in looked_at(http.post(url, data={"withdraw": events})).words
    assert consents.permit(ADA, "events") == "E_OBJECTION"


def test_the_preference_centre_is_shown_for_a_while_only(consents: Consents):  # noqa: F811
    consents.xrm.clock.set("2026-03-01T12:00Z")
    consents.consent(ADA)
    url = f"{CHOOSE}/{claimed(consents)}"
    consents.xrm.clock.set("2026-06-01T12:00Z")

    for answer in (consents.xrm.http.get(url), consents.xrm.http.post(url, data={})):
        assert answer.status_code == 410
        assert ADA not in answer.text
    assert consents.permit(ADA) == "C_CONSENT"


def test_what_is_shown_cannot_be_markup(consents: Consents):  # noqa: F811
    text = {"key": "x", "language": "en", "text": "<script>alert(1)</script>", "withdrawal_hint": "<img src=x>"}
    declaration = consents.xrm.create("consent_declaration", text)
    _, token = consents.request("o'<b>@example.com", declaration=declaration)

    page = looked_at(consents.xrm.http.get(f"{CONFIRM}/{token}"), "en")

    assert "<script>alert(1)</script>" in page.words
    assert page.of("b") == []


def test_who_tries_tokens_is_stopped(consents: Consents):  # noqa: F811
    codes = [consents.xrm.http.post(f"{CONFIRM}/guess{number}").status_code for number in range(12)]

    assert codes[-1] == 429
    assert set(codes) == {404, 429}
