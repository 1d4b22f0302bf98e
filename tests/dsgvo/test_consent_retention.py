"""A consent goes five years after it was given, last used or has ended (§ 7a UWG), and not before (I19)."""

from typing import Any

import pytest
from sqlalchemy import text

from tests.dsgvo.conftest import KEY
from tests.dsgvo.consents import Consents, consents  # noqa: F401 - a fixture
from tests.dsgvo.test_retention import World
from xrm_core.testing import Setup

ADA, BEN = "ada@example.com", "ben@example.com"


@pytest.fixture(scope="module")
def xrm_setup() -> Setup:
    return Setup(plugins=["dsgvo"], environment={**KEY, "XRM_DSGVO_RETENTION": "delete"})


@pytest.mark.invariant("I19")
def test_a_consent_goes_with_its_proofs_five_years_after_its_last_use(consents: Consents) -> None:  # noqa: F811
    # given a consent that was used
    xrm, world = consents.xrm, World(consents.xrm, consents.admin)
    world.night("2026-03-01")  # the schedules are known from now on
    used = consents.consent(ADA)
    xrm.clock.set("2027-05-04T12:00Z")
    assert consents.claim(ADA)["code"] == "C_CONSENT"

    # when the last day of the five years after its use comes, nothing goes
    world.night("2032-05-04")
    assert xrm.get("consent", used) is not None

    # when they are over, all of it goes
    world.night("2032-05-05")
    assert xrm.get("consent", used) is None
    uses = consents.rows("consentUses", "consent { id }")  # those of mails to the officer have none
    assert [each for each in uses if each["consent"]] == []
    assert consents.rows("consentEvents", "id") == []
    gone = [(each["entityName"], each["retentionClass"], each["beganOn"]) for each in world.protocol()]
    assert sorted(gone) == [
        ("consent", "LK-5J-7AUWG", "2027-05-04"),
        ("consent_event", "LK-5J-7AUWG", "2027-05-04"),
        ("consent_event", "LK-5J-7AUWG", "2027-05-04"),
        ("consent_event", "LK-5J-7AUWG", "2027-05-04"),
        ("consent_use", "LK-5J-7AUWG", "2027-05-04"),
    ]


def test_what_was_never_used_goes_five_years_after_what_has_happened_last(consents: Consents) -> None:  # noqa: F811
    # given one of each state, nothing of which was ever used
    xrm, world = consents.xrm, World(consents.xrm, consents.admin)
    world.night("2026-03-01")
    given, ended, withdrawn, wrong = (consents.consent(f"{name}@example.com") for name in ("a", "b", "c", "d"))
    values = {"channel": "email", "purpose": consents.purposes["news"], "source": "old.csv"}
    imported = str(xrm.create("consent", values | {"contact_point": _point(consents, "e@example.com")}))
    bought = {"order_ref": "A-17", "product_category": "presses", "notice_at_collection": "You can object."}
    bought |= {"collected_at": "2025-06-01T00:00:00Z"}
    alone, used, objected = (
        str(xrm.create("customer_exception", bought | {"contact_point": _point(consents, f"{name}@example.com")}))
        for name in ("f", "g", "h")
    )
    xrm.clock.set("2028-02-01T12:00Z")
    dsb = xrm.as_role("dsb")
    dsb.query("mutation ($id: ID!) { endConsent(id: $id) { status } }", id=ended)
    consents.withdraw(withdrawn)
    invalid = 'mutation ($id: ID!) { invalidateConsent(id: $id, input: {because: "By somebody else."}) { status } }'
    dsb.query(invalid, id=wrong)
    assert consents.claim("g@example.com", productCategory="presses", optOutNotice=True)["code"] == "C_CUSTOMER"
    consents.object("h@example.com")
    every = {"consent": (given, ended, withdrawn, wrong, imported), "customer_exception": (alone, used, objected)}

    def there() -> set[str]:
        return {id_ for entity, ids in every.items() for id_ in ids if xrm.get(entity, id_) is not None}

    # when the years pass
    world.night("2030-06-02")
    assert there() == {given, ended, withdrawn, wrong, imported, used, objected}
    world.night("2031-03-03")
    assert there() == {ended, withdrawn, wrong, used, objected}
    world.night("2033-02-01")
    assert there() == {ended, withdrawn, wrong, used, objected}
    world.night("2033-02-02")

    # then all of it is gone, and nothing of it was ever a defect
    assert there() == set()
    defects = [one for run in _runs(consents) for one in run["report"]["defects"]]
    assert [each for each in defects if each["entity"].startswith(("consent", "customer"))] == []


def test_what_is_from_before_it_was_kept_is_filled_in(consents: Consents) -> None:  # noqa: F811
    xrm, world = consents.xrm, World(consents.xrm, consents.admin)
    world.night("2026-03-01")
    consent = consents.consent(ADA)
    bought = {"order_ref": "A-17", "product_category": "presses", "notice_at_collection": "You can object."}
    bought |= {"collected_at": "2025-06-01T00:00:00Z", "contact_point": _point(consents, BEN)}
    exception = str(xrm.create("customer_exception", bought))
    xrm.clock.set("2027-05-04T12:00Z")
    assert consents.claim(ADA)["code"] == "C_CONSENT"
    with xrm.database.begin() as connection:
        for table in ("consent", "customer_exception"):
            connection.execute(text(f"UPDATE {table} SET proof_from = NULL"))

    world.night("2027-05-06")

    began = [
        str((xrm.get(*key) or {})["proof_from"])[:10]
        for key in (("consent", consent), ("customer_exception", exception))
    ]
    assert began == ["2027-05-04", "2025-06-01"]


def test_no_receipt_of_an_erasure_misses_the_start_of_a_consent(consents: Consents) -> None:  # noqa: F811
    contact = consents.xrm.create("contact", last_name="Kern", email=ADA)
    consents.consent(ADA, person={"entity": "contact", "record": contact})
    consents.request(ADA, "events", person={"entity": "contact", "record": contact})

    plan = """mutation ($c: String!) { dsgvoErasureOpen(input: {entity: "contact", record: $c}) {
      records { entity fields { code until } } defects { entity code } } }"""
    made = consents.xrm.as_role("dsb").query(plan, c=contact)["dsgvoErasureOpen"]

    assert [each for each in made["defects"] if each["entity"].startswith("consent")] == []
    kept = {f["until"] for each in made["records"] if each["entity"] == "consent_event" for f in each["fields"]}
    assert kept
    assert None not in kept


def _point(consents: Consents, address: str) -> str:  # noqa: F811
    return str(consents.xrm.create("contact_point", kind="email", value=address))


def _runs(consents: Consents) -> list[dict[str, Any]]:  # noqa: F811
    found = consents.xrm.as_role("dsb").query("{ retentionRuns(first: 500) { nodes { report } } }")
    return list(found["retentionRuns"]["nodes"])
