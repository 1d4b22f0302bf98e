import datetime as dt

import pytest
from uuid_utils import uuid7

from xrm_core.auth.events import Event, record, recorded
from xrm_core.storage.engines import Database
from xrm_core.storage.system_upgrade import upgrade_system

ADA, BO = str(uuid7()), str(uuid7())


@pytest.fixture
def log(database: Database) -> Database:
    upgrade_system(database)
    return database


def test_events_are_found_by_user_kind_and_time(log: Database) -> None:
    with log.begin() as connection:
        record(connection, Event.SIGN_IN, user_id=ADA, address="192.0.2.7", details={"device": "Küche"})
        record(connection, Event.SIGN_IN_FAILED, subject="ada@example.com", address="2001:db8::1")
        record(connection, Event.ROLES_CHANGED, user_id=BO, subject=ADA)
        record(connection, Event.SIGN_IN, user_id=BO)
    with log.read() as connection:
        everything = list(recorded(connection))
        assert [each.event for each in everything] == ["sign_in", "roles_changed", "sign_in_failed", "sign_in"]
        first = everything[-1]
        assert (first.user_id, first.subject, first.address) == (ADA, None, "192.0.2.7")
        assert first.details == {"device": "Küche"}
        assert dt.datetime.fromisoformat(first.at) <= dt.datetime.now(dt.UTC)
        about_ada = recorded(connection, users=(ADA, "ada@example.com"))
        assert [each.event for each in about_ada] == ["roles_changed", "sign_in_failed", "sign_in"]
        assert [each.user_id for each in recorded(connection, event="sign_in")] == [BO, ADA]
        assert list(recorded(connection, since=dt.datetime.now(dt.UTC) + dt.timedelta(minutes=1))) == []
        assert len(list(recorded(connection, since=dt.datetime.now(dt.UTC) - dt.timedelta(minutes=1)))) == 4
        assert list(recorded(connection, limit=1)) == everything[:1]
        assert list(recorded(connection, before=everything[1].id)) == everything[2:]


def test_what_strangers_send_as_a_name_is_kept_safely(log: Database) -> None:
    with log.begin() as connection:
        record(connection, Event.SIGN_IN_FAILED, subject="a\0b\ud800" + "x" * 100_000, address="y" * 10_000)
    with log.read() as connection:
        [kept] = recorded(connection)
    assert (kept.subject or "").startswith("a\N{REPLACEMENT CHARACTER}b?x")
    assert (len(kept.subject or ""), len(kept.address or "")) == (500, 500)


def test_an_event_that_does_not_exist_is_refused(log: Database) -> None:
    with log.begin() as connection, pytest.raises(ValueError, match="party"):
        record(connection, "party")


def test_no_event_without_what_happened(log: Database) -> None:
    def fail() -> None:
        with log.begin() as connection:
            record(connection, Event.SIGN_IN, user_id=ADA)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    with log.read() as connection:
        assert list(recorded(connection)) == []
