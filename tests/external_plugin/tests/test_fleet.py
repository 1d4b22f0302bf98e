"""What the plugin promises, over GraphQL."""

from collections.abc import Callable

import xrm_fleet

from xrm_core.api import StoreContext, StoredItem, StoreSubject
from xrm_core.testing import Setup, Xrm

CREATE = "mutation ($plate: String!) { createVehicle(input: {licencePlate: $plate}) { id licencePlate } }"
INSPECT = """mutation ($id: ID!) {
  inspectVehicle(id: $id, input: {passed: false, remark: "brakes"}) { retired record { retired } }
}"""


def test_licence_plates_are_in_capitals(xrm: Xrm) -> None:
    rep = xrm.as_role("sales_rep")

    created = rep.query(CREATE, plate="m-ab 12")["createVehicle"]

    assert created["licencePlate"] == "M-AB 12"
    assert xrm.as_role("guest").query("{ vehicles { nodes { licencePlate } } }") == {
        "vehicles": {"nodes": [{"licencePlate": "M-AB 12"}]}
    }


def test_cards_of_somebody_are_found_told_locked_and_burnt() -> None:
    [store], here = xrm_fleet.register_data_stores(), StoreContext("", None)
    ada = StoreSubject(identifiers=frozenset({"ada@example.com"}))
    xrm_fleet.CARDS["", "1"] = xrm_fleet.Card("Ada@example.com", "pays late")
    xrm_fleet.CARDS["", "2"] = xrm_fleet.Card("bo@example.com", "knows ada@example.com")

    assert store.discover(here, ada) == [StoredItem("1")]
    assert store.export(here, ada) == [StoredItem("1", {"holder": "Ada@example.com", "remark": "pays late"})]
    assert (store.restrict(here, ada), xrm_fleet.CARDS["", "1"].is_locked) == (1, True)
    assert (store.lift(here, ada), xrm_fleet.CARDS["", "1"].is_locked) == (1, False)
    assert [store.erase(here, StoreSubject((), ada.identifiers, frozenset("1"))), store.erase(here, ada)] == [0, 1]
    assert store.verify(here, ada) == 1, "she is still named on a card of another"
    xrm_fleet.CARDS.clear()


def test_a_stolen_plate_is_refused(xrm: Xrm) -> None:
    refusal = xrm.as_role("sales_rep").refused(CREATE, "REFUSED_BY_PLUGIN", plate="b-xr 666")

    assert refusal.message == "The licence plate B-XR 666 is reported stolen."
    assert refusal.details["field"] == "licence_plate"


def test_a_vehicle_that_fails_is_retired_and_noted(xrm: Xrm) -> None:
    vehicle = xrm.create("vehicle", licence_plate="M-AB 12")

    answer = xrm.as_role("sales_rep").query(INSPECT, id=vehicle)["inspectVehicle"]

    assert answer == {"retired": True, "record": {"retired": True}}
    assert [event.values["text"] for event in heard(xrm, "fleet_note")] == [
        "M-AB 12 has failed: brakes",
        "New vehicle M-AB 12",
        "A vehicle was retired",
    ]


def test_guests_do_not_inspect(xrm: Xrm) -> None:
    vehicle = xrm.create("vehicle", licence_plate="M-AB 12")

    xrm.as_role("guest").refused(INSPECT, "BAD_QUERY", id=vehicle)


def test_the_reading_of_a_counter_is_checked(xrm: Xrm) -> None:
    rep, change = xrm.as_role("sales_rep"), "mutation ($id: ID!, $km: FleetMileage) {\n"
    change += "  updateVehicle(id: $id, input: {mileage: $km}) { mileage } }"
    vehicle = xrm.create("vehicle", licence_plate="M-AB 12", mileage=120_000)

    assert rep.query(change, id=vehicle, km=120_500) == {"updateVehicle": {"mileage": 120_500}}

    [problem] = rep.refused(change, "VALIDATION_FAILED", id=vehicle, km=999_999).details["problems"]
    assert (problem["field"], problem["message"]) == ("mileage", "is where the counter stops")
    far = "{ vehicles(where: {mileage: {gte: 100000}}) { nodes { licencePlate } } }"
    assert rep.query(far) == {"vehicles": {"nodes": [{"licencePlate": "M-AB 12"}]}}


def test_customers_tell_how_many_vehicles_they_have_in_service(xrm: Xrm) -> None:
    rep = xrm.as_role("sales_rep")
    acme = xrm.create("customer", name="Acme", owner=rep.user_id)
    for plate, more in (("M-AB 1", {}), ("M-AB 2", {"mileage": 400_000}), ("M-AB 3", {"retired": True})):
        xrm.create("vehicle", {"licence_plate": plate, "customer": acme, **more})

    found = rep.query("{ customers { nodes { fleetInService vehicles(where: {worn: {eq: true}}) { totalCount } } } }")

    assert found["customers"]["nodes"] == [{"fleetInService": 2, "vehicles": {"totalCount": 1}}]


def test_a_vehicle_is_seized_on_the_command_line(xrm: Xrm) -> None:
    vehicle = xrm.create("vehicle", licence_plate="M-AB 12")

    xrm.command("fleet seize", plate="M-AB 12")

    assert (xrm.get("vehicle", vehicle) or {})["retired"]


def test_it_is_well_and_has_a_demo(xrm: Xrm) -> None:
    xrm.create("customer", name="Acme")

    assert xrm.health() == {"fleet.plates": ""}
    assert len(xrm.demo()["vehicle"]) == 1


def test_who_has_gone_far_is_retired_by_a_workflow(xrm: Xrm) -> None:
    xrm.work()
    far = xrm.create("vehicle", licence_plate="M-AB 1", mileage=600_000)
    near = xrm.create("vehicle", licence_plate="M-AB 2", mileage=6_000)

    xrm.work()

    assert [(xrm.get("vehicle", each) or {})["retired"] for each in (far, near)] == [True, False]


def test_the_overview_counts_what_the_caller_may_see(xrm: Xrm) -> None:
    for plate in ("M-AB 1", "M-AB 2"):
        xrm.create("vehicle", licence_plate=plate)

    seen = xrm.as_role("sales_rep").query("{ fleetOverview { vehicles retired plates } }")["fleetOverview"]

    assert seen == {"vehicles": 2, "retired": 0, "plates": ["M-AB 1", "M-AB 2"]}


def test_anybody_may_ask_whether_a_plate_is_stolen(xrm: Xrm) -> None:
    assert xrm.http.get("/plugins/fleet/stolen/b-xr 666").json() == {"stolen": True}


def test_the_nightly_job_runs_at_half_past_two(xrm: Xrm) -> None:
    xrm.clock.set("2026-03-01T12:00+01:00")
    assert xrm.work().jobs == []

    xrm.clock.set("2026-03-02T02:30+01:00")

    assert xrm.work().job("fleet.retire").result == {"retired": 0}


def test_the_role_and_the_settings_of_the_plugin_count(xrm_with: Callable[[Setup], Xrm]) -> None:
    setup = Setup({"fleet": xrm_fleet}, environment={"XRM_FLEET_STOLEN_PLATES": "M-AB 1,M-AB 2"})
    manager = xrm_with(setup).as_role("fleet_manager")

    manager.query(CREATE, plate="B-XR 666")

    manager.refused(CREATE, "REFUSED_BY_PLUGIN", plate="m-ab 1")


RECALL = "mutation ($id: ID!) { recallVehicle(id: $id) { retired } }"


def test_who_has_a_vehicle_is_called_in_once(xrm: Xrm) -> None:
    customer = xrm.create("customer", name="Acme", email="ada@example.com")
    vehicle, rep = xrm.create("vehicle", licence_plate="M-AB 12", customer=customer), xrm.as_role("sales_rep")

    xrm.work()

    for _ in range(2):
        rep.query(RECALL, id=vehicle)
        xrm.work()

    [mail] = xrm.mails
    assert (mail["To"], mail["Subject"]) == ("ada@example.com", "Recall")
    assert [event.values["text"] for event in heard(xrm, "fleet_note")] == [
        "New vehicle M-AB 12",
        "Recall of M-AB 12 leaves",
        "Recalled",
    ]


def test_a_vehicle_of_nobody_is_retired_in_place_of_a_recall(xrm: Xrm) -> None:
    vehicle = xrm.create("vehicle", licence_plate="M-AB 12")

    assert xrm.as_role("sales_rep").query(RECALL, id=vehicle) == {"recallVehicle": {"retired": True}}


def test_a_list_of_vehicles_is_one_statement(xrm: Xrm) -> None:
    for number in range(3):
        xrm.create("vehicle", licence_plate=f"M-AB {number}")
    rep = xrm.as_role("sales_rep")

    with xrm.statements(most=1):
        rep.query("{ vehicles { nodes { licencePlate customer { name } } } }")


def heard(xrm: Xrm, entity: str) -> list:  # type: ignore[type-arg]
    """What after-hooks were told of records of an entity, when all is done."""
    xrm.work()
    return [event for event in xrm.events if event.entity == entity]
