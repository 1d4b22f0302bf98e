"""Who tries addresses and links learns nothing by how much is done: as many statements, of the same kinds."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.dsgvo.conftest import KEY
from tests.dsgvo.consents import CLAIM, PERMIT, Consents, consents  # noqa: F401 - a fixture
from xrm_core.testing import Setup

ADA, NOBODY = "ada@example.com", "nobody@example.com"
PAGES = "/plugins/dsgvo"
_VALUE = re.compile(r"'(?:[^']|'')*'|\b\d+(?:\.\d+)?\b")


@pytest.fixture(scope="module")
def xrm_setup() -> Setup:
    return Setup(plugins=["dsgvo"], environment={**KEY, "XRM_DSGVO_REQUEST_FORM": "true"})


def done(consents: Consents, work: Callable[[], Any]) -> list[str]:  # noqa: F811
    """The statements of some work, without their values."""
    work()  # plans and policies are at hand by then
    with consents.xrm.statements() as asked:
        work()
    return [" ".join(_VALUE.sub("?", each).split()) for each in asked]


def known(consents: Consents) -> None:  # noqa: F811
    """Somebody who is known there by all that there is."""
    contact = consents.xrm.create("contact", {"last_name": "Lovelace", "email": ADA})
    consents.consent(ADA, person={"record": contact, "entity": "contact"})
    consents.consent(ADA, "events")
    consents.prefer(ADA, mostPerDay=5, mostPerWeek=9, quietFrom="22:00", quietUntil="07:00")
    consents.prefer(ADA, topic="news", mostPerMonth=9)
    consents.record(ADA, "email", purpose="tracking")
    assert consents.claim(ADA)["code"] == "C_CONSENT"


@pytest.mark.parametrize("kind", ["advertising", "transactional", "legal"])
def test_a_dry_run_asks_the_same_of_whoever_is_known_or_not(consents: Consents, kind: str):  # noqa: F811
    known(consents)
    objected = "eve@example.com"
    consents.consent(objected)
    consents.object(objected)
    given = {"channel": "email", "purpose": "news", "kind": kind, "free": kind != "advertising"}

    def ask(to: str) -> list[str]:
        return done(consents, lambda: consents.admin.query(PERMIT, to=to, **given))

    asked = ask(NOBODY)

    assert asked
    assert ask(ADA) == asked
    assert ask(objected) == asked


def test_a_request_is_taken_by_the_same_work_from_whoever_is_known_or_not(consents: Consents):  # noqa: F811
    known(consents)
    http = consents.xrm.http

    def ask(address: str) -> list[str]:
        form = {"kind": "access", "name": "Ada Lovelace", "address": address, "wording": "Bitte"}
        answers = []
        found = done(consents, lambda: answers.append(http.post(f"{PAGES}/request", data=form)))
        assert {each.status_code for each in answers} == {200}
        return found

    assert ask(ADA) == ask(NOBODY)


def void_links(consents: Consents) -> Iterator[tuple[str, str]]:  # noqa: F811
    """Links that are good for nothing, by what is wrong with them."""
    yield "unknown", "A" * 43
    yield "of the wrong length", "A"
    _, token = consents.request("one@example.com")
    consents.xrm.clock.advance(hours=30)
    _, again = consents.request("one@example.com")
    yield "asked for again", str(token)
    withdrawn, token = consents.request("two@example.com")
    consents.withdraw(withdrawn)
    yield "withdrawn", str(token)
    consents.consent(ADA)
    yield "of the other page", str(again)


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("path", ["confirm", "withdraw", "preferences"])
def test_a_link_that_is_void_costs_the_same_whether_it_was_ever_there(
    consents: Consents,  # noqa: F811
    path: str,
    method: str,
):
    http, found = consents.xrm.http, {}
    for name, token in void_links(consents):
        if name == "of the other page" and path == "confirm":
            continue
        answers: list[Any] = []
        url = f"{PAGES}/{path}/{token}"
        found[name] = done(consents, lambda url=url, answers=answers: answers.append(http.request(method, url)))
        assert {each.status_code for each in answers} == {404}, name
    assert found["unknown"]
    assert all(each == found["unknown"] for each in found.values())


@pytest.mark.parametrize("path", ["confirm", "withdraw", "preferences"])
def test_a_page_is_made_by_the_same_work_whether_the_person_has_a_record(consents: Consents, path: str):  # noqa: F811
    # given a link of somebody who is in the database besides, and one of somebody who is not
    contact = consents.xrm.create("contact", {"last_name": "Lovelace", "email": ADA})
    consents.xrm.create("contact", {"last_name": "Byron", "email": ADA})
    found = []
    for to, more in ((ADA, {"person": {"record": contact, "entity": "contact"}}), (NOBODY, {})):
        _, token = consents.request(to, **more)
        if path != "confirm":
            consents.consent(to, "events", **more)
            token = str(consents.claim(to, "events")["unsubscribe"]).rpartition("/")[2]
        answers: list[Any] = []
        url = f"{PAGES}/{path}/{token}"
        found.append(done(consents, lambda url=url, answers=answers: answers.append(consents.xrm.http.get(url))))
        assert {each.status_code for each in answers} == {200}

    assert found[0]
    assert found[0] == found[1]
