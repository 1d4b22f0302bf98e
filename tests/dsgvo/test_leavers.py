"""Who no longer works here is a pseudonym once their period is over; who does is no defect (retention of users)."""

from tests.dsgvo.test_retention import World, world  # noqa: F401 - a fixture
from tests.dsgvo.test_retention import xrm_setup as xrm_setup  # the same world

EVENTS = "{ retentionEvents { nodes { event recordId happenedOn } } }"
SWITCH = "mutation ($id: ID!, $on: Boolean!) { updateUser(id: $id, input: {active: $on}) { id } }"


def user(world: World, name: str) -> str:  # noqa: F811
    return world.xrm.create("user", {"last_name": name, "email": f"{name.lower()}@kern.example", "active": True})


def test_a_user_whose_account_is_switched_off_is_a_pseudonym_after_three_years_and_who_is_back_stays(
    world: World,  # noqa: F811
):
    # given one who works here, one who has left, and one who has left and is back
    ada, bo, cleo = (user(world, each) for each in ("Ada", "Bo", "Cleo"))
    for id_ in (bo, cleo):
        world.admin.query(SWITCH, id=id_, on=False)
    world.admin.query(SWITCH, id=cleo, on=True)
    told = world.admin.query(EVENTS)["retentionEvents"]["nodes"]
    assert told == [{"event": "user.left", "recordId": bo, "happenedOn": "2026-03-01"}]

    # when the period is over
    world.night("2029-12-31")
    assert (world.xrm.get("user", bo) or {})["last_name"] == "Bo"
    world.night("2030-01-01")

    # then nobody knows any more who it was, and their record is there for what they have done
    gone = world.xrm.get("user", bo) or {}
    assert (gone["last_name"], gone["first_name"], gone["email"].endswith("@erased.invalid")) == ("—", None, True)
    assert [(world.xrm.get("user", each) or {})["last_name"] for each in (ada, cleo)] == ["Ada", "Cleo"]
    assert "startMissing" not in world.report("user")
