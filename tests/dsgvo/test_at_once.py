"""Fifty workers send while objections arrive: nothing is let go after an objection has come (I13)."""

from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import Any

import pytest

from tests.dsgvo.consents import CLAIM, OBJECT, REQUEST, Consents, consents  # noqa: F401 - a fixture
from tests.dsgvo.replay import violations

PEOPLE = ("ada@example.com", "ben@example.com")


@pytest.mark.invariant("I12", "I13")
def test_nothing_is_let_go_after_an_objection(consents: Consents):  # noqa: F811
    for each in PEOPLE:
        consents.consent(each)
    numbers, http = count(), consents.admin

    def work(number: int) -> dict[str, Any]:
        to = PEOPLE[number % 2]
        if number in (16, 33):
            return dict(http.post(OBJECT, i={"to": to}).json())
        given = {"channel": "email", "to": to, "purpose": "news", "message": f"m{next(numbers)}"}
        return dict(http.post(CLAIM, i=given).json())

    with ThreadPoolExecutor(50) as workers:
        answers = list(workers.map(work, range(50)))

    assert [each for each in answers if "errors" in each] == []
    objected = {each["contactPoint"]["value"]: each["effectiveAt"] for each in consents.rows("objections", FIELDS)}
    assert set(objected) == set(PEOPLE)
    uses = consents.rows("consentUses", "at contactPoint { value }")
    assert [use for use in uses if use["at"] > objected[use["contactPoint"]["value"]]] == []
    let_go = [each for each in answers if (each["data"].get("dsgvoClaim") or {}).get("allowed")]
    assert len(let_go) == len(uses)
    assert violations(consents) == []
    assert [consents.claim(each)["code"] for each in PEOPLE] == ["E_OBJECTION"] * 2


FIELDS = "effectiveAt contactPoint { value }"


def test_an_address_that_nobody_knew_is_made_once(consents: Consents):  # noqa: F811
    http = consents.admin

    def work(number: int) -> dict[str, Any]:
        if number % 4:  # more than three requests in a day would be refused
            return dict(http.post(OBJECT, i={"to": "new@example.com", "via": f"call {number}"}).json())
        return dict(http.post(REQUEST, i=consents.given("New@Example.com")).json())

    with ThreadPoolExecutor(12) as workers:
        answers = list(workers.map(work, range(12)))

    assert [each for each in answers if "errors" in each] == []
    assert len(consents.rows("contactPoints", "id")) == 1
    assert len(consents.rows("suppressions", "id")) == 1
    assert len(consents.rows("objections", "id")) == 9
    links = [each["data"]["dsgvoConsentRequest"]["link"] for each in answers if "dsgvoConsentRequest" in each["data"]]
    assert links
    assert consents.permit("new@example.com") == "E_OBJECTION"
