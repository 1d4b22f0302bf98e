"""Which passwords are taken, and how they are kept."""

import threading
import unicodedata

import pytest

from xrm_core.auth import passwords
from xrm_core.auth.passwords import LONGEST, PasswordRefused, Passwords, check_new

CHEAP = Passwords(8, 1)
GOOD = "correct horse battery"


@pytest.mark.parametrize(
    ("password", "part"),
    [
        ("", "8 to 1024 characters"),
        ("a1b2c3d", "8 to 1024 characters"),
        ("x1y" * 400, "8 to 1024 characters"),
        ("password", "first that anybody"),
        ("PassWord", "first that anybody"),
        ("12345678", "first that anybody"),
        ("aaaaaaaaaaaa", "first that anybody"),
        ("abababababab", "first that anybody"),
        ("eva.kern@example.com", "e-mail address"),
        ("EVA.KERN@Example.com ", "e-mail address"),
        ("Eva.Kern", "e-mail address"),
        ("half a \ud800 character", "half a character"),
    ],
)
def test_a_password_that_is_no_good(password: str, part: str) -> None:
    with pytest.raises(PasswordRefused, match=part):
        check_new(password, "eva.kern@example.com")


@pytest.mark.parametrize("password", [GOOD, "x" * 5 + "yz!", "пароль из слов", "a1" + "ü" * (LONGEST - 2)])
def test_a_password_that_is_taken(password: str) -> None:
    check_new(password, "eva@example.com")
    kept = CHEAP.hash(password)
    assert CHEAP.verify(password, kept) == (True, None)
    assert kept.startswith("$argon2id$v=19$m=8,t=1,p=1$")


def test_nothing_of_a_password_is_cut_off() -> None:
    long = "x" * 75
    for one, other in ((long + "a", long + "b"), ("x\0a", "x\0b"), ("x" * 1023 + "a", "x" * 1023 + "b")):
        assert not CHEAP.verify(other, CHEAP.hash(one))[0]


def test_what_looks_equal_is_equal() -> None:
    composed, decomposed = (unicodedata.normalize(form, "café au lait") for form in ("NFC", "NFD"))
    assert composed != decomposed
    assert CHEAP.verify(decomposed, CHEAP.hash(composed))[0]


def test_half_a_character_is_just_wrong() -> None:
    assert CHEAP.verify("\ud800", CHEAP.hash(GOOD)) == (False, None)


def test_nobodys_password_is_never_right() -> None:
    assert CHEAP.verify("nobody's password", None) == (False, None)


def test_a_hash_of_other_parameters_is_made_anew() -> None:
    right, better = Passwords(16, 2).verify(GOOD, CHEAP.hash(GOOD))
    assert right
    assert better is not None
    assert "m=16,t=2" in better
    assert Passwords(16, 2).verify("wrong", CHEAP.hash(GOOD)) == (False, None)


def test_so_many_are_hashed_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    under_way, most, free = 0, 0, threading.Event()
    lock = threading.Lock()

    def hash_slowly(*_given: object) -> str:
        nonlocal under_way, most
        with lock:
            under_way += 1
            most = max(most, under_way)
            if under_way > passwords.AT_ONCE:
                free.set()
        free.wait(0.05)
        with lock:
            under_way -= 1
        return ""

    monkeypatch.setattr(passwords.PasswordHash, "hash", hash_slowly)
    mine = Passwords(8, 1)
    threads = [threading.Thread(target=mine.hash, args=[GOOD]) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == passwords.AT_ONCE
