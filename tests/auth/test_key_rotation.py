"""Another secret key, on both databases and under traffic."""

from types import SimpleNamespace

import pyotp
import pytest
from sqlalchemy import select, update

from tests.auth.kit import House
from xrm_core.auth import key_rotation, totp
from xrm_core.auth.events import recorded
from xrm_core.auth.secret_box import SecretBox, SecretKeyNeeded
from xrm_core.storage.system import TOTP

NEW = "another key of the tests 9876543210 xyz"
NOW = 1_800_000_015


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(totp, "time", SimpleNamespace(time=lambda: NOW))


def test_who_has_a_second_factor_notices_nothing(house: House) -> None:
    # given
    person, old = house.person(), SecretBox(house.platform.settings.secret_key)
    both = SecretBox(f"{NEW},{house.platform.settings.secret_key}")
    with house.database.begin() as connection:
        connection.execute(TOTP.delete())
        secret, _ = totp.enrol(connection, old, person.id, person.email)
        assert totp.confirm(connection, old, person.id, pyotp.TOTP(secret).at(NOW - 30)) is not None

    # when
    with house.database.begin() as connection:
        assert key_rotation.survey(connection, both).anew == 1
        assert totp.check(connection, old, person.id, pyotp.TOTP(secret).at(NOW))  # which has changed nothing
        assert key_rotation.rotate(connection, both).anew == 1

    # then
    with house.database.begin() as connection:
        assert totp.check(connection, SecretBox(NEW), person.id, pyotp.TOTP(secret).at(NOW + 30))
        with pytest.raises(SecretKeyNeeded, match="has not the key"):
            totp.check(connection, old, person.id, pyotp.TOTP(secret).at(NOW + 30))
        connection.execute(TOTP.delete())
    with house.database.read() as connection:
        assert [each.details["secrets"] for each in recorded(connection, event="secret_key_rotated", limit=1)] == [1]


def test_one_that_no_key_reads_stops_all(house: House) -> None:
    # given a secret that somebody has written into the row of another user
    person, other = house.person(), house.person()
    old = SecretBox(house.platform.settings.secret_key)
    with house.database.begin() as connection:
        connection.execute(TOTP.delete())
        for each in (person, other):
            totp.enrol(connection, old, each.id, each.email)
        sealed = connection.scalar(select(TOTP.c.secret).where(TOTP.c.user_id == person.id))
        connection.execute(update(TOTP).where(TOTP.c.user_id == other.id).values(secret=sealed))

    # when
    both = SecretBox(f"{NEW},{house.platform.settings.secret_key}")
    with house.database.begin() as connection, pytest.raises(SecretKeyNeeded, match="nothing was changed") as refused:
        key_rotation.rotate(connection, both)

    # then
    assert other.id in refused.value.message
    assert person.id not in refused.value.message
    with house.database.begin() as connection:
        assert set(connection.scalars(select(TOTP.c.secret))) == {sealed}
        connection.execute(TOTP.delete())


def test_what_is_replaced_meanwhile_stays_as_it_was_replaced(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    # given
    person, old = house.person(), house.platform.settings.secret_key
    with house.database.begin() as connection:
        connection.execute(TOTP.delete())
        totp.enrol(connection, SecretBox(old), person.id, person.email)
    box, looked = SecretBox(f"{NEW},{old}"), key_rotation._look

    def look(connection, box):
        found = looked(connection, box)
        totp.enrol(connection, SecretBox(old), person.id, person.email)  # who enrols anew between look and write
        return found

    # when
    with house.database.begin() as connection:
        monkeypatch.setattr(key_rotation, "_look", look)
        raced = key_rotation.rotate(connection, box)
        monkeypatch.setattr(key_rotation, "_look", looked)
        again = key_rotation.rotate(connection, box)
        third = key_rotation.rotate(connection, box)
        connection.execute(TOTP.delete())

    # then
    assert (raced.anew, again.anew, again.already) == (0, 1, 0)
    assert (third.anew, third.already) == (0, 1)
