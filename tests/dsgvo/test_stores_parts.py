"""A restriction of some fields of a person is told to stores that know what theirs comes from; of others it says that
somebody has to see to it.
"""

from typing import Any

import pytest
import xrm_dsgvo

from tests.dsgvo.capturing import NAME, News
from tests.dsgvo.conftest import KEY
from tests.dsgvo.test_requests import done
from tests.dsgvo.test_restrictions import ANNOUNCE, LIFT, OPEN
from xrm_core.api import DataStore, StorePart, hookimpl
from xrm_core.testing import Setup, Xrm

KNOWING, CRUDE = News(parts=True), News()
ADDRESS = "eva@einzeln.example"


class Crude:
    """A store that knows no parts."""

    @hookimpl
    def register_data_stores(self) -> list[DataStore]:
        questions = {
            name: CRUDE._asking(name) for name in ("discover", "export", "restrict", "lift", "erase", "verify")
        }
        return [DataStore("crude.index", **questions)]


@pytest.fixture(scope="module")
def xrm_setup() -> Setup:
    return Setup(plugins={"dsgvo": xrm_dsgvo, "news": KNOWING, "crude": Crude()}, environment=KEY)


@pytest.fixture
def eva(xrm: Xrm) -> str:
    for each in (KNOWING, CRUDE):
        each.clear()
        each.put("1", ADDRESS)
    return xrm.create("contact", first_name="Eva", last_name="Einzeln", email=ADDRESS, phone="+4930123456")


def restricted(xrm: Xrm, eva: str, *fields: str) -> str:
    """A restriction of the whole person, or of fields of their record."""
    person: dict[str, Any] = {"entity": "contact", "record": eva}
    only = [{**person, "fields": list(fields)}] if fields else []
    given = {"person": person, "only": only, "ground": "accuracy", "because": "It is contested."}
    id_ = str(done(xrm.as_role("dsb"), OPEN, **given)["restriction"])
    xrm.work()
    return id_


def lifted(xrm: Xrm, id_: str) -> None:
    dsb = xrm.as_role("dsb")
    done(dsb, ANNOUNCE, restriction=id_, via="letter")
    done(dsb, LIFT, restriction=id_, because="It is right.")
    xrm.work()


def told(xrm: Xrm, id_: str) -> dict[str, Any]:
    found = xrm.as_role("admin").query("query ($id: ID!) { restriction(id: $id) { stores } }", id=id_)
    return {name: (each["status"], each["code"]) for name, each in found["restriction"]["stores"].items()}


def asked() -> list[tuple[str, list[StorePart]]]:
    """Of the store that knows parts, since it was asked last."""
    found = [(question, list(about.parts)) for question, about in KNOWING.asked]
    KNOWING.asked.clear()
    return found


@pytest.mark.invariant("I17")
def test_some_fields_are_told_with_what_stands_in_them_alone(xrm: Xrm, eva: str) -> None:
    id_ = restricted(xrm, eva, "email")

    # then a store that knows fields is told which, and nothing that stands in others
    [(question, about)] = KNOWING.asked
    assert question == "restrict"
    assert about.parts == (StorePart("contact", eva, ("email",)),)
    assert about.records == (("contact", eva),)
    assert ADDRESS in about.identifiers
    assert not [each for each in about.identifiers if "123456" in each]
    assert KNOWING.readers["1"].put_away
    # and another one is not asked, for it would put all of the person away
    assert CRUDE.asked == []
    assert told(xrm, id_) == {NAME: ("restricted", ""), "crude.index": ("by_hand", "STORE_KNOWS_NO_PARTS")}

    # and it ends with the restriction
    lifted(xrm, id_)
    assert not KNOWING.readers["1"].put_away
    assert told(xrm, id_)[NAME] == ("lifted", "")


def test_parts_that_stand_besides_are_said_again_after_what_ends(xrm: Xrm, eva: str) -> None:
    # given the address and the number restricted apart
    part = {name: StorePart("contact", eva, (name,)) for name in ("email", "phone")}
    address, number = restricted(xrm, eva, "email"), restricted(xrm, eva, "phone")
    assert asked() == [("restrict", [part["email"]]), ("restrict", [part["phone"]])]

    # when all of the person is restricted as well, and that is lifted
    whole = restricted(xrm, eva)
    assert asked() == [("restrict", [])]
    assert CRUDE.readers["1"].put_away
    lifted(xrm, whole)

    # then both still stand
    assert asked() == [("lift", []), ("restrict", [part["email"], part["phone"]])]
    assert not CRUDE.readers["1"].put_away
    lifted(xrm, number)
    assert asked() == [("lift", [part["phone"]]), ("restrict", [part["email"]])]
    assert KNOWING.readers["1"].put_away
    lifted(xrm, address)
    assert asked() == [("lift", [part["email"]])]
    assert not KNOWING.readers["1"].put_away
