"""What was changed and deleted is in none of the files of a database once it was vacuumed."""

from collections.abc import Callable
from contextlib import closing

import pytest
from sqlalchemy import delete, text, update

from tests.postgres import PostgresServer
from tests.raw_files import raw_files
from tests.storage.test_search_index import SEARCHED
from tests.storage.worlds import add_rows, record_id
from xrm_core.errors import Busy
from xrm_core.storage.apply import apply
from xrm_core.storage.engines import Database
from xrm_core.storage.tables import Tables
from xrm_core.storage.vacuum import vacuum

GONE = ("Zyxwäldchen", "Qvorkstadt")
STAYS = "Hjklmünde"

Server = Callable[[], PostgresServer]


@pytest.fixture
def server(request: pytest.FixtureRequest) -> Server:
    return lambda: request.getfixturevalue("postgres_server")


@pytest.fixture
def erased(database: Database) -> Database:
    """Of three records one was changed and one was deleted, after their values were counted and indexed."""
    apply(database, SEARCHED)
    add_rows(database, SEARCHED, "customer", {"name": GONE[0]}, {"name": GONE[1], "city": "Ulm"}, {"name": STAYS})
    with database.begin() as connection:
        connection.execute(text("ANALYZE"))
    table = Tables(SEARCHED)["customer"]
    with database.begin() as connection:
        connection.execute(delete(table).where(table.c.id == record_id(1)))
        connection.execute(update(table).where(table.c.id == record_id(2)).values(name="Anders"))
    if not database.is_sqlite:
        with database.begin() as connection:
            connection.execute(text("CHECKPOINT"))  # the tests' PostgreSQL is in no hurry to write
    return database


def holding(database: Database, server: Server, *words: str) -> set[tuple[str, str]]:
    return {(name, word) for name, content in raw_files(database, server) for word in words if word.encode() in content}


@pytest.mark.invariant("I2")
def test_former_values_are_in_no_file(erased: Database, server: Server):
    assert {word for _, word in holding(erased, server, *GONE)} == set(GONE)  # else it would show nothing

    done = vacuum(erased, 10)

    assert (done.left, done.tables > 0, done.after > 0) == ([], True, True)
    assert holding(erased, server, *GONE) == set()
    assert holding(erased, server, STAYS)
    table = Tables(SEARCHED)["customer"]
    with erased.read() as connection:
        assert set(connection.scalars(table.select().with_only_columns(table.c.name))) == {"Anders", STAYS}


def test_who_still_reads_what_was_before_is_told_of(erased: Database):
    with erased.read() as reader:
        reader.execute(Tables(SEARCHED)["customer"].select()).all()
        writes(erased)

        done = vacuum(erased, 0.1)

    assert ("somebody reads" if erased.is_sqlite else "transactions from before") in done.left[0].says


def test_somebody_who_writes_is_waited_for_and_then_told_of(erased: Database):
    table = Tables(SEARCHED)["customer"]
    with erased.begin() as writer:
        writer.execute(update(table).values(city="Bonn"))

        if erased.is_sqlite:
            with pytest.raises(Busy):
                vacuum(erased, 0.1)
        else:
            left = vacuum(erased, 0.1).left
            assert any("customer was not written anew: somebody uses it." in each.says for each in left)


def test_who_may_not_is_told_what_is_missing(postgres_url: str, postgres_server: PostgresServer):
    # given somebody to whom the tables belong, and nothing else
    name = "xrm_no_superuser"
    postgres_server.execute(f"CREATE ROLE {name} LOGIN")
    try:
        with closing(Database(postgres_url)) as owner, owner.begin() as connection:
            connection.execute(text(f"CREATE SCHEMA own AUTHORIZATION {name}"))
            connection.execute(text("CREATE TABLE own.thing (id int)"))
            connection.execute(text(f"ALTER TABLE own.thing OWNER TO {name}"))
        with closing(Database(postgres_url.replace("//xrm@", f"//{name}@") + "&schema=own")) as own:
            done = vacuum(own, 10)
    finally:
        with closing(Database(postgres_url)) as owner, owner.begin() as connection:
            connection.execute(text("DROP SCHEMA own CASCADE"))
        postgres_server.execute(f"DROP ROLE {name}")

    assert done.tables == 1
    assert {each.remedy.partition(" ")[0] for each in done.left} == {"Run", "Grant"}


def writes(database: Database) -> None:
    with database.begin() as connection:
        connection.execute(update(Tables(SEARCHED)["customer"]).values(city="Kiel"))
