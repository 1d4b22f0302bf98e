"""What is left of an erased person anywhere (I1, I2, I5, I6, I30): tables, answers, logs, the bytes of the files.

One person with a duplicate is erased, in all stores that the platform has, and then all of them are looked through.
"""

import json
import logging
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Connection, inspect, select, text
from xrm_dsgvo.erasure import running
from xrm_dsgvo.erasure.steps import Step, Work
from xrm_dsgvo.privacy import privacy_of

from tests.dsgvo.canaries import Canaries, Person, tokens_in
from tests.dsgvo.conftest import KEY
from tests.dsgvo.consents import Consents, consents  # noqa: F401 - a fixture
from tests.dsgvo.followers import following
from tests.dsgvo.reading import lists
from tests.dsgvo.test_access import ACCESS, OTHERS, SETUP
from tests.dsgvo.test_canaries import ALSO
from tests.dsgvo.test_erasures import RUN, World
from tests.dsgvo.test_requests import done, known, opened
from tests.postgres import PostgresServer
from tests.raw_files import raw_files
from xrm_core.storage.vacuum import vacuum
from xrm_core.testing import Setup, Xrm

Key = tuple[str, str]
"""Entity and id of a record."""


@pytest.fixture(scope="session")
def xrm_setup() -> Setup:
    return SETUP


@pytest.fixture
def server(request: pytest.FixtureRequest) -> Callable[[], PostgresServer]:
    return lambda: request.getfixturevalue("postgres_server")


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as found:
        yield found


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]) -> Callable[[], str]:
    """All that was logged or printed since it was last asked for."""
    caplog.set_level(logging.DEBUG)

    def since() -> str:
        said = caplog.text + "".join(capsys.readouterr())
        caplog.clear()
        return said

    return since


@pytest.mark.invariant("I1", "I2", "I4", "I5", "I6", "I30")
def test_nothing_is_left_of_who_was_erased_in_any_store(
    xrm: Xrm,
    consents: Consents,  # noqa: F811
    logged: Callable[[], str],
    server: Callable[[], PostgresServer],
    stack: ExitStack,
):
    # given A, of whom C is a duplicate, in the outbox and the queue, with an answer by Article 15, with former values,
    # and with a donation of this year, which the law keeps
    a, b, c = xrm.begun
    world, followers = World(xrm, xrm.as_role("admin"), a, b), stack.enter_context(following(xrm))
    agent, contact = xrm.as_role("dsgvo_agent"), a.records["contact"]
    consents.request(a.tokens["contact", "email"])
    asked = opened(agent, "access")
    known(agent, asked, contact)
    done(agent, ACCESS, request=asked)
    xrm.work()
    world.update("contact", contact, {"job_title": "Nachfolgerin"})
    world.update("donation", a.records["donation"], {"donated_on": f"{xrm.clock.now().year}-01-15"})
    opening = world.decided(a)
    gone = {(each["entity"], each["record"]) for each in opening["records"]}
    deleted = {(each["entity"], each["record"]) for each in opening["records"] if each["action"] == "delete"}
    stays = {
        (each["entity"], each["record"], said["name"])
        for each in opening["records"]
        for said in each["fields"]
        if said["decision"] != "erase" or said["strategy"] in ("redact_text", "keep")
    }
    # texts and files that the law keeps are in no table either
    archived = {
        (each["entity"], each["record"], said["name"])
        for each in opening["records"]
        for said in each["fields"]
        if said["decision"] == "restrict"
    }
    wanted = {
        (person.name, entity, name)
        for person in (a, c)
        for entity, name in person.tokens
        if (entity, person.records[entity]) in gone and (entity, person.records[entity], name) not in stays - archived
    }
    assert len(wanted) > 30
    assert ("A", "donation", "receipt") in wanted
    before = tokens_in(world.dump(), [b])
    numbers = {key: value for key, value in figures(xrm).items() if key[:2] not in gone or key in stays}
    numbers = {key: value for key, value in numbers.items() if key[:2] not in deleted}
    numbers = {
        key: value for key, value in numbers.items() if key[0] != "erasure_plan_part"
    }  # goes with what it was for
    assert any(key[0] == "donation" and key[:2] in gone for key in numbers)

    # when they are erased, the second time without a mistake that quotes them
    logged()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(running, "STEPS", (*running.STEPS, Step("mistake", mistaken)))
        refusal = world.xrm.as_role("dsb").post(RUN, i={name: opening[name] for name in ("run", "planHash")})
    assert "errors" in refusal.json()
    report = world.run(opening)
    xrm.work()

    # then nothing of them is in a table, the log of changes, the outbox or the queue (I1), nor was it logged (I30),
    # and all of others is (I4)
    dump = world.dump()
    assert tokens_in(dump, [a, c]) & wanted == set()
    assert tokens_in(dump, [b]) == before
    assert tokens_in((logged() + refusal.text + json.dumps(report)).encode(), [a, c]) & wanted == set()
    # nor in an answer
    answers = b"".join(answer for _, answer in lists(world.admin, xrm.platform.model, {entity for entity, _ in gone}))
    assert tokens_in(answers, [b])
    assert tokens_in(answers, [a, c]) & wanted == set()
    search = "query ($t: String!) { search(text: $t) { node { ... on Contact { id } } } }"
    for name in ("last_name", "email", "phone"):
        nodes = world.admin.query(search, t=a.tokens["contact", name])["search"]
        assert {each["node"].get("id") for each in nodes} & {id_ for _, id_ in gone} == set(), name
    # nor is anybody told of them who follows changes
    told = followers.told()
    assert {name for name in told if tokens_in(told[name], [a, c]) & wanted} == set()
    # references lead somewhere, and no figure of what stays has changed (I5)
    assert faults(xrm) == []
    assert numbers.items() <= figures(xrm).items()
    # no way leads from who is nobody now to a record of which the archive knows who they were (I6)
    nobody = {(each["entity"], each["record"]) for each in opening["records"] if each["action"] == "anonymize"}
    ways = reached(xrm, nobody)
    assert len(ways) > len(nobody)
    assert ("donation", a.records["donation"]) not in ways
    assert a.records["donation"].encode() not in b"\n".join(ways.values())
    # and nothing is in the bytes of any file once it was written anew (I2)
    assert vacuum(xrm.database, 10).left == []
    content = b"".join(each.replace(b"\0" * 256, b"") for _, each in raw_files(xrm.database, server))
    assert tokens_in(content, [b])
    assert tokens_in(content, [a, c]) & wanted == set()


def mistaken(work: Work) -> int:
    """A statement that a rule of the database is against, with an address of the person in it."""
    address = next(each for each in sorted(work.needles) if "@" in each)
    work.context.connection.execute(text('UPDATE "user" SET email = :address'), {"address": address})
    return 1


def figures(xrm: Xrm) -> dict[tuple[str, str, str], Any]:
    """Of each record the numbers and amounts, which reports add up, by their columns."""
    found: dict[tuple[str, str, str], Any] = {}
    with xrm.database.read() as connection:
        for table in (xrm.platform.records.tables[entity.name] for entity in xrm.platform.model):
            for row in connection.execute(select(table)).mappings():
                numbers = {name: each for name, each in row.items() if type(each) in (int, float, Decimal)}
                found |= {
                    (table.name, str(row["id"]), name): each for name, each in numbers.items() if name != "version"
                }
    return found


def references(connection: Connection) -> Iterator[tuple[str, str, str]]:
    """Table, column, and the table of whose ids it is."""
    inspector = inspect(connection)
    for (_, table), keys in inspector.get_multi_foreign_keys().items():
        for key in keys:
            if key["referred_columns"] == ["id"]:
                yield table, key["constrained_columns"][0], key["referred_table"]


def faults(xrm: Xrm) -> list[tuple[str, str]]:
    """Columns that have an id of which there is no record."""
    with xrm.database.read() as connection:
        return [
            (table, column)
            for table, column, of in references(connection)
            if connection.scalar(
                text(
                    f'SELECT COUNT(*) FROM "{table}" AS a WHERE a."{column}" IS NOT NULL '
                    f'AND NOT EXISTS (SELECT 1 FROM "{of}" AS b WHERE b.id = a."{column}")'
                )
            )
        ]


def reached(xrm: Xrm, begin: Collection[Key]) -> dict[Key, bytes]:
    """All records to which references lead from some, in whatever direction and however far, but through such as are
    about nobody (a tax rate, a user who has made all of them).
    """
    privacy = privacy_of(xrm.platform.model)
    ways: dict[Key, set[Key]] = defaultdict(set)
    with xrm.database.read() as connection:
        for table, column, of in references(connection):
            if table in xrm.platform.model:
                for row in connection.execute(
                    text(f'SELECT id, "{column}" AS other FROM "{table}" WHERE "{column}" IS NOT NULL')
                ):
                    here, there = (table, str(row.id)), (of, str(row.other))
                    ways[here].add(there)
                    ways[there].add(here)
        found, ahead = set(begin), list(begin)
        while ahead:
            key = ahead.pop()
            if key[0] in xrm.platform.model and key[0] != "user" and privacy[key[0]].role != "none":
                ahead += ways[key] - found
                found |= ways[key]
        return {key: _row(connection, *key) for key in found}


def _row(connection: Connection, table: str, id_: str) -> bytes:
    found = connection.execute(text(f'SELECT * FROM "{table}" WHERE CAST(id AS text) = :id'), {"id": id_}).first()
    values = [bytes(each) if isinstance(each, memoryview) else each for each in found or ()]
    return b"\n".join(each if isinstance(each, bytes) else str(each).encode() for each in values)


@pytest.mark.slow
@pytest.mark.invariant("I1", "I2", "I4", "I5")
@pytest.mark.parametrize(
    ("pack", "entity", "at_once"),
    [
        *(
            (pack, *each)
            for pack in ("core", "sales", "machine_builder", "machine_builder_sales")
            for each in (("contact", 200), ("customer", 200), ("customer", 0), ("partner", 200))
        ),
        *((pack, "lead", at_once) for pack in ("sales", "machine_builder_sales") for at_once in (200, 0)),
    ],
)
def test_nothing_is_left_of_anybody_in_other_packs(
    xrm_with: Callable[[Setup], Xrm],
    server: Callable[[], PostgresServer],
    monkeypatch: pytest.MonkeyPatch,
    pack: str,
    entity: str,
    at_once: int,
):
    # given three persons in all entities of a pack, and erasures at once or by a job
    xrm = xrm_with(SETUPS[pack])
    monkeypatch.setitem(vars(xrm.platform.plugins.settings_of("dsgvo")), "erasure_at_once", at_once)
    a, b = xrm.begun
    world = World(xrm, xrm.as_role("admin"), a, b)
    if entity == "lead":  # one that has become nobody yet
        world.update("lead", a.records["lead"], {"contact_id": None, "customer_id": None})
    if entity in ("customer", "partner"):  # as a company it would be nobody's
        world.update(entity, a.records[entity], {"legal_form": "e.K."})
    opening = world.decided(a, entity)
    gone = {(each["entity"], each["record"]) for each in opening["records"]}
    assert (entity, a.records[entity]) in gone
    wanted = {
        ("A", each["entity"], said["name"])
        for each in opening["records"]
        for said in each["fields"]
        if said["decision"] == "erase"
        and said["strategy"] != "redact_text"
        and a.records.get(each["entity"]) == each["record"]
    }
    before = tokens_in(world.dump(), [b])

    # when the person is erased, and the files are written anew
    world.run(opening)
    xrm.work()
    vacuum(xrm.database, 10)

    # then
    assert len(wanted) > 5
    assert tokens_in(world.dump(), [a]) & wanted == set()
    assert tokens_in(world.dump(), [b]) == before
    assert faults(xrm) == []
    content = b"".join(each.replace(b"\0" * 256, b"") for _, each in raw_files(xrm.database, server))
    assert tokens_in(content, [a]) & wanted == set()
    # and lines of an order that the law keeps are still its lines
    if entity == "customer" and "sales_order" in a.records:
        document = "query ($id: ID!) { salesOrder(id: $id) { items { nodes { id } } customer { id } } }"
        order = world.admin.query(document, id=a.records["sales_order"])["salesOrder"]
        assert order["items"]["nodes"] == [{"id": a.records["order_item"]}]
        assert order["customer"]["id"] != a.records["customer"]


def begun(xrm: Xrm) -> tuple[Person, ...]:
    also = {}
    if "opportunity" in xrm.platform.model and "tax_rate" in xrm.platform.model:
        xrm.as_role("admin").query("mutation { salesInstallDefaults }")
        xrm.create("tax_rate", country="DE", category="standard", percent=19, valid_from="2007-01-01")
        also = ALSO
    canaries = Canaries(xrm, but=OTHERS, also=also)
    return canaries.fill("A"), canaries.fill("B")


SETUPS = {
    pack: Setup(
        plugins=["dsgvo", "sales"] if "sales" in pack else ["dsgvo"],
        pack="core" if pack == "sales" else pack,
        environment=KEY,
        begin=begun,
        settings={"secret_key": "0123456789abcdef" * 3},
    )
    for pack in ("core", "sales", "machine_builder", "machine_builder_sales")
}
