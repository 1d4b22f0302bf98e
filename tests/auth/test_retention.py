"""How long the logs are kept."""

import asyncio
import datetime as dt
from types import SimpleNamespace
from typing import Any, cast

import pytest
from sqlalchemy import func, insert, select
from uuid_utils import uuid7

from xrm_core.auth import retention
from xrm_core.auth.events import recorded
from xrm_core.auth.retention import Log, by_day, clear, moment_before
from xrm_core.errors import SettingsError
from xrm_core.server.log_retention import LogRetention
from xrm_core.settings import load_settings
from xrm_core.storage.advisory import is_alone
from xrm_core.storage.engines import Database
from xrm_core.storage.system import AUTH_EVENT, READ, READ_RECORD
from xrm_core.storage.system_upgrade import upgrade_system
from xrm_core.storage.tenants import State

NOW = dt.datetime.now(dt.UTC).replace(hour=12)
RECORDS = 3


@pytest.fixture
def log(database: Database) -> Database:
    """A line of each log for each of so many days ago; each read showed three records."""
    upgrade_system(database)
    ages = [0, 29, 31, 89, 91, 91, 399, 401, 402]
    with database.begin() as connection:
        for days in ages:
            at = NOW - dt.timedelta(days=days)
            event = {"id": str(uuid7()), "at": at, "event": "sign_in", "details": "{}"}
            connection.execute(insert(AUTH_EVENT).values(event))
            read = {"id": str(uuid7()), "at": at, "request_id": str(uuid7()), "entity": "note", "fields": "[]"}
            connection.execute(insert(READ).values(read))
            named = [{"record_id": str(uuid7()), "read_id": read["id"]} for _ in range(RECORDS)]
            connection.execute(insert(READ_RECORD), named)
    return database


def lines(log: Database) -> tuple[int, int, int]:
    with log.read() as connection:
        events, reads, records = (
            connection.scalar(select(func.count()).select_from(table)) or 0 for table in (AUTH_EVENT, READ, READ_RECORD)
        )
    return events, reads, records


def day(days: int) -> str:
    return (NOW - dt.timedelta(days=days)).date().isoformat()


def test_lines_are_counted_by_day(log: Database) -> None:
    with log.read() as connection:
        assert by_day(connection, Log.READS, moment_before(90)) == [
            (day(402), 1),
            (day(401), 1),
            (day(399), 1),
            (day(91), 2),
        ]
        assert by_day(connection, Log.EVENTS, moment_before(400)) == [(day(402), 1), (day(401), 1)]
        assert by_day(connection, Log.EVENTS, moment_before(500)) == []


def test_old_lines_go_in_small_steps_and_that_is_an_event(log: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "_LINES", 2)
    monkeypatch.setattr(retention, "_RECORDS", 4)
    before = moment_before(90)
    assert clear(log, Log.READS, before, by="test") == 5
    assert lines(log) == (10, 4, 4 * RECORDS)
    assert clear(log, Log.EVENTS, before, by="test") == 5
    assert clear(log, Log.EVENTS, before, by="test") == 0
    with log.read() as connection:
        told = list(recorded(connection, event="log_cleared"))
    assert [(each.subject, each.details["lines"], each.details["by"]) for each in told] == [
        ("events", 5, "test"),
        ("reads", 5, "test"),
    ]
    assert dt.datetime.fromisoformat(told[0].details["before"]) == before
    assert lines(log)[0] == 9 - 5 + 2


@pytest.mark.parametrize(("which", "days"), [(Log.EVENTS, 29), (Log.READS, 0)])
def test_young_lines_are_kept_in_any_case(log: Database, which: Log, days: int) -> None:
    all_of_them = lines(log)
    with pytest.raises(SettingsError, match="in any case"):
        clear(log, which, NOW - dt.timedelta(days=days), by="test")
    assert lines(log) == all_of_them


def test_what_is_stopped_goes_on_another_time(log: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "_LINES", 2)
    asked: list[int] = []
    assert (
        clear(log, Log.READS, moment_before(90), by="test", stop=lambda: bool(asked.append(1) or len(asked) > 1)) == 2
    )
    assert clear(log, Log.READS, moment_before(90), by="test") == 3


def test_another_server_that_is_at_it_is_left_alone(log: Database) -> None:
    if log.is_sqlite:
        pytest.skip("there one writes at a time")
    with log.begin() as other:
        assert is_alone(other, retention._ADVISORY_LOCK)
        assert clear(log, Log.READS, moment_before(90), by="test") == 0
    assert clear(log, Log.READS, moment_before(90), by="test") == 5


def test_a_server_keeps_what_the_settings_say(log: Database) -> None:
    def serve(state: State, **settings: Any) -> tuple[int, int, int]:
        url = log.url.render_as_string(False)
        found = LogRetention(load_settings(database_url=url, **settings), lambda: False)
        asyncio.run(found.clean(cast(Any, SimpleNamespace(database=log, state=state, name=""))))
        return lines(log)

    assert serve(State.ACTIVE, event_days=0, read_days=0) == (9, 9, 9 * RECORDS)
    assert serve(State.READONLY) == (9, 9, 9 * RECORDS)
    assert serve(State.ACTIVE) == (9 - 2 + 2, 4, 4 * RECORDS)
    assert serve(State.ACTIVE) == (9 - 2 + 2, 4, 4 * RECORDS)
    assert serve(State.ACTIVE, event_days=90, read_days=30) == (4 + 2 + 2, 2, 2 * RECORDS)
