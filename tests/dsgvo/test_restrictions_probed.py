"""Who knows the id of somebody whose data are restricted learns no more than of somebody who is gone (I17)."""

import datetime as dt

import pytest

from tests.dsgvo.test_access import SETUP
from tests.dsgvo.test_restrictions import OPEN, done
from xrm_core.records.trash_retention import remove_old
from xrm_core.testing import Setup, Xrm

ASKED = (
    "query ($c: ID!) { contact(id: $c) { id } }",
    "query ($c: ID!) { node(id: $c) { id } }",
    "query ($c: ID!) { contacts(where: {id: {eq: $c}}) { totalCount } }",
    "query ($c: ID!) { contactsTrash(where: {id: {eq: $c}}) { totalCount } }",
    "query ($c: ID!) { activities(where: {contact: {id: {eq: $c}}}) { totalCount } }",
    'mutation ($c: ID!) { updateContact(id: $c, input: {jobTitle: "x"}) { id } }',
    "mutation ($c: ID!) { deleteContact(id: $c) { id } }",
    "mutation ($c: ID!) { restoreContact(id: $c) { id } }",
    "mutation ($c: ID!) { purgeContact(id: $c) }",
    'mutation ($c: ID!) { createActivity(input: {subject: "s", kind: note, contactId: $c}) { id } }',
    'mutation ($c: ID!) { upsertContact(by: id, input: {id: $c, firstName: "f", lastName: "l"}) { record { id } } }',
    "mutation ($c: ID!, $o: ID!) { mergeContacts(into: $o, from: [$c]) { record { id } } }",
    "mutation ($c: ID!, $o: ID!) { mergeContacts(into: $c, from: [$o]) { record { id } } }",
    "mutation ($o: ID!, $c: ID!) { updateContact(id: $o, input: {reportsToId: $c}) { id } }",
)


@pytest.fixture(scope="session")
def xrm_setup() -> Setup:
    return SETUP


@pytest.mark.invariant("I17")
def test_the_answers_are_those_about_somebody_who_is_gone(xrm: Xrm) -> None:
    # given two contacts with the same data, of whom one is restricted and the other has left the trash
    admin, dsb = xrm.as_role("admin"), xrm.as_role("dsb")
    restricted, gone, other = (xrm.create("contact", first_name="Z", last_name=name) for name in "RGO")
    admin.query("mutation ($c: ID!) { deleteContact(id: $c) { id } }", c=gone)
    with xrm.database.begin() as connection:
        remove_old(connection, dt.datetime.now(dt.UTC) + dt.timedelta(days=1), 10)
    done(dsb, OPEN, person={"entity": "contact", "record": restricted}, ground="accuracy", because="Contested.")

    # then
    for document in ASKED:
        more = {"o": other} if "$o" in document else {}
        told = [admin.post(document, c=id_, **more).text.replace(id_, "ID") for id_ in (restricted, gone)]
        assert "BAD_QUERY" not in told[0], told
        assert told[0] == told[1], document
