"""Links by mail: for who has forgotten the password, and for who is invited."""

import asyncio
import time
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
from sqlalchemy import Connection, select

from tests.auth.kit import House, Person, code, opened
from tests.auth.post import Post, mail_server, text
from tests.auth.test_tenants import settle
from tests.postgres import PostgresServer
from xrm_core.auth import account_changes, authenticator, forgotten_password, stored_passwords
from xrm_core.auth.events import recorded
from xrm_core.auth.mail import Mail, MailNotSent
from xrm_core.auth.one_time import Purpose
from xrm_core.cli.main import main
from xrm_core.errors import SettingsError
from xrm_core.outgoing import MailServer
from xrm_core.server import forgotten_http
from xrm_core.settings import load_settings
from xrm_core.storage.system import ONE_TIME_TOKEN

NEW = "another good password"
PAGE = "https://{tenant}crm.example.com/password"


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[Post, int]]:
    with mail_server() as running:
        yield running


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def module_house(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, server: tuple[Post, int]
) -> Iterator[House]:
    folder: Path = tmp_path_factory.mktemp("mail")
    settings = {"mail_host": "127.0.0.1", "mail_port": server[1], "mail_tls": "none"}
    settings |= {"mail_from": "crm@example.com", "password_url": PAGE.replace("{tenant}", "")}
    settings |= {"security_notices": False}  # tests/auth/test_notices.py has them
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(authenticator, "REMEMBER_SECONDS", 0.0)
        if request.param == "sqlite":
            with opened(f"sqlite:///{folder / 'house.db'}", folder, **settings) as house:
                yield house
        else:
            postgres: PostgresServer = request.getfixturevalue("postgres_server")
            with postgres.database() as url, opened(url, folder, **settings) as house:
                yield house


@pytest.fixture
def house(module_house: House, server: tuple[Post, int]) -> House:
    server[0].got.clear()
    server[0].refuses = False
    module_house.http.cookies.clear()
    return module_house


@pytest.fixture
def post(server: tuple[Post, int]) -> Post:
    return server[0]


def forgot(house: House, email: str, address: str | None = None) -> Any:
    return house.post("/auth/forgot", {"email": email}, address)


def wait_for(house: House, event: str, subject: str) -> None:
    """Until an event about somebody is kept: what is done after the answer is done."""
    until = time.monotonic() + 10
    while event not in house.events(subject):
        assert time.monotonic() < until, house.events(subject)
        time.sleep(0.01)


def mail_of(post: Post, person: Person) -> EmailMessage:
    [(recipients, message)] = post.wait()
    assert recipients == [person.email]
    return message


def test_who_has_forgotten_the_password_gets_a_link_that_works_once(house: House, post: Post) -> None:
    person = house.person()
    answer = forgot(house, person.email)
    assert (answer.status_code, answer.json()) == (202, {"asked": True})
    message = mail_of(post, person)
    assert (message["From"], message["To"], message["Auto-Submitted"]) == (
        "crm@example.com",
        person.email,
        "auto-generated",
    )
    [link] = [line for line in text(message, "plain").splitlines() if line.startswith("https://")]
    page, _, token = link.partition("#")
    assert page == "https://crm.example.com/password"
    assert f'<a href="{link}">' in text(message, "html")
    assert house.login(person.email).status_code == 200  # until it is used nothing changes
    assert house.http.get("/auth/password", params={"page": "x"}).status_code in (404, 405)  # and no GET uses it
    done = house.post("/auth/password", {"token": token, "password": NEW})
    assert done.status_code == 200, done.text
    assert house.login(person.email, NEW).status_code == 200
    assert code(house.post("/auth/password", {"token": token, "password": NEW})) == "NOT_FOUND"
    assert "password_reset_asked" in house.events(person.id)


def test_no_link_goes_to_an_address_that_is_another_meanwhile(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    person, threads = house.person(), list[Thread]()
    found = stored_passwords.kept_hash

    def meanwhile(connection: Connection, user_id: str) -> str | None:
        """After it was looked up who it is, they get another address."""
        change = {"email": f"new.{person.email}"}
        threads.append(Thread(target=house.update_user, args=(person, change), daemon=True))
        threads[0].start()
        threads[0].join(0.5)
        return found(connection, user_id)

    monkeypatch.setattr(forgotten_password, "kept_hash", meanwhile)
    table = house.platform.records.tables["user"]
    forgotten_password.prepare(house.database, table, person.email, None)
    threads[0].join(20)
    assert not threads[0].is_alive()
    with house.database.read() as connection:
        links = select(ONE_TIME_TOKEN.c.purpose).where(ONE_TIME_TOKEN.c.user_id == person.id)
        assert list(connection.scalars(links)) == []


@pytest.mark.parametrize("command", ["invite", "reset"])
def test_no_link_of_the_command_line_is_for_an_address_that_is_another_meanwhile(
    house: House, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    person, threads = house.person(), list[Thread]()
    offer = account_changes.offer_link

    def meanwhile(*arguments: Any, **more: Any) -> Any:
        """After it was looked up who it is, they get another address."""
        change = {"email": f"new.{person.email}"}
        threads.append(Thread(target=house.update_user, args=(person, change), daemon=True))
        threads[0].start()
        threads[0].join(0.5)
        return offer(*arguments, **more)

    monkeypatch.setattr(account_changes, "offer_link", meanwhile)
    folder, url = str(house.platform.settings.schemas), house.platform.settings.database_url
    with pytest.raises(SystemExit) as ended:
        main(["user", command, person.email, "--schemas", folder, "--database", str(url)])
    assert not ended.value.code
    threads[0].join(20)
    assert not threads[0].is_alive()
    with house.database.read() as connection:
        links = select(ONE_TIME_TOKEN.c.purpose).where(ONE_TIME_TOKEN.c.user_id == person.id)
        assert list(connection.scalars(links)) == []


def test_the_answer_is_the_same_for_strangers_and_nobody_gets_mail(house: House, post: Post) -> None:
    person, gone = house.person(), house.person()
    house.update_user(gone, {"active": False})
    elsewhere = house.person(None)  # signs in by a provider: a mailbox alone must not get past its second factor
    asking = (elsewhere.email, person.email, "nobody@example.com", gone.email)
    answers = [forgot(house, email) for email in asking]
    assert {(each.status_code, each.text) for each in answers} == {(202, '{"asked":true}')}
    assert len({tuple(sorted(set(each.headers) - {"date"})) for each in answers}) == 1
    for subject in ("nobody@example.com", gone.email, elsewhere.id):
        wait_for(house, "password_reset_asked", subject)
    mail_of(post, person)  # the only one


def test_asking_too_often_is_refused_for_users_and_strangers_alike(house: House, post: Post) -> None:
    person = house.person()
    for email in (person.email, "stranger@example.com"):
        answers = [forgot(house, email) for _ in range(5)]
        assert [each.status_code for each in answers] == [202, 202, 202, 202, 429]
        assert code(answers[-1]) == "TOO_MANY_ATTEMPTS"
    answers = [forgot(house, f"number{n}@example.com", "198.51.100.7") for n in range(22)]
    assert [each.status_code for each in answers] == [202] * 21 + [429]
    until = time.monotonic() + 10
    while len(post.got) < 4 and time.monotonic() < until:
        time.sleep(0.01)
    assert {tuple(recipients) for recipients, _ in post.got} == {(person.email,)}


def test_a_mail_server_that_refuses_shows_in_the_log_and_not_in_the_answer(house: House, post: Post) -> None:
    person = house.person()
    post.refuses = True
    assert forgot(house, person.email).status_code == 202
    wait_for(house, "mail_not_sent", person.id)
    with house.database.read() as connection:
        [event] = recorded(connection, event="mail_not_sent", limit=1)
    assert person.email not in str(event.details)
    assert "xrmo_" not in str(event.details)
    post.refuses = False
    assert forgot(house, person.email).status_code == 202  # and it can be asked again
    mail_of(post, person)


def test_a_tenant_that_is_asked_for_many_holds_up_no_other(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    # given a mail server that takes its time
    person, go_on = house.person(), Event()
    sent: list[str] = []

    async def slowly(_mail: Mail, email: str, *_: Any) -> None:
        sent.append(email)
        await asyncio.to_thread(go_on.wait, 20)

    settle(house, person.email, "letters")
    monkeypatch.setattr(Mail, "send_link", slowly)
    monkeypatch.setattr(forgotten_http, "MAX_WAITING", 2)
    until = time.monotonic() + 20
    try:
        # when one tenant is asked for more than may wait
        asking = [house.person() for _ in range(3)]
        here = [forgot(house, each.email, "203.0.113.76") for each in asking[:2]]
        while len(sent) < 2:
            assert time.monotonic() < until
            time.sleep(0.01)
        here += [forgot(house, email, "203.0.113.76") for email in (asking[2].email, "nobody.there@example.com")]
        # then no answer tells that more is not sent, which would tell who is a user
        assert {(each.status_code, each.text) for each in here} == {(202, '{"asked":true}')}
        wait_for(house, "mail_not_sent", asking[2].id)
        assert sorted(sent) == sorted(each.email for each in asking[:2])  # each in a thread of its own
        # and the other's goes its way
        assert house.post("/t/letters/auth/forgot", {"email": person.email}).status_code == 202
        while len(sent) < 3:
            assert time.monotonic() < until
            time.sleep(0.01)
    finally:
        go_on.set()
    while len(sent) < 4:  # who is done makes room
        assert forgot(house, house.person().email, "203.0.113.77").status_code == 202
        assert time.monotonic() < until
        time.sleep(0.1)


def test_another_site_cannot_ask(house: House) -> None:
    refused = house.post("/auth/forgot", {"email": "a@example.com"}, Origin="https://evil.example")
    assert code(refused) == "CROSS_SITE_REFUSED"


def sender(port: int, tls: str = "none", page: str = PAGE) -> Mail:
    return Mail(MailServer("127.0.0.1", port, tls, "crm@example.com"), page)


def test_invitations_are_in_the_language_of_the_user_and_lead_to_the_tenant(server: tuple[Post, int]) -> None:
    post, port = server
    post.got.clear()
    for language, tenant in (("de", "acme."), ("fr", ""), (None, "")):
        asyncio.run(sender(port).send_link("eva@example.com", language, Purpose.INVITATION, "xrmo_x", tenant))
    found = [message for _, message in post.got]
    assert [each["Subject"] for each in found] == ["Ihr Zugang", "Your account", "Your account"]
    assert [each["Content-Language"] for each in found] == ["de", "en", "en"]
    assert "für Sie wurde" in text(found[0], "plain").replace("Für", "für")
    assert "https://acme.crm.example.com/password#xrmo_x" in text(found[0], "html")


@pytest.mark.parametrize("address", ["eva@example.com\r\nBcc: all@example.com", "eva", "a@b, c@d", ""])
def test_no_address_adds_headers_or_recipients(server: tuple[Post, int], address: str) -> None:
    post, port = server
    post.got.clear()
    with pytest.raises(MailNotSent):
        asyncio.run(sender(port).send_link(address, "en", Purpose.RESET, "xrmo_x"))
    assert post.got == []


@pytest.mark.parametrize("tls", ["starttls", "tls"])
def test_without_encryption_nothing_is_sent_where_it_is_asked_for(server: tuple[Post, int], tls: str) -> None:
    post, port = server
    post.got.clear()
    with pytest.raises(MailNotSent) as error:
        asyncio.run(sender(port, tls).send_link("eva@example.com", "en", Purpose.RESET, "xrmo_x"))
    assert post.got == []
    assert "xrmo_" not in f"{error.value} {error.value.hint}"


GOOD = {"mail_host": "mail.example.com", "mail_from": "crm@example.com", "password_url": "https://crm.example.com/p"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"mail_tls": "none"},
        {"mail_tls": "maybe"},
        {"mail_from": ""},
        {"mail_from": "crm"},
        {"mail_from": "crm@example.com\nBcc: x@example.com"},
        {"password_url": ""},
        {"password_url": "http://crm.example.com/p"},
        {"password_url": "https://crm.example.com/p#x"},
    ],
)
def test_settings_that_would_show_links_to_others_are_refused(wrong: dict[str, str]) -> None:
    assert load_settings(**GOOD).mail_host
    with pytest.raises(SettingsError):
        load_settings(**{**GOOD, **wrong})


def test_the_password_of_the_mail_server_is_never_shown() -> None:
    settings = load_settings(**GOOD, mail_password="s3cret")
    assert "s3cret" not in repr(settings) + repr(Mail.of(settings))
