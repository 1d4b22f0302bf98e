"""Values of which a plugin says that the log does not keep them in clear; what reads the log has them."""

from collections.abc import Mapping
from typing import Any

import pytest
from sqlalchemy import text

from xrm_core.api import InLog, Keyword, Model, hookimpl
from xrm_core.changes import closing, opening
from xrm_core.changes.keys import ChainKeys
from xrm_core.changes.sealing import seal_all
from xrm_core.errors import PluginLoadError
from xrm_core.plugins import Plugins
from xrm_core.records.door import Records
from xrm_core.records.log_values import close
from xrm_core.storage.tables import Tables
from xrm_core.testing import Setup, Xrm

FEED = """query ($after: String) { changes(after: $after, entities: [vehicle]) {
  cursor changes { operation id } } }"""
HISTORY = "query ($id: ID!) { vehicle(id: $id) { history(first: 9) { changes { field old new } } } }"
CHANGE = "mutation ($id: ID!, $v: UpdateVehicleInput!) { updateVehicle(id: $id, input: $v) { id } }"
ODD = {"kerb": 'he said: "xl1.no" \\ \u2028 ü', "place": "Bonn"}


class Fleet:
    """Plates are closed, with the places; remarks are not kept."""

    @hookimpl
    def register_keywords(self) -> list[Keyword]:
        return [Keyword("x-fleet", {}, in_log=self.in_log)]

    def in_log(self, model: Model) -> Mapping[str, Mapping[str, InLog]]:
        assert "vehicle" in model
        closed = {name: InLog("sealed", "street") for name in ("place", "kerb", "seats", "price", "extras", "known")}
        return {"vehicle": {**closed, "remark": InLog("names")}}


TEXT = {"type": "string"}
VEHICLE = {
    "x-entity": "vehicle",
    "type": "object",
    "properties": {
        "plate": TEXT,
        "place": TEXT,
        "kerb": TEXT,
        "remark": TEXT,
        "seats": {"type": "integer"},
        "price": {"type": "number", "x-type": "decimal"},
        "extras": {"type": "array", "items": {"enum": ["radio", "hook"]}, "uniqueItems": True},
        "known": {"type": "object", "x-type": "json"},
    },
}


@pytest.fixture(scope="session")
def xrm_setup() -> Setup:
    return Setup(
        plugins={"fleet": Fleet()},
        files={"vehicle": VEHICLE},
        roles={
            "roles": {"clerk": {}, "keeper": {}},
            "rules": {"bonn": {"place": {"eq": "Bonn"}}, "north": {"plate": {"startsWith": "N"}}},
        },
        policies=[
            "clerk,vehicle,read,*,bonn,allow",
            "clerk,vehicle,history,*,,allow",
            "keeper,vehicle,read,*,north,allow",
        ],
    )


def logged(xrm: Xrm, id_: str) -> str:
    with xrm.database.read() as connection:
        return "\n".join(connection.scalars(text("SELECT fields FROM xrm_change WHERE record_id = :i"), {"i": id_}))


def test_all_types_come_back_as_they_were(xrm: Xrm) -> None:
    # given
    given = {
        **ODD,
        "seats": 5,
        "price": "12.50",
        "extras": ["radio"],
        "known": {"a": [1, None, "ü", 2**62]},
        "plate": "B-1",
    }
    id_, admin = xrm.create("vehicle", given), xrm.as_role("admin")
    admin.query(CHANGE, id=id_, v={"place": None, "extras": [], "known": {"b": True}, "price": "1"})
    before = admin.query(HISTORY, id=id_)

    # when
    xrm.work()

    # then
    assert "xl1.no" not in logged(xrm, id_)
    assert "B-1" in logged(xrm, id_)
    assert admin.query(HISTORY, id=id_) == before


def test_a_value_that_is_not_kept_is_gone_and_its_name_is_not(xrm: Xrm) -> None:
    # given
    id_, admin = xrm.create("vehicle", plate="B-2", remark="rust"), xrm.as_role("admin")
    admin.query(CHANGE, id=id_, v={"remark": "sold"})

    # when
    xrm.work()

    # then
    assert "rust" not in logged(xrm, id_)
    assert "sold" not in logged(xrm, id_)
    with xrm.database.read() as connection:
        erased = connection.scalars(text("SELECT erased FROM xrm_change WHERE record_id = :i"), {"i": id_}).all()
    assert all("remark" in each for each in erased)


def test_who_could_see_a_record_by_a_closed_value_is_told_that_it_is_gone(xrm: Xrm) -> None:
    # given somebody who sees what is in Bonn
    clerk, admin = xrm.as_role("clerk"), xrm.as_role("admin")
    here, there = xrm.create("vehicle", place="Bonn"), xrm.create("vehicle", place="Köln")
    xrm.work()
    cursor = clerk.query(FEED)["changes"]["cursor"]

    # when both leave for a third place
    for id_ in (here, there):
        admin.query(CHANGE, id=id_, v={"place": "Trier"})
    xrm.work()
    assert "Bonn" not in logged(xrm, here)

    # then only what they have seen is told
    told = clerk.query(FEED, after=cursor)["changes"]["changes"]
    assert told == [{"operation": "REMOVE", "id": here}]


def test_a_feed_opens_what_a_rule_needs_alone_and_waits_for_no_key_store_else(
    xrm: Xrm, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given two who see a vehicle, one by a closed value, the other by one in clear
    keeper, clerk, admin = xrm.as_role("keeper"), xrm.as_role("clerk"), xrm.as_role("admin")
    stays, leaves, gone = (xrm.create("vehicle", plate=f"N-{each}", place="Bonn", kerb="a") for each in "123")
    xrm.work()
    cursors = [each.query(FEED)["changes"]["cursor"] for each in (keeper, clerk)]
    for id_, values in ((stays, {"kerb": "b", "seats": 4}), (leaves, {"plate": "S-2", "place": "Trier", "kerb": None})):
        admin.query(CHANGE, id=id_, v=values)
    admin.query("mutation ($id: ID!) { deleteVehicle(id: $id) { id } }", id=gone)
    xrm.work()
    assert "Bonn" not in logged(xrm, leaves)
    whole = keeper.query(FEED, after=cursors[0])["changes"]["changes"]

    # when the key store is away
    monkeypatch.setattr(opening, "store_of", lambda _: None)

    # then who does not need it is told the same
    assert keeper.query(FEED, after=cursors[0])["changes"]["changes"] == whole
    expected = {(stays, "UPDATE"), (leaves, "REMOVE"), (gone, "REMOVE")}
    assert {(each["id"], each["operation"]) for each in whole} == expected
    # and who does is told that it is away, not half of it
    clerk.refused(FEED, "SEALING_UNAVAILABLE", after=cursors[1])


def test_of_two_servers_that_come_to_the_same_values_one_closes_them(xrm: Xrm, monkeypatch: pytest.MonkeyPatch) -> None:
    id_, records = xrm.create("vehicle", place="Bonn"), xrm.platform.records
    seal_all(xrm.database, ChainKeys(""))
    seen, others = closing._next, list[int]()

    def then_another_is_at_it(*given: Any) -> Any:
        found = seen(*given)
        if not others:
            others.append(0)
            others.append(close(xrm.database, records))
        return found

    monkeypatch.setattr(closing, "_next", then_another_is_at_it)

    assert close(xrm.database, records) == 0
    assert others[1] > 0
    assert "Bonn" not in logged(xrm, id_)


def test_closed_text_of_another_place_is_not_opened(xrm: Xrm) -> None:
    # given somebody who has got hold of a closed value, and writes it into a field of theirs
    id_, admin = xrm.create("vehicle", place="Bonn"), xrm.as_role("admin")
    xrm.work()
    said = logged(xrm, id_).split('"place":"')[1].split('"')[0]
    mine = xrm.create("vehicle", plate=said, kerb=said)

    # when
    shown = [admin.post(HISTORY, id=mine).text]
    xrm.work()
    shown.append(admin.post(HISTORY, id=mine).text)

    # then
    assert said.startswith("xl1.")
    assert all("Bonn" not in each and said in each for each in shown)


def test_what_a_plugin_says_wrongly_stops_the_start(xrm: Xrm) -> None:
    # given
    class Broken:
        @hookimpl
        def register_keywords(self) -> list[Keyword]:
            return [Keyword("x-broken", {}, in_log=self.raises)]

        def raises(self, model: Model) -> Any:
            raise LookupError("no such thing")

    found: list[Any] = Setup(plugins={"broken": Broken()}).installed()

    # then
    with pytest.raises(PluginLoadError, match="no such thing"):
        _ = Records(xrm.platform.model, Tables(xrm.platform.model), Plugins(found)).log_rules
