"""The second factor."""

from types import SimpleNamespace

import pyotp
import pytest
from sqlalchemy import select, update

from tests.auth.kit import PASSWORD, House, Person, code
from xrm_core.auth import recovery_codes, totp
from xrm_core.auth.attempts import Kind
from xrm_core.auth.secret_box import SecretBox, SecretKeyNeeded
from xrm_core.errors import BadQuery
from xrm_core.storage.system import RECOVERY_CODE, TOTP

STEP, NOW = 30, 1_800_000_015


class App:
    """The app of a user, with a clock that can be ahead."""

    def __init__(self, house: House, person: Person) -> None:
        box = SecretBox(house.platform.settings.secret_key)
        with house.database.begin() as connection:
            self.secret, self.uri = totp.enrol(connection, box, person.id, person.email)
        with house.database.begin() as connection:
            codes = totp.confirm(connection, box, person.id, self.code(-1))
        assert codes is not None
        self.recovery_codes = codes

    def code(self, steps: int = 0) -> str:
        """The code so many steps from now."""
        return pyotp.TOTP(self.secret).at(NOW + steps * STEP)


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server's clock stands still, so that no step ends within a test."""
    monkeypatch.setattr(totp, "time", SimpleNamespace(time=lambda: NOW))


def test_who_has_a_second_factor_needs_its_code_too(house: House) -> None:
    person = house.person()
    app = App(house, person)
    needed = house.login(person.email)
    assert (needed.status_code, code(needed)) == (401, "CODE_REQUIRED")
    assert "set-cookie" not in needed.headers
    assert house.rows_of(person)["xrm_session"] == 0  # half-way there is nothing
    assert house.login(person.email, "wrong horse").json()["errors"][0]["extensions"]["code"] == "SIGN_IN_FAILED"
    wrong_password = house.login(person.email, "wrong horse", code=app.code())
    assert code(wrong_password) == "SIGN_IN_FAILED"
    assert house.login(person.email, code=app.code()).status_code == 200


def test_a_code_works_once_and_no_older_one_after_it(house: House) -> None:
    person = house.person()
    app = App(house, person)  # which has used the code of the step before
    assert code(house.login(person.email, code=app.code(-1))) == "SIGN_IN_FAILED"
    assert house.login(person.email, code=app.code()).status_code == 200
    assert code(house.login(person.email, code=app.code())) == "SIGN_IN_FAILED"
    assert house.login(person.email, code=f" {app.code(1)[:3]} {app.code(1)[3:]} ").status_code == 200
    assert code(house.login(person.email, code=app.code(2))) == "SIGN_IN_FAILED"  # clocks differ by one step at most
    assert house.events(person.email)[0] == "sign_in_failed"


def test_a_recovery_code_works_once(house: House) -> None:
    person = house.person()
    app = App(house, person)
    assert len(set(app.recovery_codes)) == recovery_codes.COUNT == 10
    first = app.recovery_codes[0]
    assert house.login(person.email, code=f" {first.upper().replace('-', ' ')} ").status_code == 200
    assert code(house.login(person.email, code=first)) == "SIGN_IN_FAILED"
    assert house.rows_of(person)["xrm_recovery_code"] == 9
    assert "recovery_code_used" in house.events(person.id)
    assert code(house.login(house_person(house).email, code=app.recovery_codes[1])) == "SIGN_IN_FAILED"


def house_person(house: House) -> Person:
    """Another user with a second factor."""
    other = house.person()
    App(house, other)
    return other


@pytest.mark.parametrize("given", ["", "abc", "12345", "1234567", "١٢٣٤٥٦", "-1", "000000\n", "A" * 5000])
def test_what_is_no_code(house: House, given: str) -> None:
    person = house.person()
    App(house, person)
    assert code(house.login(person.email, code=given)) == "SIGN_IN_FAILED"


def test_codes_cannot_be_guessed_through(house: House) -> None:
    person = house.person()
    app = App(house, person)
    _, free, _ = Kind.CODE.value
    answers = [house.login(person.email, code=f"{number:06}") for number in range(free + 3)]
    assert [answer.status_code for answer in answers].count(401) <= free + 2
    assert code(answers[-1]) == "TOO_MANY_ATTEMPTS"
    assert code(house.login(person.email, code=app.code())) == "TOO_MANY_ATTEMPTS"
    # who knows the password, and tries codes in between, does not begin anew
    assert code(house.login(person.email)) == "CODE_REQUIRED"
    assert code(house.login(person.email, code=app.code())) == "TOO_MANY_ATTEMPTS"


def test_a_known_device_is_not_held_up_by_others_who_guess_codes(house: House) -> None:
    person = house.person()
    app = App(house, person)
    device = house.login(person.email, code=app.code(), **{"as": "token"}).json()["device"]
    while code(house.login(person.email, code="000000")) != "TOO_MANY_ATTEMPTS":
        pass
    assert house.login(person.email, code=app.code(1), device=device).status_code == 200


def test_the_secret_is_encrypted_and_bound_to_its_owner(house: House) -> None:
    person, other = house.person(), house.person()
    app, theirs = App(house, person), App(house, other)
    with house.database.begin() as connection:
        sealed = connection.scalar(select(TOTP.c.secret).where(TOTP.c.user_id == person.id))
        codes = connection.scalars(select(RECOVERY_CODE.c.code_hash).where(RECOVERY_CODE.c.user_id == person.id)).all()
        # whoever can write to the database still cannot give one user the second factor of another
        connection.execute(update(TOTP).where(TOTP.c.user_id == other.id).values(secret=sealed))
    assert app.secret not in str(sealed)
    assert not any(code in str(codes) for code in app.recovery_codes)
    answer = house.login(other.email, code=app.code())
    assert (answer.status_code, code(answer)) == (503, "SECRET_KEY_NEEDED")
    assert "AESGCM" not in answer.text
    assert house.login(other.email, code=theirs.recovery_codes[0]).status_code == 200


def test_without_the_key_nothing_can_be_enrolled(house: House) -> None:
    person = house.person()
    with pytest.raises(SecretKeyNeeded, match="XRM_SECRET_KEY is not set"), house.database.begin() as connection:
        totp.enrol(connection, SecretBox(""), person.id, person.email)
    assert house.rows_of(person)["xrm_totp"] == 0


@pytest.mark.parametrize("sealed", ["", "1:", "1:!!", "2:AAAA", "1:AAAA", "1:" + "A" * 100])
def test_what_somebody_wrote_into_the_database_is_no_secret(sealed: str) -> None:
    with pytest.raises(SecretKeyNeeded, match="has not the key"):
        SecretBox("k" * 20 + "0123456789abcdef").open(sealed, "totp 1")


def test_a_secret_that_is_not_confirmed_is_not_asked_for_and_can_be_replaced(house: House) -> None:
    person = house.person()
    box = SecretBox(house.platform.settings.secret_key)
    with house.database.begin() as connection:
        first, _ = totp.enrol(connection, box, person.id, person.email)
        second, uri = totp.enrol(connection, box, person.id, person.email)
        assert first != second
        assert uri.startswith(f"otpauth://totp/xRM:{person.email.replace('@', '%40')}?secret={second}&issuer=xRM")
        assert totp.confirm(connection, box, person.id, pyotp.TOTP(first).at(NOW)) is None
        assert not totp.check(connection, box, person.id, pyotp.TOTP(second).at(NOW))
    assert house.login(person.email).status_code == 200
    with house.database.begin() as connection:
        assert totp.confirm(connection, box, person.id, pyotp.TOTP(second).at(NOW)) is not None
        for again in (totp.enrol, totp.confirm):
            with pytest.raises(BadQuery):
                again(connection, box, person.id, "000000")


def test_a_new_password_leaves_the_second_factor(house: House) -> None:
    person = house.person()
    app = App(house, person)
    house.set_password(person, f"{PASSWORD}!")
    assert code(house.login(person.email, f"{PASSWORD}!")) == "CODE_REQUIRED"
    assert house.login(person.email, f"{PASSWORD}!", code=app.code()).status_code == 200
