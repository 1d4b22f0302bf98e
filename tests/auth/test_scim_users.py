"""Users by SCIM: what a directory says of them, in the ways of Entra ID and Okta."""

import datetime as dt
import time
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import func, select

from tests.auth.kit import House
from tests.auth.scim_kit import USER, Directory, done, map_group, refused, service_token
from xrm_core.auth.events import recorded
from xrm_core.auth.scim import dialects
from xrm_core.permissions.caller import system
from xrm_core.storage.system import NOTICE, SHARE


@pytest.fixture
def directory(house: House) -> Directory:
    return Directory(house, service_token(house))


def address() -> str:
    return f"{uuid4().hex}@example.com"


def test_a_user_of_the_directory_is_a_user_without_password_and_roles(house: House, directory: Directory) -> None:
    # given, when
    name = address().capitalize()
    made = directory.user(name, externalId="4711", name={"familyName": "Berg", "givenName": "Eva"}, active=True)
    # then
    assert made["userName"] == name
    assert made["externalId"] == "4711"
    assert made["name"] == {"familyName": "Berg", "givenName": "Eva"}
    assert made["active"] is True
    assert "roles" not in made
    assert made["meta"]["location"].endswith(f"/scim/v2/Users/{made['id']}")
    assert house.events(made["id"]) == ["user_created"]
    assert house.login(name).json()["errors"][0]["extensions"]["code"] == "SIGN_IN_FAILED"
    with house.database.read() as connection:
        users = house.platform.tables["user"]
        row = connection.execute(users.select().where(users.c.id == made["id"])).one()
    assert (row.email, row.active) == (name.lower(), True)  # by which people sign in
    assert row.created_by is not None


def test_a_name_that_is_taken_is_not_taken_over(house: House, directory: Directory) -> None:
    person = house.person()
    answer = directory.ask("POST", "/Users", {"schemas": [USER], "userName": person.email.upper()})
    refused(answer, 409, "uniqueness")
    other = directory.user(address())
    change = {"op": "replace", "path": "userName", "value": person.email}
    refused(directory.patch("Users", other["id"], change), 409, "uniqueness")
    assert directory.get("Users", other["id"])["userName"] == other["userName"]


DEACTIVATIONS: dict[str, dict[str, Any]] = {
    "entra": {"op": "Replace", "path": "active", "value": "False"},
    "entra, the new way": {"op": "replace", "path": "active", "value": False},
    "okta": {"op": "replace", "value": {"active": False}},
    "in capitals": {"op": "REPLACE", "path": f"{USER}:Active", "value": "false"},
}


@pytest.mark.parametrize("way", DEACTIVATIONS)
def test_who_is_deactivated_is_out_at_once(house: House, directory: Directory, way: str) -> None:
    # given
    person = house.person()
    session, token = house.signed_in(person), house.token(person)
    assert house.ask(**session).status_code == 200
    assert house.ask(Authorization=f"Bearer {token}").status_code == 200
    # when
    answer = directory.patch("Users", person.id, DEACTIVATIONS[way])
    # then
    assert answer.status_code == 204, answer.text
    assert directory.get("Users", person.id)["active"] is False
    assert house.ask(**session).status_code == 401
    assert house.ask(Authorization=f"Bearer {token}").status_code == 401
    assert house.rows_of(person)["xrm_session"] == 0
    assert house.events(person.id)[0] == "user_changed"
    # and who comes back is asked for the password
    assert directory.patch("Users", person.id, {"op": "Replace", "path": "active", "value": "True"}).status_code == 204
    assert house.ask(**session).status_code == 401
    assert house.login(person.email).status_code == 200


def test_entra_changes_what_is_not_there_yet_and_what_nobody_has(directory: Directory) -> None:
    made = directory.user(address())
    answer = directory.patch(
        "Users",
        made["id"],
        {"op": "Add", "path": 'emails[type eq "work"].value', "value": "eva@corp.example"},
        {"op": "Add", "path": "name.familyName", "value": "Berg"},
        {"op": "Replace", "path": "displayName", "value": "Eva Berg"},
        {"op": "Add", "path": "title", "value": "Head of Sales"},
        {"op": "Add", "path": "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department", "value": "S"},
        {"op": "Add", "path": 'phoneNumbers[type eq "work"].value', "value": "123"},
    )
    assert answer.status_code == 204, answer.text
    now = directory.get("Users", made["id"])
    assert now["emails"] == [{"value": "eva@corp.example", "type": "work"}]
    assert (now["name"], now["displayName"]) == ({"familyName": "Berg"}, "Eva Berg")
    # once more, now that it is there, and without paths
    values = {'emails[type eq "work"].value': "berg@corp.example", "name.givenName": "Eva", "nickName": "E"}
    assert directory.patch("Users", made["id"], {"op": "Replace", "value": values}).status_code == 204
    now = directory.get("Users", made["id"])
    assert now["emails"] == [{"value": "berg@corp.example", "type": "work"}]
    assert now["name"] == {"familyName": "Berg", "givenName": "Eva"}


def test_a_patch_of_nothing_that_is_kept_changes_nothing(directory: Directory) -> None:
    made = directory.user(address())
    answer = directory.patch("Users", made["id"], {"op": "Replace", "path": "title", "value": "Boss"})
    assert answer.status_code == 204, answer.text
    assert directory.get("Users", made["id"]) == made


def test_okta_creates_and_replaces_whole_users(directory: Directory) -> None:
    name = address()
    given = {
        "schemas": [USER, "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],
        "userName": name,
        "name": {"givenName": "Eva", "familyName": "Berg", "formatted": "Eva Berg"},
        "emails": [{"primary": True, "value": name, "type": "work", "display": "x"}],
        "displayName": "Eva Berg",
        "locale": "en-US",
        "externalId": "00ujl29u0le5T6Aj10h7",
        "groups": [],
        "password": "1mz050nq",
        "active": True,
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"department": "Sales"},
    }
    made = done(directory.ask("POST", "/Users", given), 201)
    assert "password" not in made
    [found] = done(directory.ask("GET", f'/Users?filter=userName eq "{name.upper()}"&startIndex=1&count=100'))[
        "Resources"
    ]
    assert found == made
    put = {**given, "id": made["id"], "meta": {"resourceType": "Group", "version": "x"}, "displayName": "Eva"}
    after = done(directory.ask("PUT", f"/Users/{made['id']}", put))
    assert after["displayName"] == "Eva"
    assert after["meta"]["resourceType"] == "User"
    assert after["meta"]["version"] != made["meta"]["version"]


def test_who_has_left_does_not_come_back_by_being_left_out(directory: Directory) -> None:
    made = directory.user(address(), active=False)
    again = {"schemas": [USER], "userName": made["userName"]}
    assert done(directory.ask("PUT", f"/Users/{made['id']}", again))["active"] is False
    assert directory.patch("Users", made["id"], {"op": "remove", "path": "active"}).status_code == 204
    assert directory.get("Users", made["id"])["active"] is False


def test_who_is_deleted_leaves_the_record_behind(house: House, directory: Directory) -> None:
    # given a user with a role, a password and a session
    map_group(house, "Leavers", "clerk")
    made = directory.user(address())
    group = directory.group("Leavers", made)
    assert directory.roles(made) == ["clerk"]
    # when
    assert directory.ask("DELETE", f"/Users/{made['id']}").status_code == 204
    # then it is gone for SCIM
    refused(directory.ask("GET", f"/Users/{made['id']}"), 404)
    refused(directory.patch("Users", made["id"], DEACTIVATIONS["okta"]), 404)
    refused(directory.ask("DELETE", f"/Users/{made['id']}"), 404)
    assert done(directory.ask("GET", f'/Users?filter=id eq "{made["id"]}"'))["totalResults"] == 0
    assert "members" not in directory.get("Groups", group["id"])
    # and the record is there, without rights
    with house.database.read() as connection:
        users = house.platform.tables["user"]
        assert connection.execute(users.select().where(users.c.id == made["id"])).one().active is False
        # of which nobody is told, not at the former address either
        assert connection.execute(NOTICE.select().where(NOTICE.c.user_id == made["id"])).all() == []
    map_group(house, "Leavers")


def test_nobody_keeps_a_user_in_by_taking_the_address_that_is_left_behind(house: House, directory: Directory) -> None:
    # given somebody who has given another user the address that those get who are deleted
    made, other = directory.user(address()), house.person()
    taken = f"{made['id']}@removed.invalid"
    house.update_user(other, {"email": taken})
    # when
    assert directory.ask("DELETE", f"/Users/{made['id']}").status_code == 204
    # then the user is gone, and the address is free
    refused(directory.ask("GET", f"/Users/{made['id']}"), 404)
    with house.database.read() as connection:
        users = house.platform.tables["user"]
        row = connection.execute(users.select().where(users.c.id == made["id"])).one()
    assert not row.active
    assert row.email.endswith("@removed.invalid")
    assert row.email != taken
    assert directory.user(made["userName"])["id"] != made["id"]


def test_an_address_that_is_used_again_is_another_user(house: House, directory: Directory) -> None:
    # given somebody who was deleted, and with whom a record was shared
    made = directory.user(address(), externalId="eva")
    with house.database.begin() as connection:
        note = house.platform.records.create(connection, system(house.platform.model, "test"), "note", {"text": "x"})
        row = {"entity": "note", "record_id": note, "grantee": f"user:{made['id']}", "level": "read"}
        connection.execute(SHARE.insert().values(**row, shared_at=dt.datetime.now(dt.UTC)))
    assert directory.ask("DELETE", f"/Users/{made['id']}").status_code == 204
    # when somebody else gets the address, also if the directory calls them the same
    other = directory.user(made["userName"], externalId="eva")
    # then that is a user of their own, who has nothing of the former one
    assert other["id"] != made["id"]
    assert other["active"] is True
    refused(directory.ask("GET", f"/Users/{made['id']}"), 404)
    with house.database.read() as connection:
        assert connection.scalar(select(func.count()).select_from(SHARE).where(SHARE.c.record_id == note)) == 0
        [event] = recorded(connection, users=(made["id"],), event="user_deprovisioned")
    assert event.details["shares"] == 1
    # and if whoever administers users lets the former one in again, under another address, the directory sees both
    with house.database.begin() as connection:
        back = {"active": True, "email": address()}
        house.platform.records.update(connection, system(house.platform.model, "test"), "user", made["id"], back)
    assert directory.get("Users", made["id"])["userName"] == back["email"]
    assert "members" in directory.get("Groups", directory.group(uuid4().hex, made)["id"])
    refused(directory.ask("POST", "/Users", {"schemas": [USER], "userName": back["email"]}), 409, "uniqueness")


def test_filters_orders_and_pages(directory: Directory) -> None:
    mark = uuid4().hex
    for number in range(5):
        directory.user(
            f"{number}.{mark}@example.com",
            externalId=f"{mark}-{number}",
            displayName="AB"[number % 2],
            active=number != 2,
        )
    family = f'userName ew "{mark}@example.com"'

    def names(query: str) -> list[str]:
        found = done(directory.ask("GET", f"/Users?{query}")).get("Resources", [])
        return [each["userName"].partition(".")[0] for each in found]

    assert names(f'filter=externalId eq "{mark}-3"') == ["3"]
    assert names(f'filter=externalId eq "{mark.upper()}-3"') == []
    assert names(f"filter={family} and active eq false") == ["2"]
    assert names(f'filter={family} and (displayName eq "b" or userName sw "4")') == ["1", "3", "4"]
    assert names(f"filter={family} and not (displayName pr)") == []
    assert names(f'filter=userName co "{mark}"&sortBy=userName&sortOrder=descending') == ["4", "3", "2", "1", "0"]
    page = done(directory.ask("GET", f"/Users?filter={family}&sortBy=userName&startIndex=2&count=2"))
    assert (page["totalResults"], page["startIndex"], page["itemsPerPage"]) == (5, 2, 2)
    body = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"], "filter": family, "count": 0}
    assert done(directory.ask("POST", "/Users/.search", body))["totalResults"] == 5
    [only] = done(directory.ask("GET", f'/Users?filter=externalId eq "{mark}-1"&attributes=userName'))["Resources"]
    assert set(only) == {"schemas", "id", "userName"}
    whole = done(directory.ask("GET", "/Users?count=1000000"))
    assert whole["itemsPerPage"] <= 200
    assert len(done(directory.ask("GET", "/Users?startIndex=2&count=1"))["Resources"]) == 1


@pytest.mark.parametrize("kind", ["Users", "Groups"])
def test_a_page_behind_all_others_is_empty_however_far_it_is(directory: Directory, kind: str) -> None:
    for start in (2**31, 2**63, 10**30):
        found = done(directory.ask("GET", f"/{kind}?startIndex={start}&count=1"))
        assert found.get("Resources", []) == []


def test_a_user_without_an_address_does_not_keep_others_from_being_listed(house: House, directory: Directory) -> None:
    with house.database.begin() as connection:
        id_ = house.platform.records.create(connection, system(house.platform.model, "test"), "user", {"active": True})
    person = house.person()
    found = directory.get("Users", id_)
    assert (found["id"], "userName" in found) == (id_, False)
    done(directory.ask("GET", "/Users?count=1"))
    listed = done(directory.ask("GET", f'/Users?filter=userName eq "{person.email}" or id eq "{id_}"'))
    assert {each["id"] for each in listed["Resources"]} == {id_, person.id}


def test_a_change_that_was_overtaken_is_refused(directory: Directory) -> None:
    made = directory.user(address())
    old = made["meta"]["version"]
    change = {"op": "replace", "path": "displayName", "value": "Eva"}
    assert directory.patch("Users", made["id"], change, If_Match=old).status_code == 204
    refused(directory.patch("Users", made["id"], {**change, "value": "E"}, If_Match=old), 412)
    refused(directory.ask("DELETE", f"/Users/{made['id']}", If_Match=old), 412)
    new = directory.get("Users", made["id"])["meta"]["version"]
    assert directory.ask("GET", f"/Users/{made['id']}", If_None_Match=new).status_code == 304


def test_many_at_once_stand_each_for_itself(directory: Directory) -> None:
    name = address()
    person = {"schemas": [USER], "userName": name, "title": "Boss"}
    operations = [
        {"method": "POST", "path": "/Users", "bulkId": "one", "data": person},
        {"method": "POST", "path": "/Users", "bulkId": "two", "data": person},
        {"method": "POST", "path": "/Users", "bulkId": "three", "data": {**person, "userName": address()}},
    ]
    body = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": operations}
    done_ = done(directory.ask("POST", "/Bulk", body))["Operations"]
    assert [each["status"] for each in done_] == ["201", "409", "201"]
    assert done(directory.ask("GET", f'/Users?filter=userName eq "{name}"'))["totalResults"] == 1
    refused(directory.ask("POST", "/Bulk", {**body, "Operations": operations * 40}), 413)


def deep(levels: int) -> str:
    return "(" * levels + 'userName eq "x"' + ")" * levels


BAD: dict[str, tuple[str, str, Any, int, str | None]] = {
    "a deep filter": ("GET", f"/Users?filter={deep(2000)}", None, 400, "invalidFilter"),
    "a filter of brackets": ("POST", "/Users/.search", {"filter": "(" * 100_000}, 400, "invalidFilter"),
    "a filter of an unknown attribute": ("GET", '/Users?filter=secret eq "x"', None, 400, "invalidFilter"),
    "half a filter": ("GET", "/Users?filter=userName eq", None, 400, "invalidFilter"),
    "NUL in a filter": ("GET", '/Users?filter=userName eq "a%00b"', None, 400, "invalidValue"),
    "SQL": ("GET", "/Users?filter=userName eq 'x' or 1=1", None, 400, "invalidFilter"),
    "NUL": ("POST", "/Users", {"schemas": [USER], "userName": "a\0b@example.com"}, 400, "invalidValue"),
    "half a character": ("POST", "/Users", {"schemas": [USER], "userName": "a\ud800@example.com"}, 400, None),
    "a number": ("POST", "/Users", {"schemas": [USER], "userName": 5}, 400, "invalidValue"),
    "no address": ("POST", "/Users", {"schemas": [USER], "userName": "eva"}, 400, "invalidValue"),
    "no name": ("POST", "/Users", {"schemas": [USER]}, 400, "invalidValue"),
    "a long id": (
        "POST",
        "/Users",
        {"schemas": [USER], "userName": address(), "externalId": "x" * 501},
        400,
        "invalidValue",
    ),
    "a list": ("POST", "/Users", [1], 400, None),
    "an unknown word": ("POST", "/Users", {"schemas": [USER], "userName": address(), "isAdmin": True}, 400, None),
    "no id": ("GET", "/Users/1 or 1=1", None, 404, None),
    "nobody's id": ("GET", f"/Users/{uuid4()}", None, 404, None),
    "nowhere": ("GET", "/Passwords", None, 404, None),
    "me": ("GET", "/Me", None, 501, None),
    "not to be removed": ("DELETE", "/Users", None, 405, None),
    "a huge body": ("POST", "/Users", {"userName": "x" * 2_000_000}, 413, None),
}


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_is_refused_in_the_words_of_scim(directory: Directory, case: str) -> None:
    method, path, body, status, scim_type = BAD[case]
    before = done(directory.ask("GET", "/Users?count=0"))["totalResults"]
    answer = directory.ask(method, path, body)
    refused(answer, status, scim_type if scim_type else answer.json().get("scimType"))
    assert done(directory.ask("GET", "/Users?count=0"))["totalResults"] == before


def test_no_json_and_no_words_of_others(directory: Directory) -> None:
    made = directory.user(address())
    for change in (
        {"op": "replace", "path": "id", "value": str(uuid4())},
        {"op": "add", "path": "roles", "value": [{"value": "clerk"}]},
        {"op": "explode", "path": "active"},
        {"op": "replace", "path": "foo", "value": 1},
        {"op": "replace", "path": deep(50), "value": 1},
        {"op": "replace", "path": "active", "value": "perhaps"},
    ):
        assert directory.patch("Users", made["id"], change).status_code == 400
    assert directory.get("Users", made["id"]) == made
    token = {"Authorization": f"Bearer {directory.token}"}
    for content, kind in (("{", "application/json"), ("userName=a", "application/x-www-form-urlencoded")):
        headers = {**token, "Content-Type": kind}
        answer = directory.house.http.post("/scim/v2/Users", content=content, headers=headers)
        assert answer.status_code == (415 if "form" in kind else 400), answer.text


def test_keys_of_any_length_are_looked_at_once() -> None:
    # given what a regular expression would look at from each of its signs to the end
    key = "[" * 200_000
    began = time.process_time()
    # when
    dialects.resource({key: 1})
    dialects.patch({"Operations": [{"op": "add", "path": "name", "value": {key: 1}}]})
    # then
    assert time.process_time() - began < 2
    for path, plain in {"emails[a eq 1].display": True, "title[x][y]": True, "title]": False, "ti[tle": False}.items():
        assert (dialects.resource({path: 1}) == {}) is plain


@pytest.mark.parametrize("text", ["a\\u0000b", "a\\ud800b"])
def test_what_no_database_keeps_is_found_nowhere(directory: Directory, text: str) -> None:
    for kind, attribute in (("Users", "userName"), ("Users", "externalId"), ("Groups", "displayName")):
        found = done(directory.ask("POST", f"/{kind}/.search", {"filter": f'{attribute} eq "{text}"'}))
        assert found["totalResults"] == 0


def test_a_patch_of_any_length_is_not_looked_at(directory: Directory) -> None:
    made = directory.user("ada@example.com")
    change = {"op": "replace", "path": "name.givenName", "value": "Ada"}
    answer = directory.patch("Users", made["id"], *[change] * (dialects.MAX_OPERATIONS + 1))
    refused(answer, 400, "invalidValue")
    assert "name" not in directory.get("Users", made["id"])
    assert directory.patch("Users", made["id"], *[change] * 10).is_success
    assert directory.get("Users", made["id"])["name"]["givenName"] == "Ada"
