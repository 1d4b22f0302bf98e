"""What is left of somebody fits enough others, or goes as well (k-anonymity)."""

from typing import Any

import pytest

from tests.dsgvo.conftest import KEY
from tests.dsgvo.test_erasures import OPEN, RUN
from xrm_core.testing import Setup, Xrm

LEFT = "query ($id: ID!) { contact(id: $id) { lastName birthday postalCode country } }"


@pytest.fixture(scope="session")
def xrm_setup() -> Setup:
    return Setup(plugins=["dsgvo"], pack="association", environment={**KEY, "XRM_DSGVO_ANONYMOUS_GROUP": "3"})


def contact(xrm: Xrm, name: str, birthday: str | None, postal_code: str | None) -> str:
    values = {"first_name": name, "last_name": "Vogel", "birthday": birthday, "postal_code": postal_code}
    return xrm.create("contact", values | {"country": "DE"})


def erased(xrm: Xrm, id_: str) -> dict[str, Any]:
    """What is left of somebody after an erasure, which a second one leaves as it is."""
    admin, dsb = xrm.as_role("admin"), xrm.as_role("dsb")
    for _ in range(2):
        opened = admin.query(OPEN, i={"entity": "contact", "record": id_})["dsgvoErasureOpen"]
        done = dsb.query(RUN, i={"run": opened["run"], "planHash": opened["planHash"]})["dsgvoErasureRun"]
    assert {each["count"] for each in done["steps"]} == {0}
    return dict(admin.query(LEFT, id=id_)["contact"])


def test_coarser_values_stay_if_enough_others_fit_all_of_them_and_else_go_as_well(xrm: Xrm):
    # given three born in the eighties in one region, one there in the nineties, and one in the eighties elsewhere
    ada = contact(xrm, "Ada", "1981-05-06", "12345")
    for name, birthday in (("Bo", "1989-12-31"), ("Cleo", "1980-01-01")):
        contact(xrm, name, birthday, "12999")
    dan, eve = contact(xrm, "Dan", "1990-01-01", "12345"), contact(xrm, "Eve", "1985-01-01", "80331")
    fay = contact(xrm, "Fay", None, "12345")

    # then of the first one the decade and the region stay, also when she is erased again
    assert erased(xrm, ada) == {"lastName": "—", "birthday": "1980-01-01", "postalCode": "12000", "country": "DE"}
    # of those who are alone with both nothing of it does, and a region alone is that of four
    for alone in (dan, eve):
        assert erased(xrm, alone) == {"lastName": "—", "birthday": None, "postalCode": None, "country": "DE"}
    assert erased(xrm, fay)["postalCode"] == "12000"
