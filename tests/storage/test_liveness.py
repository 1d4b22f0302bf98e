"""Connections to PostgreSQL that were closed while nobody used them."""

import select
from typing import Any

import psycopg
import pytest
from sqlalchemy import event

from xrm_core.errors import DatabaseUnavailable, Timeout
from xrm_core.storage.engines import Database


def test_whoever_comes_after_the_server_has_closed_a_connection_gets_another(postgres_url: str) -> None:
    # Given a connection in the pool
    database = Database(postgres_url)
    with database.begin() as connection:
        first: Any = connection.connection.driver_connection
    # When the server ends it
    with psycopg.connect(first.info.dsn, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 10000)", (first.info.backend_pid,))
    assert select.select([first.fileno()], [], [], 10)[0]
    # Then nobody notices
    for _ in range(2):
        with database.begin() as connection:
            assert connection.exec_driver_sql("SELECT 1").scalar() == 1
            assert connection.connection.driver_connection is not first
    database.close()


def test_a_notice_is_no_reason_to_give_a_connection_up(postgres_url: str) -> None:
    database = Database(postgres_url)
    with database.begin() as connection:
        driver: Any = connection.connection.driver_connection
        connection.exec_driver_sql("LISTEN something")
    with psycopg.connect(driver.info.dsn, autocommit=True) as other:
        other.execute("NOTIFY something")
    assert select.select([driver.fileno()], [], [], 10)[0]
    with database.begin() as connection:
        assert connection.connection.driver_connection is driver
    database.close()


def test_a_transaction_begins_with_its_limit_and_ends_with_it(postgres_url: str) -> None:
    database = Database(postgres_url)
    with database.begin(0.05) as connection:
        driver: Any = connection.connection.driver_connection
        assert connection.exec_driver_sql("SHOW statement_timeout").scalar() == "50ms"
        connection.exec_driver_sql("CREATE TEMPORARY TABLE few (n int)")
    with pytest.raises(Timeout), database.begin(0.05) as connection:
        connection.exec_driver_sql("WITH slow AS (SELECT pg_sleep(10)) INSERT INTO few SELECT 1 FROM slow")
    with database.begin() as connection:
        assert connection.connection.driver_connection is driver
        assert connection.exec_driver_sql("SHOW statement_timeout").scalar() == "0"
        assert connection.exec_driver_sql("SELECT count(*) FROM few").scalar() == 0
    database.close()


def test_a_server_that_goes_at_the_beginning_is_told_as_such(postgres_url: str) -> None:
    database = Database(postgres_url)
    with database.begin(30) as connection:
        driver: Any = connection.connection.driver_connection

    def go(*_: Any) -> None:
        with psycopg.connect(driver.info.dsn, autocommit=True) as other:
            other.execute("SELECT pg_terminate_backend(%s, 10000)", (driver.info.backend_pid,))

    event.listen(database.engine, "begin", go)
    with pytest.raises(DatabaseUnavailable), database.begin(30):
        pass
    event.remove(database.engine, "begin", go)
    with database.begin(30) as connection:
        assert connection.exec_driver_sql("SELECT 1").scalar() == 1
    database.close()
