"""Visits: whom to see, in which order, and the sheet for a call."""

from itertools import permutations
from pathlib import Path

import xrm_sales
from hypothesis import given
from hypothesis import strategies as st
from xrm_sales.visits.route import Place, kilometres, length, shortened

from tests.sales.conftest import Sales

PLACES = st.builds(Place, st.floats(47, 55), st.floats(6, 15))
PLAN = """
query ($stops: Int!, $city: String) {
  salesVisitPlan(latitude: "48.40", longitude: "9.99", stops: $stops, city: $city) {
    kilometres stops { stop daysSince urgency worth customer { name } }
  }
}"""


def test_a_known_distance():
    assert round(kilometres(Place(48.4, 9.99), Place(48.14, 11.58))) == 121  # Ulm to Munich


@given(PLACES, st.lists(PLACES, max_size=6))
def test_a_way_visits_all_and_is_seldom_longer_than_need_be(start: Place, stops: list[Place]):
    order = shortened(start, stops)
    way = length(start, [stops[each] for each in order])
    best = min(length(start, each) for each in permutations(stops))

    assert sorted(order) == list(range(len(stops)))
    assert way <= best * 1.25 + 1e-6
    for begin in range(len(order)):
        for end in range(begin + 1, len(order)):
            turned = order[:begin] + order[begin : end + 1][::-1] + order[end + 1 :]
            assert way <= length(start, [stops[each] for each in turned]) + 1e-6


def customer(sales: Sales, name: str, latitude: float, **values: object) -> str:
    return sales.xrm.create("customer", {"name": name, "latitude": latitude, "longitude": 9.99, **values})


def test_who_is_worth_most_and_was_not_seen_for_long_comes_first(sales: Sales):
    sales.xrm.clock.set("2026-06-30T12:00Z")
    for name, latitude, rating, last in (
        ("Far and due", 49.40, "A", "2026-04-01"),
        ("Near and due", 48.50, "A", "2026-04-15"),
        ("Just seen", 48.45, "A", "2026-06-29"),
        ("Small and due", 48.60, "D", "2026-04-01"),
    ):
        id_ = customer(sales, name, latitude, rating=rating)
        sales.xrm.create("visit", customer=id_, status="done", made_on=last)
    customer(sales, "Nowhere", 48.5, longitude=None)

    found = sales.admin.query(PLAN, stops=2)["salesVisitPlan"]

    assert [each["customer"]["name"] for each in found["stops"]] == ["Near and due", "Far and due"]
    assert [each["daysSince"] for each in found["stops"]] == [76, 90]
    assert float(found["stops"][1]["urgency"]) == 3
    assert 220 < float(found["kilometres"]) < 225
    assert sales.admin.refused(PLAN, "REFUSED_BY_PLUGIN", stops=13).details["field"] == "stops"


def test_only_those_nearby_are_looked_at(sales: Sales):
    for name, latitude, longitude in (("Near", 48.5, 9.99), ("Corner", 48.85, 10.67), ("Far", 49.4, 9.99)):
        sales.xrm.create("customer", name=name, latitude=latitude, longitude=longitude)
    short = """query ($lat: Decimal!, $lon: Decimal!, $within: Int!) {
      salesVisitPlan(latitude: $lat, longitude: $lon, within: $within) { stops { customer { name } } }
    }"""

    def names(within: int, lat: str = "48.40", lon: str = "9.99") -> list[str]:
        found = sales.admin.query(short, within=within, lat=lat, lon=lon)["salesVisitPlan"]["stops"]
        return sorted(each["customer"]["name"] for each in found)

    assert names(60) == ["Near"]  # the corner of a box of 60 km is 70 km away
    assert names(80) == ["Corner", "Near"]
    assert names(1000) == ["Corner", "Far", "Near"]
    assert names(1000, "89.9", "179.9") == []
    for wrong in ({"within": 0}, {"within": 1001}, {"within": 5, "lat": "91"}):
        given = {"lat": "48", "lon": "9", **wrong}
        assert sales.admin.refused(short, "REFUSED_BY_PLUGIN", **given).details["field"] in ("within", "latitude")


def test_nobody_is_sent_to_customers_whom_they_may_not_see(sales: Sales):
    ada = sales.xrm.as_role("sales_seller", "guest", first_name="Ada")
    customer(sales, "Somebody's", 48.5)
    short = "{ salesVisitPlan(latitude: 48.4, longitude: 9.99) { stops { stop } } }"

    ada.refused(short, "FORBIDDEN")  # a guest does not see where customers are


def test_the_sheet_for_a_call_is_one_query(sales: Sales):
    sheet = (Path(xrm_sales.__file__).parent / "visits" / "customer_sheet.graphql").read_text("utf-8")
    id_ = customer(sales, "Kern KG", 48.5, phone="+4973112345")
    sales.xrm.create("contact", last_name="Kern", organisation={"customer": id_})
    sales.xrm.create("opportunity", name="Press", customer=id_, amount=100)
    sales.xrm.create("activity", kind="call", subject="Talk", regarding={"customer": id_})

    sales.admin.query(sheet, id=id_)  # once, so that who is asking is known
    with sales.xrm.statements(most=1):
        found = sales.admin.query(sheet, id=id_)["customer"]

    assert found["name"] == "Kern KG"
    assert found["opportunities"]["nodes"][0]["name"] == "Press"
    assert found["contacts"]["nodes"][0]["lastName"] == "Kern"
    assert found["activities"]["nodes"][0]["subject"] == "Talk"
