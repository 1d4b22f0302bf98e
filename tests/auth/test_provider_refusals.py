"""What is kept of those whom an answer of a provider does not let in: enough to see it, too little to fill the log."""

from collections.abc import Iterator
from uuid import uuid4

import pytest

from tests.auth.provider_kit import Company, company
from xrm_core.auth.events import recorded
from xrm_core.auth.oidc_people import keep_refusal


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def built(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    with company(request, tmp_path_factory.mktemp("company")) as made:
        yield made


@pytest.fixture
def firm(built: Company) -> Company:
    built.begin()
    return built


def kept(firm: Company, subject: str | None) -> int:
    with firm.house.database.read() as connection:
        return sum(each.subject == subject for each in recorded(connection, event="sign_in_failed"))


def test_an_account_with_which_nobody_is_linked_does_not_fill_the_log(firm: Company) -> None:
    # given somebody who has an account at the provider, as anybody may
    subject = uuid4().hex
    # when they come again and again
    answers = [firm.come_back(subject) for _ in range(25)]
    # then the answer is the same each time, and is kept as often as failures are free
    assert {each.status_code for each in answers} == {401}
    assert kept(firm, subject) == 21
    # and whoever is linked comes in, from the same address
    firm.linked(subject)
    assert firm.sign_in(subject)


def test_what_is_not_kept_any_more_waits_for_no_writer(firm: Company) -> None:
    provider, before = firm.clients[0].provider, kept(firm, None)
    for _ in range(22):
        keep_refusal(firm.house.database, provider, "It is forged.", "192.0.2.1")
    with firm.house.database.begin():
        keep_refusal(firm.house.database, provider, "It is forged.", "192.0.2.1")
    assert kept(firm, None) == before + 21
