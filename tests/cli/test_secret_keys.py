"""``xrm secrets rotate``."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pyotp
import pytest
from sqlalchemy import select

from tests.cli.conftest import Xrm
from xrm_core.auth import totp
from xrm_core.auth.secret_box import SecretBox, SecretKeyNeeded
from xrm_core.storage.engines import Database
from xrm_core.storage.system import TOTP

OLD, NEW = "the old key of the tests 0123456789 abc", "the new key of the tests 9876543210 xyz"
EMAIL = "ada@example.com"
PLACES = {"main": "xrm-data/xrm.db", "acme": "xrm-data/tenants/acme.db"}


class Enrolled:
    """Ada here and Ada at the tenant, each with a second factor that the old key has encrypted."""

    def __init__(self, xrm: Xrm) -> None:
        xrm("tenant", "create", "acme")
        self.secrets = {}
        for name, path in PLACES.items():
            at = () if name == "main" else ("--tenant", name)
            user = xrm("user", "create", "--email", EMAIL, "--role", "clerk", *at).out.strip()
            with closing(Database(f"sqlite:///{path}")) as database, database.begin() as connection:
                self.secrets[name] = user, totp.enrol(connection, SecretBox(OLD), user, EMAIL)[0]

    def sealed(self) -> dict[str, str]:
        """What is stored."""
        found = {}
        for name, path in PLACES.items():
            with closing(Database(f"sqlite:///{path}")) as database, database.read() as connection:
                found[name] = str(connection.scalar(select(TOTP.c.secret)))
        return found

    def read_by(self, key: str) -> dict[str, bool]:
        """Whether a key reads what is stored."""
        found = {}
        for name, sealed in self.sealed().items():
            user, secret = self.secrets[name]
            try:
                found[name] = SecretBox(key).open(sealed, totp.owner(user)) == secret
            except SecretKeyNeeded:
                found[name] = False
        return found


@pytest.fixture
def enrolled(xrm: Xrm, applied: Path) -> Enrolled:
    """The two."""
    return Enrolled(xrm)


def test_all_databases_get_the_first_key_and_again_nothing(
    enrolled: Enrolled, xrm: Xrm, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given both keys, the old one still the first
    monkeypatch.setenv("XRM_SECRET_KEY", f"{OLD}, {NEW}")
    assert xrm("secrets", "rotate").out.count("0 encrypted anew, 1 had the first key already") == 2
    assert enrolled.read_by(OLD) == {"main": True, "acme": True}

    # when the new one is
    monkeypatch.setenv("XRM_SECRET_KEY", f"{NEW},{OLD}")
    done = xrm("secrets", "rotate")

    # then
    assert done.out.splitlines() == [
        f"{name}: 1 encrypted anew, 0 had the first key already." for name in ("main", "acme")
    ]
    assert enrolled.read_by(NEW) == {"main": True, "acme": True}
    assert enrolled.read_by(OLD) == {"main": False, "acme": False}
    assert OLD not in done.out + done.err
    assert xrm("log", "events").out.count("secret_key_rotated") == 1
    kept = enrolled.sealed()
    monkeypatch.setenv("XRM_SECRET_KEY", NEW)
    assert xrm("secrets", "rotate").out.count("0 encrypted anew, 1 had the first key already") == 2
    assert enrolled.sealed() == kept
    assert xrm("log", "events").out.count("secret_key_rotated") == 1  # nothing happened


def test_one_tenant_alone(enrolled: Enrolled, xrm: Xrm, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XRM_SECRET_KEY", f"{NEW},{OLD}")
    assert xrm("secrets", "rotate", "--tenant", "acme").out.startswith("acme: 1 encrypted anew")
    assert enrolled.read_by(NEW) == {"main": False, "acme": True}


def test_a_key_too_few_changes_nothing_anywhere(enrolled: Enrolled, xrm: Xrm, monkeypatch: pytest.MonkeyPatch) -> None:
    # given a secret of the tenant, which comes last, that neither key reads
    user, _ = enrolled.secrets["acme"]
    other = SecretBox("a third key of the tests 0123456789 abc").seal(pyotp.random_base32(), totp.owner(user))
    with closing(sqlite3.connect(PLACES["acme"])) as connection, connection:
        connection.execute("UPDATE xrm_totp SET secret = ?", [other])
    before = enrolled.sealed()

    # when
    monkeypatch.setenv("XRM_SECRET_KEY", f"{NEW},{OLD}")
    said = xrm("secrets", "rotate").failed("SECRET_KEY_NEEDED")

    # then
    assert "1 secret(s) of acme" in said
    assert user in said
    assert not any(key in said for key in (OLD, NEW))
    assert enrolled.sealed() == before
    monkeypatch.setenv("XRM_SECRET_KEY", NEW)
    assert "1 secret(s) of main" in xrm("secrets", "rotate").failed("SECRET_KEY_NEEDED")
    monkeypatch.delenv("XRM_SECRET_KEY")
    assert "is not set" in xrm("secrets", "rotate").failed("SECRET_KEY_NEEDED")
    assert enrolled.sealed() == before


def test_a_weak_key_among_good_ones_is_refused(applied: Path, xrm: Xrm, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XRM_SECRET_KEY", f"{NEW},hunter2")
    said = xrm("secrets", "rotate").failed("SETTINGS_INVALID")
    assert "commas stand between keys" in said
    assert "hunter2" not in said
    assert NEW not in said
