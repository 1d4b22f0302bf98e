"""Who may provision, and that nobody gets more by it than the token has."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from threading import Event
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import delete, select

from tests.auth.kit import POLICIES, ROLES, House
from tests.auth.scim_kit import GRANTS, GROUP, PATCH, USER, Directory, done, map_group, refused, service_token
from xrm_core.auth import authenticator, people, tokens
from xrm_core.auth.oidc_people import Arrival, link, sign_in_by
from xrm_core.auth.oidc_providers import Provider
from xrm_core.auth.scim import roles, storage
from xrm_core.auth.sessions import Lifetimes
from xrm_core.auth.tokens import TokenLimits, create_token, digest, revoke_token
from xrm_core.permissions.caller import system
from xrm_core.permissions.in_force import apply_set
from xrm_core.storage.system import TOKEN


@pytest.fixture
def directory(house: House) -> Directory:
    return Directory(house, service_token(house))


def address() -> str:
    return f"{uuid4().hex}@example.com"


def test_a_token_that_was_revoked_changes_nothing_while_it_is_remembered(
    house: House, directory: Directory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(authenticator, "REMEMBER_SECONDS", 60.0)
    done(directory.ask("GET", "/Users"))
    with house.database.begin() as connection:
        revoke_token(
            connection, str(connection.scalar(select(TOKEN.c.id).where(TOKEN.c.token_hash == digest(directory.token))))
        )
    done(directory.ask("GET", "/Users"))
    name = address()
    refused(directory.ask("POST", "/Users", {"schemas": [USER], "userName": name}), 401)
    users = house.platform.tables["user"]
    with house.database.read() as connection:
        assert connection.execute(select(users.c.id).where(users.c.email == name)).first() is None


def test_only_tokens_of_services_that_may_open_it(house: House, directory: Directory) -> None:
    person = house.person()
    with house.database.begin() as connection:
        own = create_token(connection, person.id, "own", limits=TokenLimits(grants=GRANTS))
    for token in ("", "xrm_nothing"):
        answer = Directory(house, token).ask("GET", "/Users")
        refused(answer, 401)
        assert answer.headers["www-authenticate"].startswith("Bearer")
    for headers in (house.signed_in(person), {"Authorization": f"Bearer {own}"}):
        answer = house.http.get("/scim/v2/Users", headers=headers)
        refused(answer, 403)
    cookie = house.login(person.email)
    assert cookie.status_code == 200
    refused(house.http.get("/scim/v2/Users"), 401)
    for held, grants in ((("guest",), None), (("clerk",), {"note": ["read"]}), (("clerk",), {"*": ["read", "update"]})):
        for path in ("/Users", "/ServiceProviderConfig", "/Schemas", "/"):
            refused(Directory(house, service_token(house, *held, grants=grants)).ask("GET", path), 403)
    # and one that may opens nothing else
    answer = house.ask("{ notes { totalCount } }", Authorization=f"Bearer {directory.token}")
    assert "notes" in answer.json()["errors"][0]["message"]


def test_a_token_that_may_read_only_reads_only(house: House) -> None:
    reader = Directory(house, service_token(house, grants={"xrm_scim": ["read"]}))
    made = Directory(house, service_token(house)).user(address())
    assert reader.get("Users", made["id"])["userName"] == made["userName"]
    assert reader.ask("POST", "/Users/.search", {"count": 1}).status_code == 200
    refused(reader.patch("Users", made["id"], {"op": "replace", "path": "active", "value": False}), 403)
    for method, path in (("POST", "/Users"), ("PUT", f"/Users/{made['id']}"), ("DELETE", f"/Users/{made['id']}")):
        refused(reader.ask(method, path, {}), 403)
    refused(reader.ask("POST", "/Bulk", {}), 403)


def test_a_token_that_is_revoked_opens_nothing_any_more(house: House, directory: Directory) -> None:
    assert directory.ask("GET", "/Users").status_code == 200
    with house.database.begin() as connection:
        made = connection.exec_driver_sql("SELECT id FROM xrm_token ORDER BY id DESC LIMIT 1").scalar_one()
        revoke_token(connection, str(made))
    refused(directory.ask("GET", "/Users"), 401)


def test_groups_give_the_roles_that_are_said_here(house: House, directory: Directory) -> None:
    # given
    map_group(house, "Sales", "clerk")
    eva, otto = directory.user(address()), directory.user(address())
    group = directory.group("sales", eva)
    other = directory.group("Choir", eva, otto)
    # then
    assert directory.roles(eva) == ["clerk"]
    assert directory.roles(otto) == []
    assert [each["display"] for each in directory.get("Users", eva["id"])["groups"]] == ["sales", "Choir"]
    assert house.events(eva["id"])[0] == "roles_changed"
    # when Entra adds and removes members
    add = {"op": "Add", "path": "members", "value": [{"value": otto["id"]}]}
    remove = {"op": "Remove", "path": "members", "value": [{"value": eva["id"]}]}
    assert directory.patch("Groups", group["id"], add, remove).status_code == 204
    assert (directory.roles(eva), directory.roles(otto)) == ([], ["clerk"])
    assert [each["value"] for each in directory.get("Groups", group["id"])["members"]] == [otto["id"]]
    # when Okta does
    okta = {"op": "remove", "path": f'members[value eq "{otto["id"]}"]'}
    assert directory.patch("Groups", group["id"], okta).status_code == 204
    assert directory.roles(otto) == []
    whole = {"op": "replace", "path": "members", "value": [{"value": eva["id"]}, {"value": otto["id"]}]}
    assert directory.patch("Groups", group["id"], whole).status_code == 204
    assert directory.roles(otto) == ["clerk"]
    # when it gets another name, the roles go, and come back with it
    renamed = {"op": "replace", "value": {"id": group["id"], "displayName": "Buying"}}
    assert directory.patch("Groups", group["id"], renamed).status_code == 204
    assert directory.roles(eva) == []
    assert directory.patch("Groups", group["id"], {**renamed, "value": {"displayName": "SALES"}}).status_code == 204
    assert directory.roles(eva) == ["clerk"]
    # when it goes
    assert directory.ask("DELETE", f"/Groups/{group['id']}").status_code == 204
    assert directory.roles(eva) == []
    refused(directory.ask("GET", f"/Groups/{group['id']}"), 404)
    assert directory.ask("DELETE", f"/Groups/{other['id']}").status_code == 204
    map_group(house, "Sales")


def test_roles_that_no_group_gives_stay(house: House, directory: Directory) -> None:
    map_group(house, "Team", "clerk")
    person = house.person(role="clerk")
    guest = Directory(house, service_token(house, "clerk", "guest"))
    map_group(house, "Visitors", "guest")
    group = guest.group("Visitors", {"id": person.id})
    assert guest.roles({"id": person.id}) == ["guest"]  # «clerk» is a role of groups, and no group of theirs gives it
    map_group(house, "Team")
    with house.database.begin() as connection:
        tokens.set_roles(connection, person.id, ["clerk", "guest"])
    assert guest.patch("Groups", group["id"], {"op": "remove", "path": "members"}).status_code == 204
    assert guest.roles({"id": person.id}) == ["clerk"]
    assert guest.ask("DELETE", f"/Groups/{group['id']}").status_code == 204
    map_group(house, "Visitors")


def test_no_token_gives_a_role_that_it_does_not_have(house: House, directory: Directory) -> None:
    # given a group that gives a role which the directory's token does not have
    map_group(house, "Guests", "guest")
    both = Directory(house, service_token(house, "clerk", "guest"))
    eva = directory.user(address())
    group = both.group("Guests")
    harmless = directory.group("Harmless", eva)
    # when it tries
    add = {"op": "add", "path": "members", "value": [{"value": eva["id"]}]}
    rename = {"op": "replace", "path": "displayName", "value": "GUESTS "}
    put = {"schemas": [GROUP], "displayName": "Guests", "members": [{"value": eva["id"]}]}
    bulk = {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
        "Operations": [
            {"method": "PATCH", "path": f"/Groups/{group['id']}", "data": {"schemas": [PATCH], "Operations": [add]}}
        ],
    }
    # then it cannot, in any way
    assert "guest" in refused(directory.patch("Groups", group["id"], add), 403)
    refused(directory.patch("Groups", harmless["id"], rename), 403)
    refused(directory.ask("PUT", f"/Groups/{group['id']}", put), 403)
    refused(directory.ask("DELETE", f"/Groups/{group['id']}"), 403)
    assert done(directory.ask("POST", "/Bulk", bulk))["Operations"][0]["status"] == "403"
    assert both.ask("DELETE", f"/Groups/{group['id']}").status_code == 204
    refused(directory.ask("POST", "/Groups", put), 403)
    assert directory.roles(eva) == []
    map_group(house, "Guests")


def test_who_has_more_roles_than_the_token_is_not_touched(house: House, directory: Directory) -> None:
    # given
    boss = house.person(role="guest")  # a role that the directory's token does not have
    session = house.signed_in(boss)
    for change in (
        {"op": "replace", "path": "userName", "value": address()},
        {"op": "replace", "path": "active", "value": False},
        {"op": "replace", "path": "externalId", "value": "mine"},
    ):
        assert "guest" in refused(directory.patch("Users", boss.id, change), 403)
    refused(directory.ask("DELETE", f"/Users/{boss.id}"), 403)
    assert house.ask(**session).status_code == 200
    # but whom the directory made it can lock out, whatever roles they got since, and not let in again
    eva = directory.user(address())
    with house.database.begin() as connection:
        tokens.set_roles(connection, eva["id"], ["guest"])
    off, on = ({"op": "replace", "path": "active", "value": value} for value in (False, True))
    refused(directory.patch("Users", eva["id"], {"op": "replace", "path": "userName", "value": address()}), 403)
    assert directory.patch("Users", eva["id"], off).status_code == 204
    refused(directory.patch("Users", eva["id"], on), 403)
    assert directory.ask("DELETE", f"/Users/{eva['id']}").status_code == 204


def test_two_groups_at_once_forget_no_role(house: House) -> None:
    # given two groups that give a role each
    both = Directory(house, service_token(house, "clerk", "guest"))
    map_group(house, "First", "clerk")
    map_group(house, "Second", "guest")
    eva = both.user(address())
    groups = [both.group("First"), both.group("Second")]
    add, remove = ({"op": word, "path": "members", "value": [{"value": eva["id"]}]} for word in ("add", "remove"))
    with ThreadPoolExecutor(2) as threads:
        for change, expected in ((add, ["clerk", "guest"]), (remove, [])) * 5:
            # when both change at the same moment
            answers = list(threads.map(lambda group: both.patch("Groups", group["id"], change), groups))  # noqa: B023
            # then both count
            assert [each.status_code for each in answers] == [204, 204]
            assert both.roles(eva) == expected
    for group in groups:
        assert both.ask("DELETE", f"/Groups/{group['id']}").status_code == 204
    map_group(house, "First")
    map_group(house, "Second")


@pytest.mark.parametrize("there", [True, False])
def test_roles_of_a_group_that_nobody_is_in_yet_are_given_to_who_comes_meanwhile(
    house: House, directory: Directory, there: bool
) -> None:
    # given a group without users, or none at all
    name, eva = uuid4().hex, directory.user(address())
    if there:
        group = directory.group(name)
    with ThreadPoolExecutor(1) as threads:
        with house.database.begin() as connection:
            # when roles are said for it while the first user comes
            roles.assign(connection, house.platform.tables["user"], name, ["clerk"])
            if there:
                add = {"op": "add", "path": "members", "value": [{"value": eva["id"]}]}
                coming = threads.submit(lambda: directory.patch("Groups", group["id"], add).status_code)
            else:
                coming = threads.submit(lambda: bool(directory.group(name, eva)))
            time.sleep(0.5)
        assert coming.result(20)
    # then the user has them
    assert directory.roles(eva) == ["clerk"]
    map_group(house, name)


def test_groups_have_a_name_of_their_own_and_users_in_them(directory: Directory) -> None:
    group = directory.group("Board")
    body = {"schemas": [GROUP], "displayName": "board"}
    refused(directory.ask("POST", "/Groups", body), 409, "uniqueness")
    assert done(directory.ask("GET", '/Groups?filter=displayName eq "BOARD"&excludedAttributes=members'))[
        "totalResults"
    ]
    for members in ([{"value": str(uuid4())}], [{"value": "x"}], [{"value": group["id"], "type": "Group"}], "eva", [5]):
        answer = directory.ask("POST", "/Groups", {**body, "displayName": "New", "members": members})
        assert answer.status_code == 400, answer.text
    refused(directory.ask("GET", f"/Users/{group['id']}"), 404)
    assert done(directory.ask("GET", '/Groups?filter=displayName eq "New"'))["totalResults"] == 0
    assert directory.ask("DELETE", f"/Groups/{group['id']}").status_code == 204


def test_a_token_neither_gives_nor_takes_roles_of_others_by_its_own_groups(house: House, directory: Directory) -> None:
    # given a role that groups give and this token does not have, somebody who has it, and somebody who has it no more
    map_group(house, "Hosts", "guest")
    map_group(house, "Clerks", "clerk")
    both = Directory(house, service_token(house, "clerk", "guest"))
    host, former = house.person(role="guest"), house.person(role="clerk")
    hosts = both.group("Hosts", {"id": former.id})
    with house.database.begin() as connection:
        tokens.set_roles(connection, former.id, [])
    # when both get into groups that are the token's to change, one of which gives nothing
    add = {"op": "add", "path": "members", "value": [{"value": each.id} for each in (host, former)]}
    for name in ("Clerks", "Canteen"):
        group = directory.group(name)
        assert directory.patch("Groups", group["id"], add).status_code == 204
        # then neither loses nor gets it
        assert "guest" in directory.roles({"id": host.id})
        assert "guest" not in directory.roles({"id": former.id})
        assert directory.ask("DELETE", f"/Groups/{group['id']}").status_code == 204
        assert (directory.roles({"id": host.id}), directory.roles({"id": former.id})) == (["guest"], [])
    # and whose token has both roles governs both
    assert both.ask("DELETE", f"/Groups/{hosts['id']}").status_code == 204
    map_group(house, "Hosts")
    map_group(house, "Clerks")


def test_policies_that_are_no_longer_in_force_let_nobody_in(house: House, directory: Directory) -> None:
    # given a service that a server has let in a moment ago
    made = directory.user(address())
    files = {"roles.json": json.dumps(ROLES), "policies.csv": POLICIES}
    without = POLICIES.replace("clerk,*,*,*,,allow", "clerk,note,*,*,,allow\nclerk,user,*,*,,allow")
    try:
        # when others are put in force, of which nobody has told the server
        apply_set(house.database, {**files, "policies.csv": without})
        # then nothing is done under the former ones
        off = {"op": "replace", "path": "active", "value": False}
        refused(directory.patch("Users", made["id"], off), 403)
        refused(directory.ask("GET", f"/Users/{made['id']}"), 403)
    finally:
        apply_set(house.database, files)
        until = time.monotonic() + 10
        while directory.ask("GET", "/Users?count=0").status_code == 403 and time.monotonic() < until:
            time.sleep(0.05)
    assert directory.get("Users", made["id"])["active"] is True


def test_directories_that_ask_for_much_hold_up_nobody_who_signs_in(
    house: House, directory: Directory, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given a directory whose requests take long
    person, go_on, begun, answer = house.person(), Event(), Event(), storage.answer

    def slowly(*arguments: Any) -> Any:
        begun.set()
        go_on.wait(30)
        return answer(*arguments)

    monkeypatch.setattr(storage, "answer", slowly)
    with ThreadPoolExecutor(21) as threads:
        waiting = [threads.submit(directory.ask, "GET", "/Users?count=1") for _ in range(20)]
        try:
            assert begun.wait(10)
            time.sleep(0.3)  # until all are there
            # when somebody signs in
            signed_in = threads.submit(house.login, person.email).result(10)
        finally:
            go_on.set()
    # then nobody had to wait for it
    assert signed_in.status_code == 200
    assert [each.result().status_code for each in waiting] == [200] * 20


def test_who_signs_in_by_a_provider_gets_no_role_back_that_is_being_taken(house: House) -> None:
    # given somebody from whom a role is being taken, and whom a provider gives another
    person, users = house.person(), house.platform.records.tables["user"]
    provider = Provider("acme", "https://login.example", "crm", "https://crm.example")
    provider = replace(provider, roles_claim="groups", roles={"g": ("guest",)})
    arrival = Arrival({"sub": person.id, "groups": ["g"]}, None, "test", None, None)
    lifetimes = Lifetimes(timedelta(hours=1), timedelta(days=1))
    with house.database.begin() as connection:
        link(connection, person.id, provider.issuer, person.id)
    with ThreadPoolExecutor(1) as threads:
        with house.database.begin() as connection:
            connection.execute(select(users.c.id).where(users.c.id == person.id).with_for_update())
            tokens.set_roles(connection, person.id, [])
            # when they sign in at that moment
            place = house.database, house.platform.records
            signing_in = threads.submit(sign_in_by, *place, provider, lifetimes, arrival)
            time.sleep(0.5)
        signing_in.result(10)
    # then it is gone all the same
    with house.database.read() as connection:
        assert people.roles_of(connection, person.id) == {"guest"}


def test_many_members_go_in_the_time_of_one(house: House, directory: Directory) -> None:
    # given a group with many members
    caller = system(house.platform.model, "test")
    with house.database.begin() as connection:
        rows = [{"email": address(), "active": True} for _ in range(1000)]
        ids = house.platform.records.create_many(connection, caller, "user", rows)
    group = directory.group("Town", *({"id": each} for each in ids))
    # when most of them go, in the words of Entra and of Okta, while one comes back
    members = [{"value": each} for each in ids]
    entra = {"op": "Remove", "path": "members", "value": members[:600]}
    okta = [{"op": "remove", "path": f'members[value eq "{each}"]'} for each in ids[600:900]]
    back = {"op": "add", "path": "members", "value": members[:1]}
    began = time.process_time()
    assert directory.patch("Groups", group["id"], entra, back, *okta).status_code == 204
    # then it takes no longer than a few times what one takes
    assert time.process_time() - began < 5
    left = [each["value"] for each in directory.get("Groups", group["id"])["members"]]
    assert left == [ids[0], *ids[900:]]
    # and who is not in it does not go
    version = directory.get("Groups", group["id"])["meta"]["version"]
    assert directory.patch("Groups", group["id"], okta[0]).status_code == 204
    assert directory.get("Groups", group["id"])["meta"]["version"] == version
    refused(directory.patch("Groups", group["id"], okta[0], If_Match='W/"0"'), 412)
    assert directory.ask("DELETE", f"/Groups/{group['id']}").status_code == 204
    users = house.platform.records.tables["user"]
    with house.database.begin() as connection:  # other tests look for theirs on the first page
        connection.execute(delete(users).where(users.c.id.in_(ids)))
