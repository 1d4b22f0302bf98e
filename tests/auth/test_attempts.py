"""How long those who guess have to wait."""

import datetime as dt
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select, update

from xrm_core.auth import attempts
from xrm_core.auth.attempts import Counter, Kind, TooManyAttempts, of_address
from xrm_core.storage.engines import Database
from xrm_core.storage.system import ATTEMPTS
from xrm_core.storage.system_upgrade import upgrade_system

MINE = Counter.of(Kind.ACCOUNT, "ada@example.com")


@pytest.mark.parametrize("kind", Kind)
def test_delays_grow_up_to_a_bound_and_never_shrink(kind: Kind) -> None:
    _, free, longest = kind.value
    seconds = [kind.delay(failures).total_seconds() for failures in range(10_000)]
    assert not any(seconds[: free + 1])
    assert seconds[free + 1 : free + 4] == [1, 2, 4]
    assert seconds == sorted(seconds)
    assert seconds[-1] == longest


def test_counts_are_kept_for_a_day_and_can_be_taken_back(database: Database) -> None:
    upgrade_system(database)
    _, free, _ = Kind.ACCOUNT.value

    def failures() -> int:
        with database.read() as connection:
            return int(connection.scalar(select(ATTEMPTS.c.failures)) or 0)

    for _ in range(free + 1):
        with database.begin() as connection:
            attempts.count(connection, [MINE])
    with pytest.raises(TooManyAttempts) as late, database.begin() as connection:
        attempts.count(connection, [MINE, of_address("192.0.2.1")])
    assert late.value.details == {"retryAfter": 1}
    assert failures() == free + 1  # one that comes too early is not counted
    with pytest.raises(TooManyAttempts), database.read() as connection:
        attempts.require_free(connection, [MINE])
    with database.begin() as connection:
        attempts.take_back(connection, MINE)
    assert failures() == free
    with database.begin() as connection:
        attempts.count(connection, [MINE])
        long_ago = dt.datetime.now(dt.UTC) - attempts.FORGOTTEN
        connection.execute(update(ATTEMPTS).values(last_at=long_ago, free_at=long_ago))
    with database.begin() as connection:
        attempts.count(connection, [MINE])
    assert failures() == 1
    with database.begin() as connection:
        connection.execute(update(ATTEMPTS).values(last_at=long_ago))
        assert attempts.remove_old(connection) == 1


def test_a_count_that_is_forgotten_meanwhile_begins_anew(database: Database) -> None:
    # Given many who count attempts of one account, and somebody who forgets them all the time
    upgrade_system(database)

    def count(_number: int) -> None:
        with database.begin() as connection:
            attempts.count(connection, [MINE, of_address("192.0.2.1")])
            attempts.take_back(connection, MINE)
            attempts.take_back(connection, of_address("192.0.2.1"))

    def forget(_number: int) -> None:
        with database.begin() as connection:
            attempts.forget(connection, MINE)

    # Then each of them is counted
    with ThreadPoolExecutor(4) as threads:
        for work in [threads.submit(count if number % 2 else forget, number) for number in range(120)]:
            work.result()


def test_nothing_that_strangers_send_is_kept_as_it_is(database: Database) -> None:
    upgrade_system(database)
    with database.begin() as connection:
        attempts.count(connection, [MINE, of_address("192.0.2.1"), Counter.of(Kind.ACCOUNT, "\ud800")])
        assert "ada" not in str(connection.execute(select(ATTEMPTS)).all())


def test_a_client_cannot_choose_another_address_within_its_network() -> None:
    assert of_address("2001:db8:1:2::1") == of_address("2001:db8:1:2:ffff::9")
    assert of_address("2001:db8:1:2::1") != of_address("2001:db8:1:3::1")
    assert of_address("192.0.2.1") != of_address("192.0.2.2")
    assert of_address("::ffff:192.0.2.1") == of_address("192.0.2.1")
    assert of_address(None) == of_address("")
