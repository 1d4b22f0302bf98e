"""A limit of time on works in threads."""

import threading
import time

import pytest
from sqlalchemy import Connection

from xrm_core.errors import Timeout
from xrm_core.storage.deadlines import Deadlines
from xrm_core.storage.engines import Database


def test_what_takes_too_long_is_told_once_and_the_rest_never() -> None:
    # Given one work that is late, and others around it that are not
    deadlines, told, late = Deadlines(), [], threading.Event()
    with deadlines.within(600, lambda: told.append("long")):
        with deadlines.within(0.01, lambda: (told.append("short"), late.set())):  # type: ignore[func-returns-value]
            # When its time is over, it is told while it goes on
            assert late.wait(10)
        with deadlines.within(0.01, lambda: told.append("second")):
            pass
        time.sleep(0.05)
    # Then it is told once, and who was in time is left alone
    assert told == ["short"]


def test_many_works_need_one_thread_that_is_not_woken_for_each() -> None:
    deadlines = Deadlines()
    before = threading.active_count()
    for _ in range(50):
        with deadlines.within(600, lambda: None):
            wakes = deadlines._wakes
    assert threading.active_count() == before + 1
    with deadlines.within(700, lambda: None):
        assert deadlines._wakes == wakes < time.monotonic() + 600


def test_a_statement_is_stopped_and_the_next_transaction_is_not(sqlite_url: str) -> None:
    database = Database(sqlite_url)
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
    with pytest.raises(Exception, match=r"0\.05 seconds"), database.begin(0.05) as connection:
        connection.exec_driver_sql(endless)
    with database.begin(30) as connection:
        assert connection.exec_driver_sql("SELECT 1").scalar() == 1
    database.close()


def test_a_transaction_of_many_short_statements_is_stopped_too(sqlite_url: str) -> None:
    # Given one that does nothing in the database at the moment when its time is over
    database = Database(sqlite_url)

    def goes_on(connection: Connection) -> None:
        time.sleep(0.2)
        end = time.monotonic() + 10
        while time.monotonic() < end:
            connection.exec_driver_sql("SELECT 1").scalar()

    # When it goes on, it does not go far
    with pytest.raises(Timeout, match=r"0\.05 seconds"), database.begin(0.05) as connection:
        goes_on(connection)
    # Then the next one has all its time
    with database.begin(30) as connection:
        time.sleep(0.05)
        assert connection.exec_driver_sql("SELECT 1").scalar() == 1
    database.close()
