"""PostgreSQL's extensions: made where they are missing, found where they are, and missed in words."""

import pytest
from sqlalchemy import text

from tests.docs.pages import DOCS
from xrm_core.storage.engines import Database, with_schema
from xrm_core.storage.extensions import SCHEMA, ExtensionMissing, extension
from xrm_core.storage.typos_postgresql import create_typos

NAME = "fuzzystrmatch"


@pytest.fixture
def without(postgres_url: str) -> Database:
    """A database without the extension."""
    database = Database(postgres_url)
    with database.begin() as connection:
        connection.exec_driver_sql(f"DROP EXTENSION IF EXISTS {NAME} CASCADE")
        connection.exec_driver_sql(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE")
    yield database
    database.close()


def test_an_extension_outlives_the_tenant_for_which_it_was_made(without: Database) -> None:
    # given two tenants
    for tenant in ("t_one", "t_two"):
        with without.begin() as connection:
            connection.exec_driver_sql(f"CREATE SCHEMA {tenant}")
        opened = Database(with_schema(without.url, tenant))
        with opened.begin() as connection:
            create_typos(connection)
        opened.close()
    # when the first is dropped
    with without.begin() as connection:
        connection.exec_driver_sql("DROP SCHEMA t_one CASCADE")
    # then the second goes on
    second = Database(with_schema(without.url, "t_two"))
    called = text("SELECT xrm_typos('kulmbach', 'kulmbahc', 2)")
    with second.read() as connection:
        assert connection.scalar(called) == 1
    second.close()


def test_an_extension_is_used_where_it_is(without: Database) -> None:
    with without.begin() as connection:
        connection.exec_driver_sql('CREATE SCHEMA "Other one"')
        connection.exec_driver_sql(f'CREATE EXTENSION {NAME} WITH SCHEMA "Other one"')
        assert extension(connection, NAME) == '"Other one"'
        create_typos(connection)
        assert connection.scalar(text("SELECT xrm_typos('abcd', 'abed', 1)")) == 1
        connection.exec_driver_sql('DROP SCHEMA "Other one" CASCADE')


def test_who_may_not_make_an_extension_is_told_what_to_do(without: Database) -> None:
    with without.begin() as connection:
        connection.exec_driver_sql("CREATE ROLE xrm_guest_of_tests")
    with without.engine.connect() as connection:
        connection.exec_driver_sql("SET ROLE xrm_guest_of_tests")
        with pytest.raises(ExtensionMissing) as missing:
            extension(connection, NAME)
        connection.invalidate()
    with without.begin() as connection:
        connection.exec_driver_sql("DROP ROLE xrm_guest_of_tests")
    error = missing.value
    page = (DOCS / "errors" / "EXTENSION_MISSING.md").read_text("utf-8")
    assert f"error {error.code}: {error.message}\nhint: {error.hint}\n" in page
