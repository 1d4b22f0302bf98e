"""Restriction (Article 18, I17 and I18): what is restricted is nowhere, and back once it is lifted; with canaries."""

import json
from typing import Any

import pytest
from sqlalchemy import inspect, text

from tests.dsgvo.canaries import Person, tokens_in
from tests.dsgvo.consents import OBJECT, PERMIT
from tests.dsgvo.followers import following
from tests.dsgvo.reading import everything
from tests.dsgvo.test_access import ACCESS, SETUP
from tests.dsgvo.test_requests import known, opened
from xrm_core.testing import Client, Setup, Xrm

STANDING = "restriction status moved { entity records } left { entity record }"
OPEN = f"mutation ($i: DsgvoRestrictionOpenInput!) {{ dsgvoRestrictionOpen(input: $i) {{ {STANDING} }} }}"
ANNOUNCE = f"mutation ($i: DsgvoRestrictionAnnounceInput!) {{ dsgvoRestrictionAnnounce(input: $i) {{ {STANDING} }} }}"
LIFT = f"mutation ($i: DsgvoRestrictionLiftInput!) {{ dsgvoRestrictionLift(input: $i) {{ {STANDING} }} }}"
LOOK = """mutation ($i: DsgvoRestrictionLookInput!) { dsgvoRestrictionLook(input: $i) {
  records { entity record whole values { field value } former { field value until } } } }"""
REFUSED = "REFUSED_BY_PLUGIN"


@pytest.fixture(scope="session")
def xrm_setup() -> Setup:
    return SETUP


def done(client: Client, document: str, **given: Any) -> dict[str, Any]:
    [answer] = client.query(document, i=given).values()
    return dict(answer)


def restricted(xrm: Xrm, person: Person, **more: Any) -> dict[str, Any]:
    given = {"entity": "contact", "record": person.records["contact"]}
    return done(xrm.as_role("dsb"), OPEN, person=given, ground="accuracy", because="The address is contested.", **more)


def dump(xrm: Xrm) -> bytes:
    """All rows of all tables."""
    with xrm.database.read() as connection:
        names = inspect(connection).get_table_names()
        rows = [row for name in names for row in connection.execute(text(f'SELECT * FROM "{name}"'))]
    values = [bytes(each) if isinstance(each, memoryview) else each for row in rows for each in row]
    return b"\n".join(each if isinstance(each, bytes) else str(each).encode() for each in values)


@pytest.mark.invariant("I17", "I18")
def test_nothing_of_the_person_is_found_anywhere_and_all_is_back_when_it_is_lifted(xrm: Xrm):
    a, b, c = xrm.begun  # C is a duplicate of A
    before = tokens_in(dump(xrm), [a, b, c])
    contacts = xrm.as_role("admin").query("{ contacts { totalCount } }")["contacts"]["totalCount"]

    # when
    standing = restricted(xrm, a)

    # then no value is in any table, none of the other person's is missing, and nobody finds or counts the contact
    assert standing["status"] == "active"
    assert {"entity": "contact", "records": 2} in standing["moved"]
    found = tokens_in(dump(xrm), [a, b, c])
    moved = {each["entity"] for each in standing["moved"]}
    assert not {(*place,) for name, *place in found if name != "B" and place[0] in moved}
    assert {each["entity"] for each in standing["left"]} == set()
    assert {each for each in found if each[0] == "B"} == {each for each in before if each[0] == "B"}
    admin = xrm.as_role("admin")
    assert admin.query("query ($id: ID!) { contact(id: $id) { id } }", id=a.records["contact"])["contact"] is None
    assert admin.query("{ contacts { totalCount } }")["contacts"]["totalCount"] == contacts - 2

    # when it is lifted, after the person was told
    dsb, id_ = xrm.as_role("dsb"), standing["restriction"]
    assert "Article 18(3)" in dsb.refused(LIFT, REFUSED, i={"restriction": id_, "because": "It is right."}).message
    assert done(dsb, ANNOUNCE, restriction=id_, via="letter")["status"] == "lift_announced"
    assert done(dsb, LIFT, restriction=id_, because="It is right.")["moved"] == standing["moved"]

    # then all is back
    assert tokens_in(dump(xrm), [a, b, c]) == before
    dsb.refused(LIFT, REFUSED, i={"restriction": id_, "because": "Once more."})
    dsb.refused(ANNOUNCE, REFUSED, i={"restriction": id_, "via": "letter"})


@pytest.mark.invariant("I17")
def test_no_link_opens_a_file_meanwhile_and_it_is_what_it_was_once_it_is_lifted(xrm: Xrm):
    # given the file of a member, with a link that needs no token
    a, *_ = xrm.begun
    admin, dsb = xrm.as_role("admin"), xrm.as_role("dsb")
    query = "query ($id: ID!) { member(id: $id) { applicationForm { name mediaType size sha256 state url } } }"
    before = admin.query(query, id=a.records["member"])["member"]["applicationForm"]
    link = admin.request("POST", f"{before['url']}/links").json()["url"]
    content = xrm.http.get(link).content
    assert tokens_in(content, [a]) == {("A", "member", "application_form")}
    request = opened(xrm.as_role("dsgvo_agent"), "access")
    known(xrm.as_role("dsgvo_agent"), request, a.records["contact"])
    listed = f"/plugins/dsgvo/answers/{request}/files"
    receipts = xrm.as_role("dsgvo_agent").request("GET", listed).json()
    assert {each["field"] for each in receipts} == {"receipt"}
    receipt = xrm.http.get(receipts[0]["url"]).content

    # when
    standing = restricted(xrm, a)

    # then
    for way in (link, receipts[0]["url"]):
        assert xrm.http.get(way).status_code == 404
    for path in (before["url"], f"{before['url']}/versions"):
        assert admin.request("GET", path).status_code == 404
    assert admin.request("POST", f"{before['url']}/links").status_code == 404

    # but who makes the answer, and who looks at it for a purpose that is allowed
    agent = xrm.as_role("dsgvo_agent")
    [kept] = [each for each in agent.request("GET", listed).json() if each["sha256"] == receipts[0]["sha256"]]
    assert {name: kept[name] for name in ("entity", "record", "field", "name", "size")} == {
        name: receipts[0][name] for name in ("entity", "record", "field", "name", "size")
    }
    assert agent.request("GET", kept["url"]).content == receipt
    assert xrm.as_role("auditor").request("GET", kept["url"]).status_code == 422
    assert xrm.http.get(kept["url"]).status_code == 401
    form = f"/plugins/dsgvo/restrictions/{standing['restriction']}/files/{before['url'].rpartition('/')[2]}"
    why = {"purpose": "legal_claims", "because": "The court asks."}
    answer = dsb.request("POST", form, json=why)
    assert (answer.content, answer.headers["content-disposition"][:11]) == (content, "attachment;")
    for client, given in ((agent, why), (dsb, {**why, "purpose": "fun"}), (dsb, {**why, "because": ""}), (dsb, [])):
        assert client.request("POST", form, json=given).status_code == 422
    uses = "{ restrictionUses { nodes { purpose because } } }"
    assert xrm.as_role("auditor").query(uses)["restrictionUses"]["nodes"] == [why]

    # when
    done(dsb, ANNOUNCE, restriction=standing["restriction"], via="letter")
    done(dsb, LIFT, restriction=standing["restriction"], because="It is right.")

    # then
    assert admin.query(query, id=a.records["member"])["member"]["applicationForm"] == before
    assert xrm.http.get(link).content == content


@pytest.mark.invariant("I17")
def test_no_way_of_reading_shows_or_counts_it(xrm: Xrm):
    # given another record of that name in the trash
    a, *_ = xrm.begun
    admin, contact = xrm.as_role("admin"), a.records["contact"]
    name = a.tokens["contact", "last_name"]
    trashed = xrm.create("contact", last_name=name, first_name=a.tokens["contact", "first_name"])
    admin.query("mutation ($id: ID!) { deleteContact(id: $id) { id } }", id=trashed)
    ways = {
        "list": "query ($n: String!) { contacts(where: {lastName: {eq: $n}}) { totalCount nodes { id lastName } } }",
        "count": "query ($n: String!) { contactsAggregate(where: {lastName: {eq: $n}}) { count } }",
        "search": "query ($n: String!) { search(text: $n, entities: [contact]) { title } }",
        "relation": "query ($n: String!) { activities(where: {contact: {lastName: {eq: $n}}}) { totalCount } }",
        "trash": "{ contactsTrash { nodes { id lastName } } }",
        "groups": "{ contactsAggregate(groupBy: [{lastName: VALUE}]) { key { lastName } } }",
        "report": "{ contactsAggregate { max { lastName } min { lastName } } }",
    }
    before = {way: str(admin.query(document, **_given(document, name))) for way, document in ways.items()}
    assert {way for way in ways if name in before[way] or "'count': 1" in before[way]} >= {"list", "count", "search"}

    # when
    restricted(xrm, a)

    # then
    for way, document in ways.items():
        answer = admin.query(document, **_given(document, name))
        assert contact not in str(answer), way
        assert way == "trash" or name not in str(answer), way
        assert [each for each in _counts(answer) if each] == [], way
    history = "query ($id: ID!) { contact(id: $id) { history { version } } }"
    assert admin.query(history, id=contact)["contact"] is None
    refused = admin.post(
        'mutation ($id: ID!) { updateContact(id: $id, input: {lastName: "X"}) { id } }', id=contact
    ).json()
    assert refused["errors"][0]["extensions"]["code"] == "NOT_FOUND"


@pytest.mark.invariant("I17")
def test_who_follows_changes_is_not_told_of_it_though_they_were_waiting(xrm: Xrm):
    # given changes of A and of B of which nobody was told yet
    a, b, c = xrm.begun
    with following(xrm) as followers:
        for person in (a, b):
            change = 'mutation ($id: ID!) { updateContact(id: $id, input: {department: "New"}) { id } }'
            xrm.as_role("admin").query(change, id=person.records["contact"])

        # when
        restricted(xrm, a)
        told = followers.told()

    # then they hear of B, and nothing of A
    for name, content in told.items():
        assert {each for each, *_ in tokens_in(content, [a, b, c])} == {"B"}, name


@pytest.mark.slow
@pytest.mark.invariant("I17")
@pytest.mark.parametrize("role", ["admin", "dsb", "dsgvo_agent", "auditor", "sales_rep"])
def test_nothing_that_a_role_is_offered_to_read_has_it(xrm: Xrm, role: str):
    a, b, c = xrm.begun
    standing = restricted(xrm, a)
    moved = {each["entity"] for each in standing["moved"]}

    shown: set[tuple[str, str, str]] = set()
    for document, answer in everything(xrm.as_role(role)):
        found = tokens_in(answer, [a, b, c])
        assert not {entity for name, entity, _ in found if name != "B"} & moved, document
        shown |= found

    assert {"B"} <= {name for name, *_ in shown} or role in ("dsb", "dsgvo_agent", "auditor")


def _given(document: str, name: str) -> dict[str, str]:
    return {"n": name} if "$n" in document else {}


def _counts(answer: Any) -> list[int]:
    if isinstance(answer, dict):
        own = [value for key, value in answer.items() if key in ("totalCount", "count")]
        return [*own, *(each for value in answer.values() for each in _counts(value))]
    return [each for value in answer for each in _counts(value)] if isinstance(answer, list) else []


@pytest.mark.invariant("I17")
def test_it_is_looked_at_for_a_purpose_and_that_is_kept(xrm: Xrm):
    a, *_ = xrm.begun
    standing = restricted(xrm, a, reviewOn="2027-01-31")
    dsb, id_ = xrm.as_role("dsb"), standing["restriction"]
    given = {"restriction": id_, "purpose": "legal_claims", "because": "The court asks."}

    found = done(dsb, LOOK, **given)["records"]

    [contact] = [each for each in found if each["record"] == a.records["contact"]]
    values = {each["field"]: json.loads(each["value"]) for each in contact["values"]}
    assert contact["whole"]
    assert values["email"] == a.tokens["contact", "email"]
    query = "{ restrictions { nodes { ground status reviewOn uses { nodes { purpose records } } } } }"
    [kept] = xrm.as_role("auditor").query(query)["restrictions"]["nodes"]
    assert kept == {
        "ground": "accuracy",
        "status": "active",
        "reviewOn": "2027-01-31",
        "uses": {"nodes": [{"purpose": "legal_claims", "records": len(found)}]},
    }
    dsb.refused(LOOK, REFUSED, i={**given, "because": " "})
    assert "errors" in xrm.as_role("admin").post(LOOK, i=given).json()  # without a right to sealed values
    admin = xrm.as_role("admin")
    admin.refused("mutation ($id: ID!) { deleteRestriction(id: $id) { id } }", REFUSED, id=id_)


def test_who_asks_for_their_data_is_told_of_restricted_ones_too(xrm: Xrm):
    a, b, _ = xrm.begun
    agent = xrm.as_role("dsgvo_agent")
    for text_ in ("Former", a.tokens["contact", "department"]):
        change = "mutation ($id: ID!, $d: String!) { updateContact(id: $id, input: {department: $d}) { id } }"
        xrm.as_role("admin").query(change, id=a.records["contact"], d=text_)
    request = opened(agent, "access")
    known(agent, request, a.records["contact"])
    open_ = done(agent, ACCESS, request=request)["content"]

    restricted(xrm, a)
    made = done(agent, ACCESS, request=request)["content"]

    before, after = json.loads(open_), json.loads(made)
    told = {each["id"]: each for each in after["data"]}
    for each in before[
        "data"
    ]:  # with the values of all fields, former ones and what files are, but for what they cause
        assert {f["name"]: f["value"] for f in told[each["id"]]["fields"]}.items() >= {
            f["name"]: f["value"] for f in each["fields"] if f["origin"] != "derived"
        }.items()
        assert [(h["name"], h["value"]) for h in told[each["id"]]["history"]] == [
            (h["name"], h["value"]) for h in each["history"]
        ]
    departments = [h["value"] for h in told[a.records["contact"]]["history"] if h["name"] == "department"]
    assert departments == ["Former", a.tokens["contact", "department"]]
    [contact] = [each for each in after["data"] if each["id"] == a.records["contact"]]
    assert contact["restricted"]
    assert a.tokens["contact", "email"] in made
    assert "restricted (Article 18" in done(agent, ACCESS, request=request, form="html", language="en")["content"]
    assert not tokens_in(made.encode(), [b])


def test_nothing_is_sent_to_the_address_and_an_objection_of_that_kind_restricts(xrm: Xrm):
    a, *_ = xrm.begun
    admin, address = xrm.as_role("admin"), a.tokens["contact", "email"]
    person = {"entity": "contact", "record": a.records["contact"]}
    given = {"scope": "specific", "person": person, "grounds": "My situation"}

    assert admin.query(OBJECT, i=given)["dsgvoObjectionRecord"]["status"] == "restricted"

    assert admin.query("{ restrictions { nodes { ground } } }")["restrictions"]["nodes"] == [{"ground": "objection"}]
    assert admin.query("query ($id: ID!) { contact(id: $id) { id } }", id=person["record"])["contact"] is None
    found = admin.query(PERMIT, channel="email", to=address, purpose=None, kind="transactional")["dsgvoPermit"]
    assert not found["allowed"]


ERASE_OPEN = """mutation ($i: DsgvoErasureOpenInput!) { dsgvoErasureOpen(input: $i) {
  run planHash records { entity record action fields { name decision } } } }"""
ERASE_RUN = "mutation ($i: DsgvoErasureRunInput!) { dsgvoErasureRun(input: $i) { status } }"


def erasing(client: Client, person: Person, **more: Any) -> dict[str, Any]:
    """A plan in which all texts that are to be reviewed go."""
    given = {"entity": "contact", "record": person.records["contact"], **more}
    reviewed = [
        {"entity": each["entity"], "record": each["record"], "field": f["name"], "erase": True}
        for each in done(client, ERASE_OPEN, **given)["records"]
        for f in each["fields"]
        if f["decision"] == "review"
    ]
    return done(client, ERASE_OPEN, reviewed=reviewed, **given)


@pytest.mark.invariant("I1", "I4")
def test_what_is_restricted_is_erased_out_of_the_vault(xrm: Xrm):
    # given a person with a duplicate, who is restricted after a plan was opened
    a, b, c = xrm.begun
    agent, dsb = xrm.as_role("dsgvo_agent"), xrm.as_role("dsb")
    before = erasing(agent, a)
    others = set(tokens_in(dump(xrm), [b]))
    restriction = restricted(xrm, a)["restriction"]

    # when a plan is opened of what lies in the vault
    plan = erasing(agent, a)

    # then it is about the same records, they are where they were, and it is run like any other
    assert {(each["entity"], each["record"]) for each in plan["records"]} >= {
        (each["entity"], each["record"]) for each in before["records"]
    }
    found = "query ($id: ID!) { contact(id: $id) { email } }"
    assert xrm.as_role("admin").query(found, id=a.records["contact"])["contact"] is None
    dsb.query(ERASE_RUN, i={"run": plan["run"], "planHash": plan["planHash"]})

    # then nothing of theirs is anywhere, the restriction is at its end, and all of others is as it was
    left = dump(xrm)
    planned = {each["entity"] for each in plan["records"]}
    assert not {place for _, *place in tokens_in(left, [a, c]) if place[0] in planned - {"activity"}}
    assert set(tokens_in(left, [b])) == others
    read = xrm.as_role("admin").query("query ($id: ID!) { restriction(id: $id) { status deposit } }", id=restriction)
    assert read["restriction"] == {"status": "lifted", "deposit": None}
    with xrm.database.read() as connection:
        assert connection.scalar(text("SELECT count(*) FROM xrm_vault")) == 0


def test_what_is_restricted_stays_where_something_keeps_it_or_the_person_wants_it(xrm: Xrm):
    # given a person who needs their data for claims, upon whom a hold is, too
    a, *_ = xrm.begun
    agent, dsb = xrm.as_role("dsgvo_agent"), xrm.as_role("dsb")
    person = {"entity": "contact", "record": a.records["contact"]}
    hold = "mutation ($i: DsgvoHoldSetInput!) { dsgvoHoldSet(input: $i) { hold } }"
    done(dsb, hold, matter="AZ 1/26", basis="Art. 17(3)(e) DSGVO", **person)
    done(dsb, OPEN, person=person, ground="claims", because="A suit.")
    before = rows(xrm)

    # then nobody but they themselves can have them erased
    refused = agent.refused(ERASE_OPEN, REFUSED, i={**person, "trigger": "unlawful"})
    assert refused.details["field"] == "trigger"

    # and not against a hold
    plan = erasing(agent, a)
    run = {"run": plan["run"], "planHash": plan["planHash"]}
    assert "vault" in dsb.refused(ERASE_RUN, REFUSED, i=run).message
    assert rows(xrm)["xrm_vault"] == before["xrm_vault"]


def test_a_dry_run_shows_it_and_leaves_no_trace(xrm: Xrm):
    a, *_ = xrm.begun
    dsb = xrm.as_role("dsb")
    before = rows(xrm)
    person = {"entity": "contact", "record": a.records["contact"]}
    given = {"person": person, "ground": "accuracy", "because": "To see."}

    dry = dsb.query(OPEN.replace("input: $i)", "input: $i, dryRun: true)"), i=given)

    assert {"entity": "contact", "records": 2} in dry["dsgvoRestrictionOpen"]["moved"]
    assert rows(xrm) == before


def test_an_objection_restricts_without_a_key_store_and_ends_once_it_is_decided(xrm: Xrm):
    # given
    a, *_ = xrm.begun
    admin, dsb = xrm.as_role("admin"), xrm.as_role("dsb")
    person = {"entity": "contact", "record": a.records["contact"]}
    store, xrm.platform.records.key_store = xrm.platform.records.key_store, None

    # when
    given = {"scope": "specific", "person": person, "grounds": "My situation"}
    objection = admin.query(OBJECT, i=given)["dsgvoObjectionRecord"]["objection"]
    assert dsb.refused(OPEN, "SEALING_UNAVAILABLE", i={"person": person, "ground": "claims", "because": "x"})

    # then the data are where they were, and it is lifted like any other, once the objection is decided
    assert admin.query("query ($id: ID!) { contact(id: $id) { id } }", id=person["record"])["contact"]
    standing = "{ restrictions { nodes { id deposit reviewOn } } }"
    [restriction] = admin.query(standing)["restrictions"]["nodes"]
    assert restriction["deposit"] is None
    done(dsb, ANNOUNCE, restriction=restriction["id"], via="letter")
    lift = {"restriction": restriction["id"], "because": "Rejected."}
    assert "not decided" in dsb.refused(LIFT, REFUSED, i=lift).message
    decide = """mutation ($id: ID!) {
      decideObjection(id: $id, input: {decision: rejected, assessment: "Compelling"}) { status } }"""
    admin.query(decide, id=objection)
    [again] = admin.query(standing)["restrictions"]["nodes"]  # within a month of the objection; now that it is decided
    assert again["reviewOn"] < restriction["reviewOn"]
    assert done(dsb, LIFT, **lift)["status"] == "lifted"
    subjects = admin.query("{ dataSubjects { nodes { status } } }")["dataSubjects"]["nodes"]
    assert {each["status"] for each in subjects} == {"active"}
    xrm.platform.records.key_store = store


def rows(xrm: Xrm) -> dict[str, list[str]]:
    """All rows of all tables, but of tokens, which say when they were used."""
    with xrm.database.read() as connection:
        names = set(inspect(connection).get_table_names()) - {"xrm_token"}
        return {name: sorted(map(str, connection.execute(text(f'SELECT * FROM "{name}"')))) for name in sorted(names)}


def test_who_is_nobody_is_not_restricted(xrm: Xrm):
    dsb, why = xrm.as_role("dsb"), {"ground": "claims", "because": "Asked for."}
    for person in ({}, {"entity": "contact"}, {"dataSubject": "01a21e32-b621-734e-9829-05c2e3018e0a"}):
        dsb.refused(OPEN, REFUSED, i={"person": person, **why})
    dsb.refused(ANNOUNCE, REFUSED, i={"restriction": "01a21e32-b621-734e-9829-05c2e3018e0a", "via": "x"})
    dsb.refused(LOOK, REFUSED, i={"restriction": "x", "purpose": "consent", "because": "x"})
