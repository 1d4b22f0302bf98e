"""Answers that are kept for repeats show nobody who was erased or restricted since (I1, I17)."""

from collections.abc import Callable

import pytest

from tests.dsgvo.test_erasures import OPEN, RUN
from tests.dsgvo.test_restrictions import OPEN as RESTRICT
from xrm_core.testing import Xrm

CREATE = 'mutation ($n: String!) { createContact(input: {lastName: $n, firstName: "Wim"}) { id firstName lastName } }'
KEY = {"Idempotency-Key": "8e03978e-40d5-43e8-bc93-6894a57f9324"}

OTHER = {"Idempotency-Key": "8e03978e-40d5-43e8-bc93-000000000000"}


def erased(xrm: Xrm, id_: str) -> None:
    dsb = xrm.as_role("dsb")
    plan = dsb.query(OPEN, i={"entity": "contact", "record": id_})["dsgvoErasureOpen"]
    dsb.query(RUN, i={"run": plan["run"], "planHash": plan["planHash"]})


def restricted(xrm: Xrm, id_: str) -> None:
    given = {"person": {"entity": "contact", "record": id_}, "ground": "accuracy", "because": "Contested."}
    xrm.as_role("dsb").query(RESTRICT, i=given)


@pytest.mark.invariant("I1", "I17")
@pytest.mark.parametrize("ended", [erased, restricted])
def test_a_repeat_is_told_that_it_was_done_and_not_what_it_said(xrm: Xrm, ended: Callable[[Xrm, str], None]) -> None:
    # given an answer that is told again
    admin = xrm.as_role("admin")
    first = admin.post(CREATE, n="Kranich", headers=KEY)
    assert admin.post(CREATE, n="Kranich", headers=KEY).content == first.content
    contacts = "{ contacts { totalCount } }"
    number = admin.query(contacts)["contacts"]["totalCount"]

    # when
    ended(xrm, first.json()["data"]["createContact"]["id"])

    # then
    again = admin.post(CREATE, n="Kranich", headers=KEY)
    assert again.status_code == 403
    assert again.json()["errors"][0]["extensions"]["code"] == "IDEMPOTENCY_ANSWER_WITHHELD"
    assert "Kranich" not in again.text
    assert admin.query(contacts)["contacts"]["totalCount"] <= number
    assert admin.post(
        CREATE, n="Reiher", headers={"Idempotency-Key": "8e03978e-40d5-43e8-bc93-000000000000"}
    ).is_success
