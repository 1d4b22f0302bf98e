"""R-037: one mutation document is one transaction, whatever stands in it."""

import pytest
from sqlalchemy import select

from tests.kept import sight
from tests.server.http_kit import Client, code
from xrm_core.storage.system import SHARE, TOKEN

GOOD = 'createUser(input: {name: "new"}) { id }'
FAILING = {
    "a rule": ('createCustomer(input: {name: "far too long for a name of a customer"}) { id }', "VALIDATION_FAILED"),
    "a constraint": ('createCustomer(input: {name: "B", number: "7"}) { id }', "VALIDATION_FAILED"),
    "a target": (
        'createCustomer(input: {name: "B", ownerId: "00000000-0000-7000-8000-000000000000"}) { id }',
        "VALIDATION_FAILED",
    ),
    "nothing there": ('deleteNote(id: "00000000-0000-7000-8000-000000000000") { id }', "NOT_FOUND"),
    "a version": ('updateCustomer(id: "ID", version: 9, input: {city: "x"}) { id }', "VERSION_CONFLICT"),
    "a reference": ('deleteUser(id: "OWNER") { id }', "RECORD_IN_USE"),
}


@pytest.fixture
def known(client: Client) -> str:
    made = client.ask('mutation { createCustomer(input: {name: "A", number: "7"}) { id } }')
    return str(made["data"]["createCustomer"]["id"])


def test_whatever_fails_nothing_of_the_document_has_happened(client: Client, known: str) -> None:
    before = sight(client)
    for what, (field, expected) in FAILING.items():
        failing = field.replace("ID", known).replace("OWNER", client.world.users["anna"])
        for order in (f"a: {GOOD} z: {failing}", f"z: {failing} a: {GOOD}", f"a: {GOOD} z: {failing} b: {GOOD}"):
            answer = client.post({"query": f"mutation {{ {order} __typename }}"})
            found = answer.json()
            assert (answer.status_code, found["data"]) == (294, None), what
            [error] = found["errors"]
            assert (error["extensions"]["code"], error["path"]) == (expected, ["z"]), what
            assert sight(client) == before, what


def test_all_of_it_has_happened_if_nothing_fails(client: Client, known: str) -> None:
    answer = client.ask(
        'mutation ($id: ID!) { a: updateCustomer(id: $id, input: {city: "Ulm"}) { version } ...More '
        'c: updateCustomer(id: $id, version: 3, input: {number: "8"}) { city number version } } '
        'fragment More on Mutation { b: updateCustomer(id: $id, version: 2, input: {name: "B"}) { name } }',
        id=known,
    )
    assert answer == {
        "data": {"a": {"version": 2}, "b": {"name": "B"}, "c": {"city": "Ulm", "number": "8", "version": 4}}
    }


@pytest.mark.parametrize(
    "alone",
    [
        'createToken(label: "x") { token }',
        'revokeToken(id: "x")',
        'applySchemaChange(files: [], key: "x") { key }',
        "applyPermissions(files: [], version: 1) { __typename }",
    ],
)
def test_what_has_a_transaction_of_its_own_is_refused_beside_others(client: Client, alone: str) -> None:
    before = sight(client)
    for order in (f"a: {GOOD} z: {alone}", f"z: {alone} a: {GOOD}"):
        answer = client.post({"query": f"mutation {{ {order} }}"})
        assert (answer.status_code, code(answer)) == (422, "BAD_QUERY")
        assert "data" not in answer.json()
    assert sight(client) == before
    with client.database.read() as connection:
        assert len(connection.execute(select(TOKEN)).all()) == 1
        assert connection.execute(select(SHARE)).all() == []
