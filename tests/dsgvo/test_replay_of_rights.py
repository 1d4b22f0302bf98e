"""What somebody has said since a backup was made holds when it is restored, before anything is sent or served (I3)."""

import json
from types import SimpleNamespace
from typing import Any

import pytest
import xrm_dsgvo

from tests.dsgvo.conftest import KEY, OFFICER
from tests.dsgvo.consents import Consents, consents  # noqa: F401 - a fixture
from tests.dsgvo.restoring import Backups, backups  # noqa: F401 - a fixture
from tests.dsgvo.test_holds import GIVEN as HELD
from tests.dsgvo.test_holds import RELEASE as RELEASE_HOLD
from tests.dsgvo.test_holds import SET as HOLD
from tests.dsgvo.test_outbox import NEWS, Marketing
from tests.dsgvo.test_rectification import granted, right
from tests.dsgvo.test_requests import RECTIFY
from tests.dsgvo.test_restrictions import ANNOUNCE, ERASE_OPEN, ERASE_RUN, LIFT, OPEN, done
from tests.dsgvo.test_suspensions import END, TAX
from tests.dsgvo.test_suspensions import SET as SUSPEND
from xrm_core.api import open_text
from xrm_core.jobs.replaying import catch_up
from xrm_core.server.job_places import JobPlaces
from xrm_core.testing import Setup, Xrm

ALL = tuple(f"{name}@example.com" for name in ("ada", "ben", "cleo", "dan", "eve", "fay", "gus", "hal", "ivy"))
ADA, BEN, CLEO, DAN, EVE, FAY, GUS, HAL, IVY = ALL
BOUNCED = "mutation ($c: String!) { dsgvoUndeliverable(input: {contactPoint: $c}) }"
RELEASE = 'mutation ($id: ID!) { releaseSuppression(id: $id, input: {because: "It works."}) { id } }'
DECIDE = """mutation ($id: ID!) {
  decideObjection(id: $id, input: {decision: upheld, assessment: "Right"}) { status } }"""
CONTACT = "query ($id: ID!) { contact(id: $id) { email } }"
NEW = "ivy.kern@example.com"
SECRET = "Frau Geheim rief an"


@pytest.fixture(scope="module")
def xrm_setup() -> Setup:
    return Setup(plugins={"dsgvo": xrm_dsgvo, "mk": Marketing()}, environment=KEY)


def standing(found: Consents, ids: dict[str, str]) -> dict[str, Any]:
    """What may be sent to whom, and whose contact is there."""
    contacts = {each: found.admin.query(CONTACT, id=ids[each])["contact"] is not None for each in ALL}
    return {each: (found.permit(each), contacts[each]) for each in ALL}


@pytest.mark.invariant("I3")
def test_objections_withdrawals_suppressions_and_restrictions_since_a_backup_hold_after_its_restore(
    consents: Consents,  # noqa: F811
    backups: Backups,  # noqa: F811
) -> None:
    # given a backup in which all have consented, one is restricted, and a message to each waits
    xrm, admin = consents.xrm, consents.admin
    ids = {each: xrm.create("contact", last_name=each.partition("@")[0], email=each) for each in ALL}
    given = {each: consents.consent(each) for each in ALL}
    about = {each: {"entity": "contact", "record": ids[each]} for each in ALL}
    old = done(admin, OPEN, person=about[DAN], ground="accuracy", because="Contested.")["restriction"]
    held = [admin.query(HOLD, i=HELD | about[each])["dsgvoHoldSet"]["hold"] for each in (ADA, BEN)]
    for each in (ADA, BEN, FAY):
        admin.query(NEWS, id=ids[each])
    backups.save()

    # when they say otherwise after it
    consents.object(ADA, via=SECRET, grounds=SECRET)
    consents.withdraw(given[BEN])
    done(admin, OPEN, person=about[CLEO], ground="claims", because=SECRET, reviewOn="2031-01-31")
    done(admin, ANNOUNCE, restriction=old, via="letter")
    done(xrm.as_role("dsb"), LIFT, restriction=old, because="It is right.")
    points = {each["value"]: each["id"] for each in consents.rows("contactPoints", "id value")}
    for each in (EVE, FAY):
        admin.query(BOUNCED, c=points[each])
    [_, eve, _] = consents.rows("suppressions", "id reason", "{reason: {in: [bounce, objection]}}")
    admin.query(RELEASE, id=eve["id"])
    opposed = consents.object(None, scope="specific", person=about[GUS], grounds=SECRET)
    admin.query(DECIDE, id=opposed["objection"])
    consents.prefer(HAL, topic="news", wish="unwanted")
    field = about[IVY] | {"fields": ["email"]}
    done(admin, OPEN, person=about[IVY], ground="accuracy", because=SECRET, only=[field], purposes=["consent"])
    held += [admin.query(HOLD, i=HELD | about[each])["dsgvoHoldSet"]["hold"] for each in (EVE, FAY)]
    held.append(admin.query(HOLD, i=HELD | {"entity": "activity"})["dsgvoHoldSet"]["hold"])
    for each in held[1:3]:
        admin.query(RELEASE_HOLD, h=each)
    taxes = [admin.query(SUSPEND, i=TAX)["dsgvoSuspensionSet"]["suspension"] for _ in range(2)]
    admin.query(END, i={"suspension": taxes[0], "because": SECRET})
    wrong = granted(xrm, ids[HAL])
    more = [right(ids[HAL], "last_name", "Geheimrat"), right(ids[HAL], "active", "false")]
    done(xrm.as_role("dsgvo_agent"), RECTIFY, request=wrong, corrections=more)
    done(
        xrm.as_role("dsgvo_agent"), RECTIFY, request=granted(xrm, ids[IVY]), corrections=[right(ids[IVY], "email", NEW)]
    )
    before = standing(consents, ids)
    with xrm.database.begin() as connection:
        connection.exec_driver_sql("DELETE FROM xrm_job WHERE name = 'send_message'")  # this one sends nothing
    assert [each.name for each in xrm.work().jobs if each.name == "write_journal"]

    # then workers of what was restored do nothing before it is so again
    platform = backups.bring_back()
    [place] = JobPlaces(platform.settings, platform.plugins, platform.database)()
    assert place.caught_up
    with backups.serving(platform) as http:
        app = Consents(backups.app(platform, http, admin), admin, consents.declaration, consents.purposes)
        app.admin = app.xrm.as_role("admin")
        app.xrm.work()
        # nobody is written to, but whoever is reminded of what is due once an hour
        assert [each for each in xrm.mails if each["To"] != OFFICER] == []
        assert standing(app, ids) == before
        assert before == {
            ADA: ("E_OBJECTION", True),
            BEN: ("E_OBJECTION", True),
            CLEO: ("E_RESTRICTED", False),
            DAN: ("C_CONSENT", True),
            EVE: ("C_CONSENT", True),
            FAY: ("E_OBJECTION", True),
            GUS: ("E_RESTRICTED", False),
            HAL: ("P_PREFERENCE", True),
            IVY: ("E_RESTRICTED", True),
        }
        kept(app)
        assert app.admin.query(CONTACT, id=ids[IVY])["contact"] == {"email": None}
        [of_field] = app.rows("restrictions", "id", "{scope: {eq: field}}")
        done(app.admin, ANNOUNCE, restriction=of_field["id"], via="letter")
        done(app.xrm.as_role("dsb"), LIFT, restriction=of_field["id"], because="It is right.")
        assert app.admin.query(CONTACT, id=ids[IVY])["contact"] == {"email": NEW}
        years = app.rows("retentionSuspensions", "status firstYear lastYear")
        assert [tuple(each.values()) for each in years] == [("ended", 2010, 2012), ("active", 2010, 2012)]
        hal = app.admin.query("query ($id: ID!) { contact(id: $id) { lastName active } }", id=ids[HAL])["contact"]
        assert hal == {"lastName": "Geheimrat", "active": False}
        assert holds(app) == {("contact", ids[ADA]), ("contact", ids[FAY]), ("activity", None)}
    # and once more there is nothing to do, nor is anything in the journal that somebody has written
    assert catch_up(platform.database, platform.records) == 0
    journal_of(xrm)


def kept(app: Consents) -> None:
    """The records, as far as ids and kinds say them."""
    [ada, gus] = app.rows("objections", "scope status via contactPoint { value }")
    # what somebody has written is known again, where it was of a person
    texts = app.rows("objections", "grounds assessment", "{scope: {eq: specific}}")
    assert texts == [{"grounds": SECRET, "assessment": "Right"}]
    reasons = app.rows("restrictions", "because", "{ground: {in: [claims, accuracy]}, status: {eq: active}}")
    assert [each["because"] for each in reasons] == [SECRET, SECRET]
    lifted = app.rows("restrictions", "announcedVia liftedBecause", "{status: {eq: lifted}}")
    assert lifted == [{"announcedVia": "letter", "liftedBecause": "It is right."}]
    assert ada == {
        "scope": "direct_marketing",
        "status": "effective",
        "via": "restore",
        "contactPoint": {"value": ADA},
    }
    assert (gus["scope"], gus["status"]) == ("specific", "upheld")
    assert [each["status"] for each in app.rows("consents", "status")].count("withdrawn") == 2
    grounds = [
        (each["ground"], each["status"], each["reviewOn"] == "2031-01-31")
        for each in app.rows("restrictions", "ground status reviewOn")
    ]
    narrowed = app.rows("restrictions", "purposes", "{scope: {eq: field}}")
    assert narrowed == [{"purposes": ["consent"]}]
    assert sorted(grounds) == [
        ("accuracy", "active", False),
        ("accuracy", "lifted", False),
        ("claims", "active", True),
        ("objection", "active", False),
    ]
    bounced = [each["status"] for each in app.rows("suppressions", "status", "{reason: {eq: bounce}}")]
    assert sorted(bounced) == ["active", "released"]


def holds(app: Consents) -> set[tuple[str, str | None]]:
    """Upon what there are any."""
    rows = app.rows("legalHolds", "entityName recordId matter reviewOn", "{status: {eq: active}}")
    assert all(each["matter"] == "AZ 12/26" and each["reviewOn"] for each in rows)
    return {(each["entityName"], each["recordId"]) for each in rows}


def journal_of(xrm: Xrm) -> None:
    with xrm.database.read() as connection:
        rows = connection.exec_driver_sql("SELECT kind, content FROM xrm_journal_entry").all()
    assert len({kind for kind, _ in rows}) == 14
    assert not [content for _, content in rows if "Geheim" in content or "example.com" in content]


@pytest.mark.invariant("I3", "I24")
def test_what_was_written_is_sealed_in_the_journal_and_goes_with_the_person(xrm: Xrm) -> None:
    # given somebody who was restricted for a reason that the journal has
    admin, ada = xrm.as_role("admin"), xrm.create("contact", last_name="Ada", email=ADA)
    person = {"entity": "contact", "record": ada}
    done(admin, OPEN, person=person, ground="accuracy", because=SECRET)
    with xrm.database.read() as connection:
        [row] = connection.exec_driver_sql("SELECT content FROM xrm_journal_entry WHERE kind = 'dsgvo.restriction'")
    said = json.loads(row.content)
    assert SECRET not in row.content
    assert text_of(xrm, said) == SECRET

    # when they are erased
    plan = done(admin, ERASE_OPEN, **person)
    admin.query(ERASE_RUN, i={"run": plan["run"], "planHash": plan["planHash"]})
    xrm.work()

    # then nobody reads it any more
    assert text_of(xrm, said) is None


def text_of(xrm: Xrm, said: dict[str, Any]) -> str | None:
    with xrm.database.begin() as connection:
        context = SimpleNamespace(records=xrm.platform.records, connection=connection)
        return open_text(context, said["person"]["subject"], said["because"])  # type: ignore[arg-type]
