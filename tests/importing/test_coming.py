"""Hooks know whence records come: out of a file, from a service by key, or from somebody who writes them."""

from pathlib import Path
from typing import Any

import pytest

from xrm_core.api import Coming, Write, hookimpl
from xrm_core.auth.tokens import TokenLimits, create_token
from xrm_core.errors import ImportFailed
from xrm_core.records.importing import ImportOptions, import_csv, parse_said
from xrm_core.testing import Client, Setup, Xrm

CREATE = 'mutation { createCustomer(input: {name: "A", customerNumber: "1"}) { id } }'
UPSERT = 'mutation { upsertCustomer(by: customerNumber, input: {name: "B", customerNumber: "2"}) { created } }'
MANY = 'mutation { upsertCustomers(by: customerNumber, input: [{name: "C", customerNumber: "3"}]) { count } }'


class Watching:
    """A plugin that notes whence customers come, and writes one itself."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, Coming | None]] = []

    @hookimpl
    def before_record_create(self, entity: str, record: Any, write: Write) -> None:
        if entity == "customer":
            self.seen.append((record["name"], write.coming))


WATCHING = Watching()


@pytest.fixture(scope="module")
def xrm_setup() -> Setup:
    return Setup(plugins={"watch": WATCHING}, pack="core")


def service(xrm: Xrm, *roles: str) -> Client:
    with xrm.database.begin() as connection:
        return Client(xrm.http, create_token(connection, None, "ERP", limits=TokenLimits(roles=list(roles))), None)


def test_hooks_are_told_whence_a_record_comes(xrm: Xrm, tmp_path: Path):
    WATCHING.seen.clear()
    admin, erp = xrm.as_role("admin"), service(xrm, "admin")
    file = tmp_path / "customers.csv"
    file.write_text("name,customer_number\nD,4\n")

    for client, document in ((admin, CREATE), (admin, UPSERT), (erp, MANY)):
        client.query(document)
    with xrm.database.begin() as connection:
        import_csv(xrm.platform.records, connection, "customer", file, ImportOptions(said={"watch.by": "me"}))
    admin.query('mutation { createCustomer(input: {name: "E"}) { id } }')

    assert WATCHING.seen == [
        ("A", None),
        ("B", Coming("upsert")),
        ("C", Coming("upsert", service=True)),
        ("D", Coming("import", said={"watch.by": "me"})),
        ("E", None),
    ]


@pytest.mark.parametrize(
    "words", [["watch.by"], ["by=me"], ["watch.by="], [".by=me"], ["other.by=me"], ["watch.by=me", "watch.by=you"]]
)
def test_what_is_said_to_nobody_is_a_mistake(words: list[str]):
    with pytest.raises(ImportFailed):
        parse_said(words, {"watch"})


def test_what_is_said_may_have_an_equals_sign():
    assert parse_said(["watch.by = a=b"], {"watch"}) == {"watch.by": "a=b"}
