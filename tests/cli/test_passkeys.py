"""``xrm user passkeys``, and the settings that passkeys need."""

import datetime as dt
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.conftest import Xrm
from xrm_core.auth import passkeys
from xrm_core.auth.passkeys import Credential
from xrm_core.auth.relying_party import RelyingParty
from xrm_core.auth.sessions import Lifetimes, create_session
from xrm_core.errors import SettingsError
from xrm_core.settings import load_settings
from xrm_core.storage.engines import Database

EMAIL = "ada@example.com"


def test_passkeys_are_listed_and_taken_away(applied: Path, xrm: Xrm) -> None:
    # given
    ada = xrm("user", "create", "--email", EMAIL, "--role", "clerk").out.strip()
    bob = xrm("user", "create", "--email", "bob@example.com", "--role", "clerk").out.strip()
    made = []
    with closing(Database("sqlite:///xrm-data/xrm.db")) as database, database.begin() as connection:
        for number, user in enumerate((ada, ada, bob)):
            credential = Credential(f"c{number}", "key", 0, ("usb",), "0" * 8, backup_eligible=False, backed_up=False)
            kept = passkeys.add(connection, user, f"Key {number}", credential)
            assert kept is not None
            made.append(kept.id)
            hour = dt.timedelta(hours=1)
            create_session(connection, user, Lifetimes(hour, hour), cookie=False, device="curl", address=None)

    # then
    listed = xrm("user", "passkeys", EMAIL).out.splitlines()
    assert [line.split("  ")[:2] for line in listed] == [[made[0], "Key 0"], [made[1], "Key 1"]]
    assert listed[0].endswith("never used")
    for nobody in (made[2], "x"):
        xrm("user", "passkeys", EMAIL, "--remove", nobody).failed("NOT_FOUND")
    assert xrm("user", "passkeys", EMAIL, "--remove", made[0]).out.startswith("1 passkey(s)")
    assert made[0] not in xrm("user", "passkeys", EMAIL).out
    assert xrm("user", "passkeys", EMAIL, "--remove", "all").out.startswith("1 passkey(s)")
    assert xrm("user", "passkeys", EMAIL).out == ""
    xrm("user", "passkeys", EMAIL, "--remove", "all").failed("NOT_FOUND")
    with closing(sqlite3.connect("xrm-data/xrm.db")) as connection:
        assert connection.execute("SELECT user_id FROM xrm_session").fetchall() == [(bob,)]
        assert connection.execute("SELECT id FROM xrm_passkey").fetchall() == [(made[2],)]
    assert xrm("log", "events").out.count("passkey_removed") == 2


@pytest.mark.parametrize(
    ("origins", "domain", "expected"),
    [
        ("https://crm.example.com", None, "crm.example.com"),
        ("https://crm.example.com, https://app.crm.example.com:8443", None, "crm.example.com"),
        ("https://crm.example.com,https://app.example.com", "example.com", "example.com"),
        ("http://localhost:8000", None, "localhost"),
        ("", None, ""),
    ],
)
def test_what_passkeys_are_bound_to(pack: Path, origins: str, domain: str | None, expected: str) -> None:
    party = RelyingParty.of(load_settings(passkey_origins=origins, passkey_rp_id=domain))
    assert party.id == expected
    assert party.origins == tuple(each.strip() for each in origins.split(",") if each)


@pytest.mark.parametrize(
    ("origins", "domain", "of_main", "of_acme"),
    [
        (
            "https://crm.example.com,https://{tenant}.crm.example.com",
            None,
            RelyingParty("crm.example.com", ("https://crm.example.com",)),
            RelyingParty("acme.crm.example.com", ("https://acme.crm.example.com",)),
        ),
        (
            "https://{tenant}.example.com,https://crm-{tenant}.example.com:8443",
            "example.com",
            RelyingParty("example.com", ()),
            RelyingParty("example.com", ("https://acme.example.com", "https://crm-acme.example.com:8443")),
        ),
        ("http://localhost:8000", None, *[RelyingParty("localhost", ("http://localhost:8000",))] * 2),
    ],
)
def test_each_tenant_has_origins_of_its_own(
    pack: Path, origins: str, domain: str | None, of_main: RelyingParty, of_acme: RelyingParty
) -> None:
    settings = load_settings(passkey_origins=origins, passkey_rp_id=domain)
    assert RelyingParty.of(settings) == of_main
    assert RelyingParty.of(settings, "acme") == of_acme


@pytest.mark.parametrize(
    ("origins", "domain"),
    [
        ("http://crm.example.com", None),
        ("https://crm.example.com/", None),
        ("https://CRM.example.com", None),
        ("https://10.0.0.1", None),
        ("https://[::1]", None),
        ("https://user@crm.example.com", None),
        ("https://crm.example.com\n", "crm.example.com\n"),
        ("*", None),
        ("null", None),
        ("https://crm.example.com,https://other.example.com", None),
        ("https://notexample.com", "example.com"),
        ("https://{tenant}.example.com,https://{tenant}.example.org", None),
        ("https://{tenant}.example.com", "crm.example.com"),
        ("https://{tenant}.{tenant}.example.com", None),
        ("{tenant}", None),
        ("https://{other}.example.com", None),
        ("https://example.com", "crm.example.com"),
        ("", "example.com"),
    ],
)
def test_origins_on_which_no_passkey_could_work(pack: Path, origins: str, domain: str | None) -> None:
    with pytest.raises(SettingsError, match=r"(?i)passkey"):
        load_settings(passkey_origins=origins, passkey_rp_id=domain)
