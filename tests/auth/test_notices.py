"""Security notices: who is told what by mail, when, how often, and what never stands in it."""

import datetime as dt
import re
import time
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyotp
import pytest
from sqlalchemy import func, select, update

from tests.auth import kit
from tests.auth.kit import PASSWORD, House, Person, code, opened
from tests.auth.post import Post, mail_server, text
from tests.auth.test_mail import wait_for
from tests.auth.test_tenants import settle as settle_tenant
from tests.auth.test_totp import NOW, App
from tests.postgres import PostgresServer
from xrm_core.auth import authenticator, events, notices, stored_passwords, totp
from xrm_core.auth.attempts import Counter, Kind
from xrm_core.auth.events import Event
from xrm_core.auth.notice_texts import letter
from xrm_core.auth.notices import Happened
from xrm_core.auth.passwords import Passwords
from xrm_core.server import app
from xrm_core.server.security_notices import SecurityNotices
from xrm_core.settings import load_settings
from xrm_core.storage.notices import Notice
from xrm_core.storage.system import ATTEMPTS, NOTICE

NEW = "another good password"
HERE = "198.51.100.23"
BERLIN = "Europe/Berlin"
AT = dt.datetime(2026, 11, 26, 23, 30, tzinfo=dt.UTC)


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[Post, int]]:
    with mail_server() as running:
        yield running


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def module_house(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, server: tuple[Post, int]
) -> Iterator[House]:
    folder: Path = tmp_path_factory.mktemp("notices")
    settings = {"mail_host": "127.0.0.1", "mail_port": server[1], "mail_tls": "none", "time_zone": BERLIN}
    settings |= {"mail_from": "crm@example.com", "password_url": "https://crm.example.com/p"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(authenticator, "REMEMBER_SECONDS", 0.0)
        patch.setattr(app, "LOOK_SECONDS", 0.02)
        patch.setitem(kit.FILES, "user", {**kit.FILES["user"], "language": kit.TEXT})
        if request.param == "sqlite":
            with opened(f"sqlite:///{folder / 'house.db'}", folder, **settings) as house:
                yield house
        else:
            postgres: PostgresServer = request.getfixturevalue("postgres_server")
            with postgres.database() as url, opened(url, folder, **settings) as house:
                yield house


@pytest.fixture
def post(server: tuple[Post, int]) -> Post:
    server[0].refuses = False
    return server[0]


@pytest.fixture
def mailing(module_house: House, post: Post) -> House:
    """A house that sends mail, in which nothing is left to be sent."""
    settle(module_house)
    post.got.clear()
    module_house.http.cookies.clear()
    return module_house


def settle(house: House) -> None:
    with house.database.begin() as connection:
        connection.execute(NOTICE.delete())


def person_of(house: House, **fields: Any) -> Person:
    """A user with a password that nobody is told of."""
    person = house.person(None)
    house.update_user(person, fields)
    with house.database.begin() as connection:
        stored_passwords.set_password(connection, person.id, Passwords(8, 1).hash(PASSWORD))
        connection.execute(NOTICE.delete())
    return person


def user_table(house: House) -> Any:
    return house.platform.records.tables["user"]


def waiting(house: House, person: Person) -> list[tuple[str, bool, str | None, str | None]]:
    """What is kept to be told to a user."""
    with house.database.read() as connection:
        mine = select(NOTICE).where(NOTICE.c.user_id == person.id).order_by(NOTICE.c.at, NOTICE.c.id)
        return [(row.kind, row.own, row.address, row.email) for row in connection.execute(mine)]


def send(house: House, headers: dict[str, str], text: str, address: str = HERE, **variables: Any) -> Any:
    answer = house.post("/graphql", {"query": text, "variables": variables}, address, **headers).json()
    assert "errors" not in answer, answer
    return answer["data"]


def only_mail(post: Post, to: str) -> EmailMessage:
    until = time.monotonic() + 10
    while not (mine := [message for recipients, message in post.got if recipients == [to]]):
        assert time.monotonic() < until, post.got
        time.sleep(0.01)
    [message] = mine
    return message


# What is mailed, by a server that runs.


def test_who_changes_the_password_is_told_when_and_from_where_and_gets_no_link(mailing: House, post: Post) -> None:
    person = person_of(mailing, language="de-AT")
    headers = mailing.signed_in(person)
    change = "mutation($a: String!, $b: String!) { changePassword(current: $a, new: $b) }"
    send(mailing, headers, change, a=PASSWORD, b=NEW)
    message = only_mail(post, person.email)
    assert (message["Subject"], message["Content-Language"]) == ("Sicherheit Ihres Zugangs", "de")
    for kind in ("plain", "html"):
        shown = text(message, kind)
        assert re.search(rf"20\d\d-\d\d-\d\d \d\d:\d\d UTC \(.*\d\d:\d\d {BERLIN}\), von {HERE}: Ihr Passwort", shown)
        for secret in (PASSWORD, NEW, "http", "href", "xrm"):
            assert secret not in shown
    until = time.monotonic() + 10
    while waiting(mailing, person):
        assert time.monotonic() < until
        time.sleep(0.01)


def test_a_mail_server_that_refuses_fails_no_request_and_the_notice_comes_later(mailing: House, post: Post) -> None:
    person = person_of(mailing)
    post.refuses = True
    headers = mailing.signed_in(person)
    send(mailing, headers, 'mutation { createToken(label: "https://evil.example") { token } }')
    wait_for(mailing, "mail_not_sent", person.id)
    assert to_person(post, person) == []
    with mailing.database.begin() as connection:
        row = connection.execute(select(NOTICE).where(NOTICE.c.user_id == person.id)).one()
        later = dt.datetime.fromisoformat(row.due_at) - dt.datetime.now(dt.UTC)
        assert dt.timedelta(minutes=4) < later <= notices._LEASE
        post.refuses = False
        connection.execute(update(NOTICE).values(due_at=dt.datetime.now(dt.UTC)))
    shown = text(only_mail(post, person.email))
    assert "An API token was created." in shown
    assert "evil" not in shown  # what somebody has chosen could lead elsewhere
    assert mailing.events(person.id).count("mail_not_sent") == 1


def test_a_flood_is_a_few_mails_and_nothing_is_lost(mailing: House, post: Post) -> None:
    person = person_of(mailing)
    for _ in range(12):
        with mailing.database.begin() as connection:
            events.record(connection, Event.TOKEN_CREATED, user_id=person.id, details={"user": person.id})
        time.sleep(0.1)  # the server looks five times as often
    until = time.monotonic() + 10
    while told(post, person) < 12 and time.monotonic() < until:
        time.sleep(0.02)
    assert told(post, person) == 12
    assert len(to_person(post, person)) <= 7  # after the fourth they wait, and tell of all that has come


def to_person(post: Post, person: Person) -> list[str]:
    return [text(message) for recipients, message in post.got if recipients == [person.email]]


def told(post: Post, person: Person) -> int:
    return sum(each.count("An API token was created.") for each in to_person(post, person))


def test_a_tenant_tells_its_own_users(mailing: House, post: Post) -> None:
    settle_tenant(mailing, "of.tenant@example.com", f"acme{mailing.database.dialect.name}")
    assert text(only_mail(post, "of.tenant@example.com")).count("Your password was set or changed.") == 1


def test_without_a_mail_server_or_by_the_setting_nothing_is_sent(mailing: House, house: House) -> None:
    settings = mailing.platform.settings
    assert SecurityNotices(settings).are_sent
    assert not SecurityNotices(settings.model_copy(update={"security_notices": False})).are_sent
    assert not SecurityNotices(house.platform.settings).are_sent
    assert load_settings().security_notices


# What is kept to be told, in a house that sends no mail.


def test_what_people_do_themselves_is_told_with_their_address(house: House) -> None:
    person = person_of(house)
    headers = house.signed_in(person)
    enrolled = send(house, headers, "mutation($p: String!) { enrolTotp(password: $p) { key } }", p=PASSWORD)
    now = pyotp.TOTP(enrolled["enrolTotp"]["key"]).now()
    send(house, headers, "mutation($c: String!) { confirmTotp(code: $c) }", c=now)
    codes = send(house, headers, "mutation($p: String!) { renewRecoveryCodes(password: $p) }", p=PASSWORD)
    used = codes["renewRecoveryCodes"][0]
    assert house.login(person.email, code=used, address=HERE).status_code == 200
    send(house, headers, "mutation($p: String!) { disableTotp(password: $p) }", p=PASSWORD)
    send(house, headers, 'mutation { createToken(label: "x") { token } }')
    house.post("/auth/logout-everywhere", None, HERE, **headers)  # which they know
    assert waiting(house, person) == [
        (kind, True, HERE, None)
        for kind in ("totp_enabled", "recovery_codes_renewed", "recovery_code_used", "totp_disabled", "token_created")
    ]


def test_what_others_do_is_told_without_their_address(house: House) -> None:
    person, admin = person_of(house), "01980000-0000-7000-8000-000000000001"
    told = {
        Event.PASSWORD_CHANGED: "password_changed",
        Event.TOTP_DISABLED: "totp_disabled",
        Event.PASSKEY_ADDED: "passkey_added",
        Event.PASSKEY_REMOVED: "passkey_removed",
        Event.IDENTITY_LINKED: "identity_linked",
    }
    with house.database.begin() as connection:
        for event in told:
            events.record(connection, event, user_id=admin, subject=person.id, address=HERE)
        ended = {"everywhere": True}
        events.record(connection, Event.SIGN_OUT, subject=person.id, details=ended)
        events.record(connection, Event.SIGN_IN, user_id=admin, subject=person.id)  # among what nobody is told of
    assert waiting(house, person) == [(kind, False, None, None) for kind in (*told.values(), "sessions_ended")]


def test_another_address_is_told_at_the_former_one_with_all_that_was_not_told_yet(house: House) -> None:
    person = person_of(house)
    with house.database.begin() as connection:
        events.record(connection, Event.PASSWORD_CHANGED, subject=person.id)
    house.update_user(person, {"active": True})
    house.update_user(person, {"email": person.email})  # no other
    house.update_user(person, {"email": f"new.{person.email}"})
    assert waiting(house, person) == [
        ("password_changed", False, None, person.email),
        ("email_changed", False, None, person.email),
    ]
    with house.database.begin() as connection:
        events.record(connection, Event.TOKEN_CREATED, details={"user": person.id})
    assert house.events(person.id)[0] == "email_changed"
    found = {each.email: [one.kind for one in each.happened] for each in taken(house, person)}
    assert found == {
        person.email: [Notice.PASSWORD_CHANGED, Notice.EMAIL_CHANGED],
        f"new.{person.email}": [Notice.TOKEN_CREATED],
    }


def test_who_changes_the_address_again_and_again_has_no_flood_of_mails_sent_to_others(house: House) -> None:
    person = person_of(house)
    others = [f"{number}.{person.email}" for number in range(20)]
    for email in (*others, person.email):
        house.update_user(person, {"email": email})
    sent: list[str] = []
    for _ in range(100):
        found = taken(house, person)
        assert len(found) <= Kind.NOTICE.value[1] + 1
        sent += [each.email for each in found]
        for each in found:
            notices.sent(house.database, each)
        with house.database.begin() as connection:  # the time for the next has come
            connection.execute(update(NOTICE).where(NOTICE.c.user_id == person.id).values(due_at=NOTICE.c.at))
            if not found:
                assert sent  # but they have to wait
                break
    assert sent == [person.email, *others][: len(sent)]  # the oldest first
    assert 3 <= len(sent) <= 5
    assert len(waiting(house, person)) == 21 - len(sent)  # and nothing is lost


def taken(house: House, person: Person) -> list[notices.Delivery]:
    return [each for each in notices.take(house.database, user_table(house)) if each.user_id == person.id]


def test_a_sign_in_that_is_guessed_at_is_told_once_a_day_and_strangers_leave_nothing(house: House) -> None:
    person = person_of(house)
    settle(house)
    stranger = f"stranger.{person.email}"
    for email in (person.email, stranger):
        answers = [house.login(email, "wrong horse battery", address=f"203.0.113.{n}") for n in range(12)]
        assert code(answers[-1]) == "TOO_MANY_ATTEMPTS"
    assert waiting(house, person) == [("sign_in_blocked", False, "203.0.113.10", None)]
    with house.database.read() as connection:
        assert connection.scalar(select(func.count()).select_from(NOTICE)) == 1
    assert [house.events(each).count("sign_in_blocked") for each in (person.id, stranger)] == [1, 1]
    # the count begins anew on the same day: nobody is told again
    with house.database.begin() as connection:
        connection.execute(ATTEMPTS.delete().where(ATTEMPTS.c.key == Counter.of(Kind.ACCOUNT, person.email).key))
    for n in range(11):
        house.login(person.email, "wrong horse battery", address=f"203.0.113.{100 + n}")
    assert len(waiting(house, person)) == 1


def test_codes_that_are_guessed_at_are_told(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(totp, "time", SimpleNamespace(time=lambda: NOW))
    person = person_of(house)
    App(house, person)
    settle(house)
    for _ in range(6):
        house.login(person.email, code="000000")
    assert [kind for kind, *_ in waiting(house, person)] == ["sign_in_blocked"]


def test_of_two_servers_one_sends(house: House) -> None:
    person = person_of(house)
    with house.database.begin() as connection:
        events.record(connection, Event.PASSWORD_CHANGED, subject=person.id)
    [first] = taken(house, person)
    assert taken(house, person) == []
    notices.sent(house.database, first)
    assert waiting(house, person) == []


def test_who_is_not_active_is_told_when_they_are_again(house: House) -> None:
    left = person_of(house)
    with house.database.begin() as connection:
        events.record(connection, Event.PASSWORD_CHANGED, subject=left.id)
    house.update_user(left, {"email": f"new.{left.email}", "active": False})
    with house.database.begin() as connection:
        events.record(connection, Event.TOTP_DISABLED, subject=left.id)
    assert taken(house, left) == []
    house.update_user(left, {"active": True})
    found = {each.email: [one.kind for one in each.happened] for each in taken(house, left)}
    assert found == {
        left.email: [Notice.PASSWORD_CHANGED, Notice.EMAIL_CHANGED],
        f"new.{left.email}": [Notice.TOTP_DISABLED],
    }


def test_who_is_deactivated_while_a_server_looks_is_told_later(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    left = person_of(house)
    with house.database.begin() as connection:
        events.record(connection, Event.PASSWORD_CHANGED, subject=left.id)
    take = notices._taken

    def meanwhile(*arguments: Any) -> Any:
        connection = arguments[0]
        table = user_table(house)
        connection.execute(update(table).where(table.c.id == left.id).values(active=False))
        return take(*arguments)

    monkeypatch.setattr(notices, "_taken", meanwhile)
    assert taken(house, left) == []
    assert len(waiting(house, left)) == 1


def test_who_is_gone_is_told_nothing(house: House) -> None:
    gone = person_of(house)
    with house.database.begin() as connection:
        events.record(connection, Event.PASSWORD_CHANGED, subject=gone.id)
    house.delete_user(gone)
    assert taken(house, gone) == []
    assert waiting(house, gone) == []
    with house.database.begin() as connection:  # as one that was kept in the moment in which they left
        events.record(connection, Event.PASSWORD_CHANGED, subject=gone.id)
    assert taken(house, gone) == []
    assert waiting(house, gone) == []


def test_what_nobody_sends_is_removed_after_three_days(house: House) -> None:
    person = person_of(house)
    with house.database.begin() as connection:
        events.record(connection, Event.PASSWORD_CHANGED, subject=person.id)
        assert notices.remove_old(connection) == 0
        connection.execute(update(NOTICE).values(at=dt.datetime.now(dt.UTC) - notices.KEPT))
        assert notices.remove_old(connection) == 1


def test_what_is_rolled_back_is_told_to_nobody(house: House) -> None:
    person = person_of(house)
    with house.database.begin() as connection:
        events.record(connection, Event.PASSWORD_CHANGED, subject=person.id)
        connection.rollback()
    assert waiting(house, person) == []


# What it says.


@pytest.mark.parametrize("language", ["de", "en"])
def test_everything_has_words_in_both_languages(language: str) -> None:
    found = letter(language, [Happened(kind, AT, True, HERE) for kind in Notice], "UTC")
    assert found.language == language
    lines = [line.partition(": ")[2] for line in found.happened]
    assert len(set(lines)) == len(Notice)
    assert all(line.startswith("2026-11-26 23:30 UTC, ") for line in found.happened)
    assert "http" not in str(found)


def test_times_are_told_in_the_time_zone_too_with_the_day_if_it_is_another() -> None:
    at = [AT, AT - dt.timedelta(hours=1)]
    found = letter(None, [Happened(Notice.PASSWORD_CHANGED, each, False, None) for each in at], BERLIN)
    assert found.happened == (
        "2026-11-26 23:30 UTC (2026-11-27 00:30 Europe/Berlin), by whoever administers the accounts: "
        "Your password was set or changed.",
        "2026-11-26 22:30 UTC (23:30 Europe/Berlin), by whoever administers the accounts: "
        "Your password was set or changed.",
    )


def test_a_mail_is_not_endless() -> None:
    found = letter("fr", [Happened(Notice.TOKEN_CREATED, AT, True, None)] * 1000, "UTC")
    assert len(found.happened) == notices.LINES + 1
    assert found.happened[-1] == "and 980 more"
    assert found.language == "en"
