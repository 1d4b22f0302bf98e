"""Consents of minors (Article 8): who stands behind them, from when on they count, and when they end."""

from datetime import date, timedelta
from typing import Any

from tests.dsgvo.consents import REQUEST, Consents, consents  # noqa: F401 - a fixture

CHILD, MOTHER = "kim@example.com", "mother@example.com"
BORN = "mutation ($id: ID!, $born: Date) { updateContact(id: $id, input: {birthday: $born}) { id } }"
DUE = "{ dsgvoDue { what entity record due overdue } }"


def born(years: int, days: int = 0) -> str:
    """The day of birth of who turns so old in so many days."""
    day = date.today() + timedelta(days=days)
    return day.replace(year=day.year - years, day=min(day.day, 28)).isoformat()


def contact(consents: Consents, **values: Any) -> dict[str, str]:  # noqa: F811
    return {"entity": "contact", "record": consents.xrm.create("contact", {"last_name": "Kern", **values})}


def test_the_date_of_birth_says_who_is_a_minor_and_a_guardian_stands_behind(consents: Consents):  # noqa: F811
    child = contact(consents, birthday=born(12))
    consents.consent(CHILD, person=child)
    assert consents.permit(CHILD) == "E_MINOR"

    mother = contact(consents, birthday=born(40))
    guardian = consents.consent(MOTHER, person=mother)
    consents.consent(CHILD, person=child, guardianConsent=guardian)

    assert consents.permit(CHILD) == "C_CONSENT"
    consents.withdraw(guardian)
    assert consents.permit(CHILD) == "E_MINOR"


def test_a_guardian_is_another_person_of_age_who_has_consented_to_just_that(consents: Consents):  # noqa: F811
    child, mother = contact(consents, birthday=born(12)), contact(consents)
    strangers = {
        "another person, who is named": consents.consent("nobody@example.com"),
        "another person": consents.consent("mine@example.com", person=child),
        "The guardian is a minor": consents.consent("old@example.com", person=contact(consents, birthday=born(15))),
        "something else": consents.consent(MOTHER, "events", person=mother),
    }
    for message, id_ in strangers.items():
        given = consents.given(CHILD, person=child, guardianConsent=id_)
        assert message in consents.refused(REQUEST, i=given).message
    whole = consents.consent(MOTHER, "marketing", person=mother)  # all advertising, news among it
    assert "for whom" in consents.refused(REQUEST, i=consents.given(CHILD, guardianConsent=whole)).message
    consents.consent(CHILD, person=child, guardianConsent=whole)
    assert consents.permit(CHILD) == "C_CONSENT"


def test_a_date_that_comes_later_counts_and_one_is_told_who_turns_sixteen(consents: Consents):  # noqa: F811
    child = contact(consents)
    consents.consent(CHILD, person=child)
    assert consents.permit(CHILD) == "C_CONSENT"
    consents.admin.query(BORN, id=child["record"], born=born(16, days=40))
    assert consents.permit(CHILD) == "E_MINOR"
    guardian = consents.consent(MOTHER, person=contact(consents))
    consent = consents.consent(CHILD, person=child, guardianConsent=guardian)
    assert consents.admin.query(DUE)["dsgvoDue"] == []

    consents.xrm.clock.advance(days=41)

    [due] = consents.admin.query(DUE)["dsgvoDue"]
    assert (due["what"], due["record"], due["overdue"]) == ("own_consent", consent, True)
    assert consents.permit(CHILD) == "E_NO_BASIS"  # now it is theirs to say
    own = consents.consent(CHILD, person=child)
    assert consents.permit(CHILD) == "C_CONSENT"
    assert own != consent
    assert consents.admin.query(DUE)["dsgvoDue"] == []
