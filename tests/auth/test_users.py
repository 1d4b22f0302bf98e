"""Users administered through GraphQL: what is seen of them, and what is done to them."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import ANY

import pytest
from sqlalchemy import delete, select

from tests.auth import kit
from tests.auth.kit import House, Person
from tests.auth.post import Post, mail_server, text
from tests.auth.test_mail import wait_for
from tests.auth.users_kit import (
    CHANGES,
    INVITE,
    ISSUER,
    LINK,
    NEW,
    TOKEN_SHOWN,
    UNLINK,
    UPDATE,
    USERS,
    Admin,
    address,
    numbers,
    on,
    opened_with,
    seen,
    served,
)
from xrm_core.auth import authenticator, oidc_people, tokens
from xrm_core.auth.attempts import Counter, Kind
from xrm_core.auth.events import recorded
from xrm_core.auth.link_post import MOST_WAITING, LinkPost
from xrm_core.auth.mail import Mail
from xrm_core.auth.tokens import TokenLimits
from xrm_core.errors import Busy
from xrm_core.graphql import builder
from xrm_core.outgoing import MailServer
from xrm_core.records import read_log
from xrm_core.records.pages import MOST, USUAL
from xrm_core.storage.system import ATTEMPTS, NOTICE, RECOVERY_CODE, TOTP
from xrm_core.storage.tenants import State


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def module_house(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    yield from served(request, tmp_path_factory)


@pytest.fixture
def house(module_house: House) -> House:
    module_house.http.cookies.clear()
    return module_house


# What a role sees.


def test_without_the_right_there_is_nothing_of_it_in_the_schema(house: House) -> None:
    names = "{ __schema { types { name } queryType { fields { name } } mutationType { fields { name } } } }"

    def offered(*roles: str) -> tuple[set[str], set[str]]:
        found = Admin(house, *roles)(names)
        types = {each["name"] for each in found["types"] if each["name"].startswith(("UserAccount", "UserL", "UserI"))}
        types |= {each["name"] for each in found["types"] if each["name"].startswith("InviteUser")}
        roots = {each["name"] for kind in ("queryType", "mutationType") for each in found[kind]["fields"]}
        return types, roots & {"userAccounts", "userAccount", "inviteUser", *CHANGES}

    assert offered("guest") == (set(), set())
    read = {"UserAccount", "UserAccountConnection", "UserAccountFilter", "UserInvitation"}
    read |= {"UserAccountToken", "UserAccountIdentity"}
    assert offered("reader") == (read, {"userAccounts", "userAccount"})
    everything = {*read, "UserAccountInput", "UserLink", "InviteUserInput"}
    for role in ("helpdesk", "clerk"):
        assert offered(role) == (everything, {"userAccounts", "userAccount", "inviteUser", *CHANGES})
    [error] = Admin(house, "guest").answer("{ userAccounts { nodes { id } } }")["errors"]
    assert error["message"] == "Cannot query field 'userAccounts' on type 'Query'."


def test_a_list_has_each_user_once_and_shows_how_they_sign_in(house: House) -> None:
    admin, last, found = Admin(house, "reader"), None, []
    while True:
        asked = "userAccounts(first: 3, after: $after) { nodes { id } pageInfo { hasNextPage endCursor } }"
        page = admin(f"query($after: ID) {{ {asked} }}", after=last)
        found += [each["id"] for each in page["nodes"]]
        last = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    with house.database.read() as connection:
        table = house.platform.records.tables["user"]
        everybody = {str(id_) for id_ in connection.scalars(select(table.c.id))}
    assert len(found) == len(set(found))
    assert set(found) == everybody
    assert found == sorted(found, reverse=True)
    house.token(admin.person)
    assert seen(admin, admin.person.id) == {
        "id": admin.person.id,
        "email": admin.person.email,
        "roles": ["reader"],
        "active": True,
        "hasPassword": True,
        "hasTotp": False,
        "passkeys": 0,
        "sessions": 1,
        "tokens": 1,
        "apiTokens": [{**TOKEN_SHOWN, "id": ANY}],
        "identities": [],
        "invitation": None,
    }
    assert seen(admin, "01980000-0000-7000-8000-000000000001") is None


def test_lists_are_narrowed_down(house: House) -> None:
    admin = Admin(house, "reader")
    one, other = house.person(role="guest"), house.person(role="short")
    word = f"Jörg{next(numbers)}"
    house.update_user(one, {"first_name": word})
    house.update_user(other, {"active": False, "last_name": word})

    def ids(**where: Any) -> set[str]:
        text = "query($w: UserAccountFilter) { userAccounts(where: $w, first: 200) { nodes { id } } }"
        return {each["id"] for each in admin(text, w=where)["nodes"]}

    assert ids(search=word.upper().replace("Ö", "o")) == {one.id, other.id}
    assert ids(search=word, active=True) == {one.id}
    assert ids(search=word, active=False) == {other.id}
    assert ids(search=word, role="short") == {other.id}
    assert ids(search=one.email.upper()) == {one.id}
    assert ids(search="%") == ids(search="\\") == ids(role="nobody") == set()
    assert ids(search=word, invited=True) == set()
    assert ids(search=word, invited=False) == {one.id, other.id}


@pytest.mark.parametrize("asked", ["first: 0", "first: 201", 'after: "x"', f'where: {{search: "{"x" * 201}"}}'])
def test_what_cannot_be_asked_for(house: House, asked: str) -> None:
    assert Admin(house, "reader").refused(f"{{ userAccounts({asked}) {{ nodes {{ id }} }} }}") == "BAD_QUERY"


def test_it_stands_alone_and_tokens_change_nothing(house: House) -> None:
    admin, other = Admin(house), house.person(role="guest")
    two = f'mutation {{ a: endUserSessions(id: "{other.id}") b: endUserSessions(id: "{other.id}") }}'
    assert admin.refused(two) == "BAD_QUERY"
    with house.database.begin() as connection:
        held = TokenLimits(grants={"xrm_users": ["read", "update"]})
        token = tokens.create_token(connection, admin.person.id, "test", limits=held)
    admin.headers = {"Authorization": f"Bearer {token}"}
    assert seen(admin, other.id)["email"] == other.email
    for name, (change, more) in CHANGES.items():
        assert admin.refused(change, id=other.id, **more) == "FORBIDDEN", name
    assert admin.refused(INVITE, i={"email": address()}, r=[]) == "FORBIDDEN"


# Invitations and links.


def test_who_is_invited_sets_a_password_and_has_the_roles(house: House) -> None:
    admin, email = Admin(house), address()
    made = admin(INVITE, i={"email": f" {email.upper()} ", "lastName": "Roe", "language": "de"}, r=["guest"])
    assert (made["mailed"], made["user"]["email"], made["user"]["roles"]) == (False, email, ["guest"])
    assert made["user"]["invitation"] is not None
    id_ = made["user"]["id"]
    done = house.post("/auth/password", {"token": made["token"], "password": NEW})
    assert done.status_code == 200, done.text
    assert house.login(email, NEW).status_code == 200
    assert seen(admin, id_)["invitation"] is None
    assert house.events(id_)[-3:] == ["user_invited", "user_created", "roles_changed"]


def test_nobody_is_taken_over_by_an_invitation(house: House) -> None:
    admin, person = Admin(house), house.person(role="guest")
    for email in (person.email, person.email.upper(), f" {person.email}"):
        assert admin.refused(INVITE, i={"email": email}, r=[]) == "VALIDATION_FAILED"
    written = address()
    house.update_user(person, {"email": written.capitalize()})  # as an import or the command line may have written it
    assert admin.refused(INVITE, i={"email": written}, r=[]) == "VALIDATION_FAILED"
    for email in ("", "eva", "a@b\nBcc: c@d"):
        assert admin.refused(INVITE, i={"email": email}, r=[]) == "VALIDATION_FAILED"
    assert admin.refused(INVITE, i={"email": address()}, r=["nobody"]) == "BAD_QUERY"


def test_invitations_are_listed_withdrawn_and_renewed(house: House) -> None:
    admin = Admin(house)
    made = admin(INVITE, i={"email": address()}, r=["guest"])
    id_ = made["user"]["id"]

    def invited() -> bool:
        found = admin("{ userAccounts(where: {invited: true}, first: 200) { nodes { id invitation { createdAt } } } }")
        return id_ in {each["id"] for each in found["nodes"]}

    def works(token: str) -> bool:
        return house.post("/auth/password", {"token": token, "password": NEW}).status_code == 200

    assert invited()
    assert admin(on("withdrawInvitation", ""), id=id_) is True
    assert admin(on("withdrawInvitation", ""), id=id_) is False
    assert not invited()
    assert not works(made["token"])
    first, second = (admin(on("renewInvitation", LINK), id=id_)["token"] for _ in range(2))
    assert (works(first), works(second)) == (False, True)
    assert admin.refused(on("renewInvitation", LINK), id=id_) == "BAD_QUERY"  # there is a password
    assert house.events(id_).count("invitation_withdrawn") == 1


def test_a_link_for_another_password_changes_nothing_until_it_is_used(house: House) -> None:
    admin, person = Admin(house), house.person(role="guest")
    link = admin(on("resetUserPassword", LINK), id=person.id)
    assert house.login(person.email).status_code == 200
    assert house.post("/auth/password", {"token": link["token"], "password": NEW}).status_code == 200
    assert house.login(person.email, NEW).status_code == 200
    house.update_user(person, {"active": False})
    assert admin.refused(on("resetUserPassword", LINK), id=person.id) == "BAD_QUERY"


def test_links_are_not_endless(house: House) -> None:
    admin, person = Admin(house), house.person(role="guest")
    soon = dt.datetime.now(dt.UTC) + dt.timedelta(minutes=5)
    row = {"key": Counter.of(Kind.LINKS, admin.person.id).key, "failures": 120, "last_at": soon, "free_at": soon}
    with house.database.begin() as connection:
        connection.execute(ATTEMPTS.insert().values(row))
    assert admin.refused(on("resetUserPassword", LINK), id=person.id) == "TOO_MANY_ATTEMPTS"
    assert admin.refused(INVITE, i={"email": address()}, r=[]) == "TOO_MANY_ATTEMPTS"
    assert Kind.LINKS.delay(100).total_seconds() == 0


@pytest.mark.parametrize("fields", [True, ["email"], ["phone"]])
def test_who_sees_users_is_in_the_log_of_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fields: bool | list[str]
) -> None:
    monkeypatch.setitem(kit.WORDS, "user", {"x-log-reads": fields, "properties": {**USERS, "phone": kit.TEXT}})
    with opened_with(f"sqlite:///{tmp_path / 'house.db'}", tmp_path) as house:
        admin, person = Admin(house), house.person(role="guest")
        text = "query($w: UserAccountFilter) { userAccounts(where: $w) { nodes { id } } }"
        found = admin(text, w={"search": "person"})["nodes"]
        seen(admin, person.id)
        for name in ("updateUserAccount", "setUserRoles", "resetUserPassword"):
            change, more = CHANGES[name]
            admin(change, id=person.id, **more)
        with house.database.read() as connection:
            lines = list(read_log.logged(connection))[::-1]
        if fields == ["phone"]:  # which no account shows
            assert lines == []
            return
        assert [each.record_ids for each in lines] == [tuple(sorted(each["id"] for each in found))] + [(person.id,)] * 4
        shown = ("active", "email", "first_name", "id", "language", "last_name")
        assert {(each.user_id, each.entity, each.fields) for each in lines} == {(admin.person.id, "user", shown)}
        # no log, no answer
        house.http.app.app.app._main.state = State.READONLY  # type: ignore[attr-defined]
        assert admin.refused(text, w={}) == "TENANT_READONLY"
        assert admin.refused("query($id: ID!) { userAccount(id: $id) { id } }", id=person.id) == "TENANT_READONLY"


def test_links_go_by_mail_where_there_is_mail_and_are_in_no_answer(tmp_path: Path) -> None:
    with mail_server() as (post, port):
        settings = {"mail_host": "127.0.0.1", "mail_port": port, "mail_tls": "none", "mail_from": "crm@example.com"}
        settings |= {"password_url": "https://crm.example.com/p", "security_notices": False}
        with opened_with(f"sqlite:///{tmp_path / 'house.db'}", tmp_path, **settings) as house:
            admin, email = Admin(house), address()
            made = admin(INVITE, i={"email": email, "language": "de"}, r=[])
            assert (made["mailed"], made["token"]) == (True, None)
            [(recipients, message)] = post.wait()
            assert (recipients, message["Subject"]) == ([email], "Ihr Zugang")
            token = text(message).partition("https://crm.example.com/p#")[2].split()[0]
            assert house.post("/auth/password", {"token": token, "password": NEW}).status_code == 200
            no_mail(house, post, admin)


def no_mail(house: House, post: Post, admin: Admin) -> None:
    """A mail server that refuses is no error of the request, and a link that is refused leaves no place taken."""
    post.refuses = True
    person = house.person(role="guest")
    assert admin(on("resetUserPassword", LINK), id=person.id)["mailed"] is True
    wait_for(house, "mail_not_sent", person.id)
    assert admin.refused(on("resetUserPassword", LINK), id="01980000-0000-7000-8000-000000000001") == "NOT_FOUND"


def test_mails_that_wait_are_bounded(house: House) -> None:
    post = LinkPost(
        Mail(MailServer("127.0.0.1", 9, "none", "crm@example.com"), "https://crm.example.com/p"), house.database, ""
    )
    places = [post.reserve() for _ in range(MOST_WAITING)]
    with pytest.raises(Busy):
        post.reserve()
    places[0](None)
    post.reserve()
    post.close()


# What is changed.


def test_address_name_and_language(house: House) -> None:
    admin, person, other = Admin(house), house.person(role="guest"), house.person(role="guest")
    email = address()
    changed = admin(UPDATE, id=person.id, i={"email": email.upper(), "language": "en", "firstName": "Eva"})
    assert changed["email"] == email
    assert house.login(email).status_code == 200
    assert admin(UPDATE, id=person.id, i={"email": email})["email"] == email  # their own is not taken
    assert admin.refused(UPDATE, id=person.id, i={"email": other.email.upper()}) == "VALIDATION_FAILED"
    assert house.events(person.id).count("user_changed") == 2
    assert "email_changed" in house.events(person.id)
    with house.database.read() as connection:
        told = connection.execute(select(NOTICE).where(NOTICE.c.user_id == person.id)).all()
    assert person.email in {each.email for each in told if each.kind == "email_changed"}


def test_who_is_deactivated_is_out_at_once_and_can_come_back(house: House) -> None:
    admin, person = Admin(house), house.person(role="guest")
    headers, token = house.signed_in(person), house.token(person)
    assert admin(on("deactivateUser"), id=person.id)["active"] is False
    for each in (headers, {"Authorization": f"Bearer {token}"}):
        assert house.ask(**each).status_code == 401
    assert house.login(person.email).status_code == 401
    assert admin(on("reactivateUser"), id=person.id)["active"] is True
    assert house.login(person.email).status_code == 200
    assert house.ask(**headers).status_code == 401  # what has ended has ended


def test_sessions_end_and_second_factors_go_and_the_user_is_told(house: House) -> None:
    admin, person = Admin(house), house.person(role="guest")
    headers = [house.signed_in(person), house.signed_in(person)]
    with house.database.begin() as connection:
        connection.execute(delete(NOTICE))
    assert admin(on("endUserSessions", ""), id=person.id) == 2
    assert {house.ask(**each).status_code for each in headers} == {401}
    assert house.rows_of(person)["xrm_known_device"] == 0
    now = dt.datetime.now(dt.UTC)
    with house.database.begin() as connection:
        row = {"user_id": person.id, "secret": "x", "last_step": 0, "created_at": now, "confirmed_at": now}
        connection.execute(TOTP.insert().values(row))
        connection.execute(RECOVERY_CODE.insert().values(user_id=person.id, code_hash="x"))
    assert seen(admin, person.id)["hasTotp"] is True
    assert admin(on("removeUserSecondFactors"), id=person.id)["hasTotp"] is False
    with house.database.read() as connection:
        assert connection.execute(select(RECOVERY_CODE).where(RECOVERY_CODE.c.user_id == person.id)).all() == []
        told = connection.execute(select(NOTICE).order_by(NOTICE.c.at)).all()
    assert [(each.kind, bool(each.own), each.address) for each in told if each.user_id == person.id] == [
        ("sessions_ended", False, None),
        ("totp_disabled", False, None),
    ]
    assert house.events(person.id)[:2] == ["totp_disabled", "sign_out"]


def test_an_account_that_was_taken_over_is_cleaned(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(authenticator, "REMEMBER_SECONDS", 60.0)
    admin, person, other = Admin(house), house.person(role="guest"), house.person(role="guest")
    bearers = [{"Authorization": f"Bearer {house.token(each)}"} for each in (person, person, person, other)]
    with house.database.begin() as connection:
        old = {"expires_at": dt.datetime.now(dt.UTC) - dt.timedelta(seconds=1)}
        tokens.create_token(connection, person.id, "expired", **old)
        for number, each in enumerate((person, person, other)):
            oidc_people.link(connection, each.id, ISSUER, f"{person.id} {number}")

    def open_now() -> list[bool]:
        return [house.ask(**each).status_code == 200 for each in bearers]

    def identities(of: Person) -> list[str]:
        return [each["subject"] for each in seen(admin, of.id)["identities"]]

    assert open_now() == [True] * 4  # and the server remembers them
    shown = seen(admin, person.id)
    assert [each["label"] for each in shown["apiTokens"]] == [TOKEN_SHOWN["label"]] * 3
    first, *_ = [each["id"] for each in shown["apiTokens"]]
    [foreign] = seen(admin, other.id)["apiTokens"]
    some = "mutation($id: ID!, $t: [ID!]) { revokeUserTokens(id: $id, tokens: $t) }"
    assert admin(some, id=person.id, t=[]) == 0
    assert admin(some, id=person.id, t=[first.upper(), foreign["id"]]) == 1
    assert open_now() == [False, True, True, True]
    assert admin.refused(some, id=person.id, t=["x"]) == "BAD_QUERY"
    admin(some, id=person.id)
    assert open_now() == [False, False, False, True]
    assert (seen(admin, person.id)["apiTokens"], seen(admin, person.id)["tokens"]) == ([], 0)
    with house.database.read() as connection:
        kept = next(recorded(connection, users=(first,)))
    assert (kept.event, kept.details) == ("token_revoked", {"label": TOKEN_SHOWN["label"], "user": person.id})

    assert identities(person) == [f"{person.id} 0", f"{person.id} 1"]
    assert admin(UNLINK, id=person.id, i=ISSUER, s=f"{person.id} 2") is False  # which is another's
    assert admin(UNLINK, id=person.id, i=f"{ISSUER}/", s=f"{person.id} 0") is False
    assert admin(UNLINK, id=person.id, i=ISSUER, s=f"{person.id} 0") is True
    assert (identities(person), identities(other)) == ([f"{person.id} 1"], [f"{person.id} 2"])


def test_every_change_is_an_event_by_who_made_it_and_from_where(house: House) -> None:
    admin = Admin(house)
    for name, (change, more) in CHANGES.items():
        person = house.person(None, role="reader")
        if name in ("withdrawInvitation",):
            admin(on("renewInvitation", LINK), id=person.id)
        if name == "removeUserSecondFactors":
            with house.database.begin() as connection:
                row = {"user_id": person.id, "secret": "x", "last_step": 0, "created_at": dt.datetime.now(dt.UTC)}
                connection.execute(TOTP.insert().values(row))
        if name == "unlinkUserIdentity":
            with house.database.begin() as connection:
                oidc_people.link(connection, person.id, more["i"], more["s"])
        subject = person.id
        if name == "revokeUserTokens":
            house.token(person)
            [token] = seen(admin, person.id)["apiTokens"]
            subject = token["id"]
        before = len(house.events(person.id, subject))
        admin(change, id=person.id, **more)
        with house.database.read() as connection:
            found = list(recorded(connection, users=(person.id, subject)))
        new = found[: len(house.events(person.id, subject)) - before]
        assert len(new) == 1, name
        assert (new[0].user_id, new[0].subject, new[0].address) == (admin.person.id, subject, "198.51.100.9"), name


def test_pages_have_the_bounds_that_are_told() -> None:
    source = Path(builder.__file__).read_text("utf-8")
    assert f"At most so many; {USUAL} if left out, {MOST} at most." in source
