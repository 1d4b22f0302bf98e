"""Who tries addresses, passwords, codes and links learns nothing by how long an answer takes.

By day the work is counted: hashes, and statements in their order. ``slow`` measures time, and compares ranks.
"""

import datetime as dt
import itertools
import math
import random
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace

import pytest
from sqlalchemy import event

from tests.auth.kit import House, Person, code
from tests.auth.test_totp import NOW, App
from xrm_core.auth import totp
from xrm_core.auth.attempts import Kind
from xrm_core.auth.one_time import Purpose, create_link
from xrm_core.auth.passwords import PasswordHash

WRONG, NO_CODE = "wrong horse battery", "000000"
SAMPLES = 150
LEAST_P = 1e-4
"""Below it, two series of times are not taken for the same: by chance once in ten thousand runs."""


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(totp, "time", SimpleNamespace(time=lambda: NOW))


@contextmanager
def worked(house: House) -> Iterator[list[str]]:
    """What is done in here: each statement, and each hash."""
    done: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
        if threading.current_thread().name.startswith("xrm-sign-in"):  # others look for new policies
            done.append(statement)

    event.listen(house.database.engine, "before_cursor_execute", note)
    try:
        with pytest.MonkeyPatch.context() as patch:
            for name in ("verify_and_update", "hash"):
                patch.setattr(PasswordHash, name, _noted(getattr(PasswordHash, name), name, done))
            yield done
    finally:
        event.remove(house.database.engine, "before_cursor_execute", note)


def _noted(function: Callable[..., object], name: str, done: list[str]) -> Callable[..., object]:
    def call(*given: object) -> object:
        done.append(name)
        return function(*given)

    return call


def test_a_wrong_password_costs_the_same_whether_there_is_a_second_factor_or_a_code_is_sent(house: House) -> None:
    house.login("first@example.com", WRONG)  # makes the hash that nobody has
    plain, guarded = house.person(), house.person()
    App(house, guarded)
    found = []
    for email, more in itertools.product(("nobody@example.com", plain.email, guarded.email), ({}, {"code": NO_CODE})):
        with worked(house) as done:
            assert code(house.login(email, WRONG, **more)) == "SIGN_IN_FAILED"
        found.append(done)
    assert found[0].count("verify_and_update") == 1
    assert all(each == found[0] for each in found)


def test_the_failure_after_which_attempts_wait_costs_the_same_though_only_a_user_is_told(house: House) -> None:
    found = []
    user = house.person().email
    for email in (f"stranger.{user}", user):
        for _ in range(Kind.ACCOUNT.value[1]):
            house.login(email, WRONG)
        with worked(house) as done:
            assert code(house.login(email, WRONG)) == "SIGN_IN_FAILED"
        found.append(done)
    assert found[0] == found[1]
    assert any("INSERT INTO xrm_notice" in each for each in found[0])


def test_a_wrong_code_costs_the_same_whatever_it_looks_like(house: House) -> None:
    person, other = house.person(), house.person()
    App(house, person)
    wrong = {"digits": NO_CODE, "recovery": "aaaaa-bbbbb", "of somebody else": App(house, other).recovery_codes[0]}
    found = {}
    for name, given in wrong.items():
        with worked(house) as done:
            assert code(house.login(person.email, code=given)) == "SIGN_IN_FAILED"
        found[name] = done
    assert found["digits"].count("verify_and_update") == 1
    assert all(each == found["digits"] for each in found.values())


def test_a_link_that_is_void_costs_the_same_whether_it_was_ever_there(house: House) -> None:
    person = house.person()
    links = void_links(house, person)
    found = {}
    for name, token in links.items():
        with worked(house) as done:
            answer = house.post("/auth/password", {"token": token, "password": "another good password"})
            assert (answer.status_code, code(answer)) == (404, "NOT_FOUND")
        found[name] = done
    assert 0 < len(found["unknown"]) < 5
    assert found["unknown"] == found["used"] == found["expired"]
    assert "hash" not in found["unknown"]


def void_links(house: House, person: Person) -> dict[str, str]:
    """Tokens that are good for nothing, by what is wrong with them."""
    with house.database.begin() as connection:
        used = create_link(connection, person.id, Purpose.RESET, dt.timedelta(days=1))
    answer = house.post("/auth/password", {"token": used, "password": "a good password of its own"})
    assert answer.status_code == 200
    with house.database.begin() as connection:
        expired = create_link(connection, person.id, Purpose.INVITATION, dt.timedelta(seconds=-1))
    return {"unknown": f"xrmo_{'A' * 43}", "used": used, "expired": expired}


@pytest.mark.slow
def test_times_of_sign_in_tell_nothing(house: House) -> None:
    plain, guarded, without = house.person(), house.person(), house.person(None)
    App(house, guarded)
    cases = {
        "unknown": lambda: house.login("nobody@example.com", WRONG),
        "known": lambda: house.login(plain.email, WRONG),
        "second factor": lambda: house.login(guarded.email, WRONG, code=NO_CODE),
        "no password": lambda: house.login(without.email, WRONG),
    }
    compare(house, cases)


@pytest.mark.slow
def test_times_of_links_tell_nothing(house: House) -> None:
    cases = {
        name: lambda token=token: house.post("/auth/password", {"token": token, "password": "another good password"})
        for name, token in void_links(house, house.person()).items()
    }
    compare(house, cases)


@pytest.mark.slow
def test_the_comparison_sees_a_millisecond(house: House) -> None:
    """Else that nothing is found would show nothing."""

    def later() -> None:
        time.sleep(0.001)
        house.login("nobody@example.com", WRONG)

    took = times(house, {"unknown": lambda: house.login("nobody@example.com", WRONG), "later": later})
    assert p_of_ranks(took["unknown"], took["later"]) < LEAST_P


def compare(house: House, cases: dict[str, Callable[[], object]]) -> None:
    took = times(house, cases)
    for one, other in itertools.combinations(cases, 2):
        p = p_of_ranks(took[one], took[other])
        apart = abs(statistics.median(took[one]) - statistics.median(took[other]))
        assert p > LEAST_P, f"{one} and {other} are told apart: p {p:.1e}, medians {apart * 1e6:.0f} µs apart"


def times(house: House, cases: dict[str, Callable[[], object]]) -> dict[str, list[float]]:
    """Seconds of each case, in turns and in an order that changes; no limit on attempts is met."""
    took: dict[str, list[float]] = {name: [] for name in cases}
    chance = random.Random(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("xrm_core.auth.attempts.require_free", lambda *_given: None)
        for _ in range(SAMPLES):
            for name in chance.sample(list(cases), len(cases)):
                began = time.perf_counter()
                cases[name]()
                took[name].append(time.perf_counter() - began)
    return took


def p_of_ranks(one: list[float], other: list[float]) -> float:
    """How probable ranks so far apart are if both series are the same (Mann and Whitney, two sides)."""
    ranks = {value: rank for rank, value in enumerate(sorted([*one, *other]), 1)}
    many, more = len(one), len(other)
    u = sum(ranks[value] for value in one) - many * (many + 1) / 2
    deviation = math.sqrt(many * more * (many + more + 1) / 12)
    return math.erfc(abs(u - many * more / 2) / deviation / math.sqrt(2))
