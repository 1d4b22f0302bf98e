"""Users administered through GraphQL: nobody gets more by it than they hold."""

import datetime as dt
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, update

from tests.auth import kit
from tests.auth.kit import PASSWORD, House
from tests.auth.users_kit import (
    CHANGES,
    INVITE,
    ISSUER,
    LINK,
    OPENING,
    POLICIES,
    SET_ROLES,
    UNLINK,
    UPDATE,
    USERS,
    Admin,
    address,
    alone,
    on,
    opened_with,
    roles_of,
    seen,
    served,
    set_roles,
)
from xrm_core.auth import authenticator, oidc_people, stored_passwords
from xrm_core.auth.administrators import Administrators
from xrm_core.auth.attempts import Kind
from xrm_core.auth.events import recorded
from xrm_core.auth.passwords import Passwords
from xrm_core.auth.user_changes import FRESH
from xrm_core.permissions.access import Access
from xrm_core.permissions.authority import Authority
from xrm_core.permissions.in_force import apply_set
from xrm_core.permissions.token_scope import TokenScope
from xrm_core.storage.system import PASSWORD as PASSWORD_TABLE
from xrm_core.storage.system import SESSION


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def module_house(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    yield from served(request, tmp_path_factory)


@pytest.fixture
def house(module_house: House) -> House:
    module_house.http.cookies.clear()
    return module_house


# What nobody may.


@pytest.mark.parametrize("name", CHANGES)
def test_nobody_changes_somebody_who_may_do_more(house: House, name: str) -> None:
    admin, person = Admin(house, "helpdesk"), house.person(role="clerk")
    change, more = CHANGES[name]
    before = house.rows_of(person), seen(admin, person.id)
    assert admin.refused(change, id=person.id, **more) == "FORBIDDEN"
    assert (house.rows_of(person), seen(admin, person.id)) == before
    with house.database.read() as connection:
        [kept] = recorded(connection, users=(admin.person.id,), event="user_change_refused")
    assert (kept.user_id, kept.subject, kept.address) == (admin.person.id, person.id, "198.51.100.9")
    assert kept.details["beyond"][0].startswith("clerk: ")
    guest = house.person(None, role="guest")  # and the same for who may do less works
    admin(change, id=guest.id, **more)


@pytest.mark.parametrize("roles", [["clerk"], ["guest", "clerk"], ["generous"]])
def test_nobody_gives_roles_that_may_do_more(house: House, roles: list[str]) -> None:
    admin, person = Admin(house, "helpdesk"), house.person(role="guest")
    assert admin.refused(SET_ROLES, id=person.id, r=roles) == "FORBIDDEN"
    assert admin.refused(SET_ROLES, id=admin.person.id, r=["helpdesk", *roles]) == "FORBIDDEN"
    email = address()
    assert admin.refused(INVITE, i={"email": email}, r=roles) == "FORBIDDEN"
    assert roles_of(house, person.id) == {"guest"}
    text = "query($w: UserAccountFilter) { userAccounts(where: $w) { nodes { id } } }"
    assert admin(text, w={"search": email})["nodes"] == []
    assert set(admin(SET_ROLES, id=person.id, r=["helpdesk", "reader"])["roles"]) == {"helpdesk", "reader"}


def test_what_is_missing_names_no_entity_that_is_hidden_but_the_event_does(house: House) -> None:
    admin, person = Admin(house, "helpdesk"), house.person(role="guest")
    [error] = admin.answer(SET_ROLES, id=person.id, r=["clerk"])["errors"]
    beyond = error["extensions"]["details"]["beyond"]
    assert "clerk: delete on note" in beyond
    assert beyond.count("clerk: what you cannot see") == 1
    assert not [text for text in beyond if text.endswith(" on user")]
    with house.database.read() as connection:
        [kept] = recorded(connection, users=(admin.person.id,), event="user_change_refused")
    assert "clerk: read on user" in kept.details["beyond"]


def test_what_is_refused_does_not_fill_the_log(house: House) -> None:
    admin, other, person = Admin(house, "helpdesk"), Admin(house, "helpdesk"), house.person(role="clerk")
    for by in (*[admin] * 25, other):
        assert by.refused(on("endUserSessions", ""), id=person.id) == "FORBIDDEN"
    with house.database.read() as connection:
        kept = [each.user_id for each in recorded(connection, users=(person.id,), event="user_change_refused")]
    assert kept == [other.person.id] + [admin.person.id] * (Kind.USER_CHANGE.value[1] + 1)


def test_a_refusal_names_no_field_of_users_that_is_hidden(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fields = {**USERS, "first_name": {**kit.TEXT, "minLength": 2}, "grade": kit.TEXT}
    monkeypatch.setitem(kit.WORDS, "user", {"properties": fields, "dependentRequired": {"last_name": ["grade"]}})
    with opened_with(f"sqlite:///{tmp_path / 'house.db'}", tmp_path) as house:
        wrong = {"email": address(), "firstName": "A", "lastName": "B"}
        [error] = Admin(house, "helpdesk").answer(INVITE, i=wrong, r=[])["errors"]
        assert "first_name" in error["message"]
        assert "grade" not in str(error)
        [error] = Admin(house).answer(INVITE, i=wrong, r=[])["errors"]  # who sees the field is told
        assert "grade" in str(error)


def test_roles_that_somebody_likes_to_name_are_not_put_together(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """That takes long, and whoever asks for anything meanwhile waits for it."""
    admin, person, other = Admin(house, "helpdesk"), house.person(role="guest"), Admin(house)
    assert seen(admin, person.id) == seen(other, person.id)
    compiled: list[frozenset[str]] = []
    before = Authority._compile

    def compile_(authority: Authority, roles: frozenset[str], scope: TokenScope) -> Access:
        compiled.append(roles)
        return before(authority, roles, scope)

    monkeypatch.setattr(Authority, "_compile", compile_)
    for roles in (["clerk", "guest"], ["reader", "guest", "generous"], ["clerk", "reader"]):
        assert admin.refused(SET_ROLES, id=person.id, r=roles) == "FORBIDDEN"
    other(SET_ROLES, id=person.id, r=["reader", "guest", "short"])
    assert compiled == []


def test_who_is_denied_something_gives_nobody_the_role_without_that_and_does_not_lose_it(house: House) -> None:
    held = Admin(house, "clerk", "short")
    guest, free = house.person(role="guest"), house.person(role="clerk")
    assert held.refused(SET_ROLES, id=guest.id, r=["clerk"]) == "FORBIDDEN"
    assert held.refused(SET_ROLES, id=held.person.id, r=["clerk"]) == "FORBIDDEN"
    assert held.refused(on("resetUserPassword", LINK), id=free.id) == "FORBIDDEN"
    assert set(held(SET_ROLES, id=held.person.id, r=["clerk", "short"])["roles"]) == {"clerk", "short"}


@pytest.mark.parametrize("name", CHANGES)
def test_a_role_that_is_none_any_more_keeps_nobody_from_taking_away(house: House, name: str) -> None:
    change, more = CHANGES[name]
    opens = name in OPENING and name != "setUserRoles"
    for by, role in (("clerk", "guest"), ("helpdesk", "guest"), ("helpdesk", "clerk")):
        admin, person = Admin(house, by), house.person(None, role=role)
        set_roles(house, person, role, "gone")
        if opens or role == "clerk":
            assert admin.refused(change, id=person.id, **more) == "FORBIDDEN"
            assert roles_of(house, person.id) == {role, "gone"}
        else:
            admin(change, id=person.id, **more)
        if role == "guest":  # then it is taken away first
            assert admin.refused(SET_ROLES, id=person.id, r=["guest", "gone"]) == "BAD_QUERY"
            assert admin(SET_ROLES, id=person.id, r=["guest"])["roles"] == ["guest"]
            admin(change, id=person.id, **more)


def test_a_role_that_was_taken_away_a_moment_ago_gives_nothing(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(authenticator, "REMEMBER_SECONDS", 60.0)
    admin, person = Admin(house), house.person(role="guest")
    assert seen(admin, person.id)  # now the server remembers who asks
    set_roles(house, admin.person, "reader")
    assert admin.refused(SET_ROLES, id=admin.person.id, r=["clerk"]) == "FORBIDDEN"
    assert roles_of(house, admin.person.id) == {"reader"}
    # and it is forgotten by then
    assert "Cannot query field" in admin.answer(on("deactivateUser"), id=person.id)["errors"][0]["message"]


def test_policies_that_are_taken_away_give_nothing_in_that_moment(house: House) -> None:
    admin, person = Admin(house, "helpdesk"), house.person(role="guest")
    admin(on("endUserSessions", ""), id=person.id)
    without = POLICIES.replace("helpdesk,xrm_users,*,*,,allow\n", "helpdesk,xrm_users,read,*,,allow\n")
    files = dict(house.platform.authority.policies.files)
    name = next(each for each in files if each.endswith("policies.csv"))
    before = files[name]
    try:
        apply_set(house.database, {**files, name: without}, note="test")
        answer = admin.answer(on("endUserSessions", ""), id=person.id)
        assert "Cannot query field 'endUserSessions'" in answer["errors"][0]["message"]
    finally:
        apply_set(house.database, {**files, name: before}, note="test")
    until = time.monotonic() + 10
    while "errors" in admin.answer(on("endUserSessions", ""), id=person.id):  # the server has to see it first
        assert time.monotonic() < until
        time.sleep(0.05)


def test_a_session_that_was_ended_elsewhere_changes_nobody(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(authenticator, "REMEMBER_SECONDS", 60.0)
    person = house.person(None, role="guest")
    for name, (change, more) in CHANGES.items():
        admin = Admin(house)
        before = seen(admin, person.id)
        with house.database.begin() as connection:
            connection.execute(delete(SESSION).where(SESSION.c.user_id == admin.person.id))
        assert admin.refused(change, id=person.id, **more) == "UNAUTHENTICATED", name
        assert seen(Admin(house), person.id) == before


@pytest.mark.parametrize("name", [*CHANGES, "inviteUser", "address"])
def test_what_opens_an_account_to_others_takes_a_session_that_is_new(house: House, name: str) -> None:
    admin, person = Admin(house), house.person(None, role="guest")
    with house.database.begin() as connection:
        began = dt.datetime.now(dt.UTC) - FRESH - dt.timedelta(seconds=1)
        connection.execute(update(SESSION).where(SESSION.c.user_id == admin.person.id).values(created_at=began))
    change, more = CHANGES.get(name, (UPDATE, {"i": {"email": address()}}))
    if name == "inviteUser":
        assert admin.refused(INVITE, i={"email": address()}, r=[]) == "SIGN_IN_AGAIN"
    elif name in OPENING or name == "address":
        assert admin.refused(change, id=person.id, **more) == "SIGN_IN_AGAIN"
        admin.headers = house.signed_in(admin.person)
        admin(change, id=person.id, **more)
    else:
        admin(change, id=person.id, **more)


def test_somebody_is_always_left_who_may(house: House) -> None:
    one, other = Admin(house), Admin(house)
    alone(house, one, other)
    assert one(on("deactivateUser"), id=other.person.id)["active"] is False
    invited = one(INVITE, i={"email": address()}, r=["clerk"])["user"]["id"]  # who cannot sign in yet does not count
    assert one.refused(on("deactivateUser"), id=one.person.id) == "LAST_ADMINISTRATOR"
    assert one.refused(SET_ROLES, id=one.person.id, r=["reader"]) == "LAST_ADMINISTRATOR"
    assert one.refused(SET_ROLES, id=one.person.id, r=[]) == "LAST_ADMINISTRATOR"
    assert seen(one, one.person.id)["roles"] == ["clerk"]
    with house.database.begin() as connection:
        stored_passwords.set_password(connection, invited, Passwords(8, 1).hash(PASSWORD))
    assert one(SET_ROLES, id=one.person.id, r=["reader"])["roles"] == ["reader"]


def test_the_last_one_who_may_does_not_lose_the_only_way_to_sign_in(house: House) -> None:
    one = Admin(house)
    alone(house, one)
    with house.database.begin() as connection:
        oidc_people.link(connection, one.person.id, ISSUER, one.person.id)
        connection.execute(delete(PASSWORD_TABLE).where(PASSWORD_TABLE.c.user_id == one.person.id))
    assert one.refused(UNLINK, id=one.person.id, i=ISSUER, s=one.person.id) == "LAST_ADMINISTRATOR"
    assert [each["subject"] for each in seen(one, one.person.id)["identities"]] == [one.person.id]


@pytest.mark.parametrize("each_other", [True, False])
def test_two_who_take_it_at_once_do_not_both_succeed(
    house: House, monkeypatch: pytest.MonkeyPatch, each_other: bool
) -> None:
    """From each other, or each from themselves: both get as far as they can before the other is done."""
    one, other = Admin(house), Admin(house)
    alone(house, one, other)
    meeting, look = threading.Barrier(2), Administrators.require_one_left

    def meet(*arguments: Any) -> None:
        with suppress(threading.BrokenBarrierError):
            meeting.wait(0.5)
        look(*arguments)

    monkeypatch.setattr(Administrators, "require_one_left", meet)
    answers: list[Any] = []

    def take(by: Admin, whom: Admin) -> None:
        answers.append(by.answer(on("deactivateUser"), id=whom.person.id))

    pairs = ((one, other), (other, one)) if each_other else ((one, one), (other, other))
    threads = [threading.Thread(target=take, args=pair, daemon=True) for pair in pairs]
    for each in threads:
        each.start()
    for each in threads:
        each.join(30)
    assert len(answers) == 2
    assert sum("errors" not in each for each in answers) == 1, answers
