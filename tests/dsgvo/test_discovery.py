"""From a seed to all that is about a person: duplicates, shared records, cycles, the trash, and what is only likely."""

from typing import Any

import pytest
from xrm_dsgvo.privacy import privacy_of

from tests.dsgvo.canaries import Canaries, Person
from tests.dsgvo.test_canaries import OWN
from xrm_core.naming import camel, pascal
from xrm_core.testing import Setup, Xrm

GRAPH = """
query ($entity: String, $record: String, $email: String, $phone: String, $name: String, $birthDate: Date,
  $confirmed: [DsgvoSubjectGraphSubjectRecordInput!]) {
  dsgvoSubjectGraph(entity: $entity, record: $record, email: $email, phone: $phone, name: $name, birthDate: $birthDate,
    confirmed: $confirmed) {
    records { entity record own deleted via mine others why { kind field entity record } }
    candidates { entity record deleted fields code }
    searched { entity found }
  }
}"""


@pytest.fixture(scope="module")
def xrm_setup() -> Setup:
    return Setup(plugins=["dsgvo"])


def graph(xrm: Xrm, **given: Any) -> dict[str, Any]:
    return dict(xrm.as_role("admin").query(GRAPH, **given)["dsgvoSubjectGraph"])


def found(told: dict[str, Any]) -> set[tuple[str, str]]:
    return {(each["entity"], each["record"]) for each in told["records"]}


def contact(xrm: Xrm, last: str, **values: Any) -> str:
    return str(xrm.create("contact", {"first_name": "Ada", "last_name": last, **values}))


def test_duplicates_are_joined_until_nothing_more_comes(xrm: Xrm):
    # given three records of one person in a chain: an address joins two of them, a number the third
    first = contact(xrm, "Weiß", email="ada@example.org")
    second = contact(xrm, "Lovelace", email="ADA@Example.org", mobile="+49 170 1234567")
    third = contact(xrm, "Byron", mobile="+491701234567")
    other = contact(xrm, "Fremd", email="x@example.org", mobile="+491707777777")

    # when one begins anywhere
    told = [graph(xrm, entity="contact", record=first), graph(xrm, phone="0170 1234567")]

    # then all three are there, and nobody else
    for each in told:
        assert found(each) == {("contact", id_) for id_ in (first, second, third)}
        assert ("contact", other) not in {(one["entity"], one["record"]) for one in each["candidates"]}
    why = {each["record"]: each["why"] for each in told[0]["records"]}
    assert why[first][0]["kind"] == "seed"
    assert {(one["kind"], one["field"]) for one in why[third]} == {("match", "mobile")}
    searched = {each["entity"]: each["found"] for each in told[0]["searched"]}
    assert searched["contact"] == 3
    assert searched["activity"] == 0


def test_weak_matches_are_listed_and_joined_once_somebody_confirms_them(xrm: Xrm):
    first = contact(xrm, "Müller-Weiß", email="ada@example.org", phone="+49301234567")
    spelled = contact(xrm, "Mueller Weiss", email="other@example.org")
    same_phone = contact(xrm, "Anders", phone="030 1234567")
    contact(xrm, "Müller")

    told = graph(xrm, entity="contact", record=first)

    assert found(told) == {("contact", first)}
    assert {(each["record"], tuple(each["fields"]), each["code"]) for each in told["candidates"]} == {
        (spelled, ("first_name", "last_name"), "WEAK"),
        (same_phone, ("phone",), "WEAK"),
    }
    # when somebody says that one is the same
    again = graph(xrm, entity="contact", record=first, confirmed=[{"entity": "contact", "record": spelled}])
    # then it counts, and so does what it leads to
    assert found(again) == {("contact", first), ("contact", spelled)}


def test_an_address_that_several_use_joins_nobody(xrm: Xrm):
    first, second = contact(xrm, "Eins", email="info@example.org"), contact(xrm, "Zwei", email="info@example.org")

    told = graph(xrm, entity="contact", record=first)

    assert found(told) == {("contact", first)}
    assert [(each["record"], each["code"]) for each in told["candidates"]] == [(second, "ROLE_MAILBOX")]


def test_a_record_in_the_trash_is_found(xrm: Xrm):
    first = contact(xrm, "Weiß", email="ada@example.org")
    gone = contact(xrm, "Weg", email="ada@example.org")
    xrm.as_role("admin").query("mutation ($id: ID!) { deleteContact(id: $id) { id } }", id=gone)

    told = graph(xrm, entity="contact", record=first)

    assert {(each["record"], each["deleted"]) for each in told["records"]} == {(first, False), (gone, True)}


def test_of_a_record_that_several_share_only_fields_about_the_person_are_theirs(xrm: Xrm):
    # given an activity about one contact, and one in which she takes part
    first = contact(xrm, "Weiß", email="ada@example.org")
    other = contact(xrm, "Fremd", email="x@example.org")
    about = xrm.create("activity", {"kind": "call", "subject": "Anruf", "regarding": {"contact": first}})
    foreign = xrm.create("activity", {"kind": "call", "subject": "Anruf", "regarding": {"contact": other}})

    told = graph(xrm, entity="contact", record=first)

    assert ("activity", about) in found(told)
    assert ("activity", foreign) not in found(told)
    [hit] = [each for each in told["records"] if each["record"] == about]
    assert hit["via"] == ["regarding"]
    assert "description" in hit["mine"]
    assert {(each["kind"], each["record"]) for each in hit["why"]} == {("link", first)}


def test_another_day_of_birth_joins_nobody(xrm: Xrm):
    first = contact(xrm, "Weiß", email="ada@example.org", birthday="1990-01-02")
    other = contact(xrm, "Kind", email="ada@example.org", birthday="2015-06-07")

    told = graph(xrm, entity="contact", record=first)

    assert found(told) == {("contact", first)}
    assert [(each["record"], each["code"]) for each in told["candidates"]] == [(other, "BIRTH_DATE")]


def test_a_family_with_one_address_is_not_one_person(xrm: Xrm):
    # given a couple with one address, a duplicate of her with another last name, and one by an initial
    first = contact(xrm, "Weiß", email="familie@example.org")
    spouse = str(xrm.create("contact", {"first_name": "Bo", "last_name": "Weiß", "email": "familie@example.org"}))
    maiden = contact(xrm, "Byron", email="familie@example.org")
    initial = str(xrm.create("contact", {"first_name": "A. M.", "last_name": "Weiß", "email": "familie@example.org"}))
    nameless = str(xrm.create("contact", {"last_name": "Weiß", "email": "familie@example.org"}))

    told = graph(xrm, entity="contact", record=first)

    assert found(told) == {("contact", each) for each in (first, maiden, initial, nameless)}
    assert [(each["record"], each["code"]) for each in told["candidates"]] == [(spouse, "OTHER_NAME")]
    # and of who is only known by name and address, it is the same
    assert ("contact", spouse) not in found(graph(xrm, email="familie@example.org", name="Ada Weiß"))
    # when somebody says that it is one person, it counts
    same = graph(xrm, entity="contact", record=first, confirmed=[{"entity": "contact", "record": spouse}])
    assert ("contact", spouse) in found(same)


def test_what_is_about_somebody_else_is_not_found_whatever_entity_it_is_of(xrm: Xrm):
    # given two persons in all entities, and a duplicate of one of them
    canaries = Canaries(xrm, but=OWN)
    first, other = canaries.fill("A"), canaries.fill("B")
    again = canaries.fill("C", same=first)

    told = graph(xrm, entity="contact", record=first.records["contact"])

    # then nothing of the other is found, and the duplicate with what belongs to it is
    assert not found(told) & set(other.records.items())
    assert {("contact", first.records["contact"]), ("contact", again.records["contact"])} <= found(told)
    privacy = privacy_of(xrm.platform.model)
    for hit in told["records"]:
        # and each personal field is the person's, or somebody else's
        assert sorted(hit["mine"] + hit["others"]) == sorted(each.name for each in privacy[hit["entity"]].personal())
    for person in (first, again):
        own = ("contact", person.records["contact"])
        below = {
            (edge.end, person.records[edge.end])
            for edge in privacy.edges_from("contact")
            if edge.down and edge.end in person.records and _refers(xrm, edge.holder, person, edge.field, own)
        }
        assert below
        assert below <= found(told)


def _refers(xrm: Xrm, entity: str, person: Person, field: str, to: tuple[str, str]) -> bool:
    relation = xrm.platform.model[entity][field]
    part = f"{{ ... on {pascal(to[0])} {{ id }} }}" if relation.reference.polymorphic else "{ id }"
    document = f"query ($id: ID!) {{ {camel(entity)}(id: $id) {{ {camel(field)} {part} }} }}"
    [record] = xrm.as_role("admin").query(document, id=person.records[entity]).values()
    return (record[camel(field)] or {}).get("id") == to[1]


def test_what_is_about_them_is_found_in_the_trash(xrm: Xrm):
    first = contact(xrm, "Weiß", email="ada@example.org")
    about = xrm.create("activity", {"kind": "call", "subject": "Anruf", "regarding": {"contact": first}})
    xrm.as_role("admin").query("mutation ($id: ID!) { deleteActivity(id: $id) { id } }", id=about)

    told = graph(xrm, entity="contact", record=first)

    assert ("activity", about, True) in {(each["entity"], each["record"], each["deleted"]) for each in told["records"]}


def test_a_search_needs_something_to_begin_with_and_a_record_that_is_there(xrm: Xrm):
    admin = xrm.as_role("admin")

    admin.refused(GRAPH, "REFUSED_BY_PLUGIN")
    admin.refused(GRAPH, "REFUSED_BY_PLUGIN", entity="contact", record="019eff46-661f-79e2-a0df-b84d2945b4e5")
    admin.refused(GRAPH, "REFUSED_BY_PLUGIN", entity="no_such_entity", record="x")


def test_nobody_is_asked_for_who_has_no_right_to_it(xrm: Xrm):
    xrm.as_role("sales_rep").refused(
        '{ dsgvoSubjectGraph(email: "ada@example.org") { records { record } } }', "BAD_QUERY"
    )
