"""Connections to PostgreSQL that were closed while nobody used them."""

import select
from typing import Any

import psycopg

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
