"""What provisioning refuses is in the log, and how much one answer holds has a bound."""

from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any
from uuid import uuid4

import pytest

from tests.auth.kit import House
from tests.auth.scim_kit import GROUP, PATCH, Directory, done, map_group, refused, service_token
from xrm_core.auth.attempts import Kind
from xrm_core.auth.events import AuthEvent, recorded
from xrm_core.auth.scim import groups, looking, people

REFUSED = "provisioning_refused"


@pytest.fixture
def directory(house: House) -> Directory:
    return Directory(house, service_token(house), headers={"X-Forwarded-For": f"2001:db8:{uuid4().hex[:4]}::1"})


def kept(house: House, count: int) -> list[AuthEvent]:
    """The newest refusals."""
    with house.database.read() as connection:
        return list(recorded(connection, event=REFUSED, limit=count))


def address() -> str:
    return f"{uuid4().hex}@example.com"


def test_who_may_not_provision_is_an_event(house: House, directory: Directory) -> None:
    # given somebody with a token that is none, a person, and services that may do other things, or only see
    person = house.person()
    own, reader = house.token(person), service_token(house, grants={"xrm_scim": ["read"]})
    # when they ask
    for token, status in (("xrm_nothing", 401), (own, 403), (reader, 403)):
        directory.token = token
        refused(directory.ask("DELETE", "/Users/x%00y"), status)
    # then it is kept who, from where and what for
    by_reader, by_person, by_stranger = kept(house, 3)
    assert by_stranger.user_id is None
    assert by_person.user_id == person.id
    with house.database.read() as connection:
        made = connection.exec_driver_sql("SELECT id FROM xrm_token ORDER BY id DESC LIMIT 1").scalar_one()
    assert by_reader.user_id == str(made)
    for each in (by_reader, by_person, by_stranger):
        assert each.address == directory.headers["X-Forwarded-For"]
        assert (each.details["method"], each.details["place"]) == ("DELETE", "Users")
        assert not any(token in str(each) for token in ("xrm_nothing", own, reader))
    # and nothing that a stranger has made up
    directory.token = "xrm_nothing"
    refused(directory.ask("GET", "/%00evil"), 401)
    assert kept(house, 1)[0].details["place"] == "other"


def test_strangers_fill_no_log_and_hold_up_no_directory(house: House, directory: Directory) -> None:
    # given somebody who asks again and again from where a directory is
    _, free, _ = Kind.ADDRESS.value
    good, directory.token = directory.token, "xrm_nothing"
    before = len(kept(house, 10_000))
    # when
    for _ in range(free + 5):
        refused(directory.ask("GET", "/Users"), 401)
    # then the events come to an end, and the directory goes on
    assert len(kept(house, 10_000)) - before == free + 1
    directory.token = good
    assert directory.ask("GET", "/Users?count=1").status_code == 200


def test_roles_that_a_token_does_not_have_are_an_event(house: House, directory: Directory) -> None:
    # given a group that gives what the token does not have
    map_group(house, "Keepers", "guest")
    both = Directory(house, service_token(house, "clerk", "guest"))
    group, eva = both.group("Keepers"), directory.user(address())
    add = {"op": "add", "path": "members", "value": [{"value": eva["id"]}]}
    bulk = {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
        "Operations": [
            {"method": "PATCH", "path": f"/Groups/{group['id']}", "data": {"schemas": [PATCH], "Operations": [add]}},
            {"method": "POST", "path": "/Groups", "bulkId": "b", "data": {"schemas": [GROUP], "displayName": "Other"}},
        ],
    }
    # when it is asked for, alone and beside something that is done
    before = len(kept(house, 10_000))
    refused(directory.patch("Groups", group["id"], add), 403)
    answers = done(directory.ask("POST", "/Bulk", bulk))["Operations"]
    # then both are kept
    assert [each["status"] for each in answers] == ["403", "201"]
    new = kept(house, 10_000)[: len(kept(house, 10_000)) - before]
    assert len(new) == 2
    assert all("guest" in each.details["reason"] for each in new)
    assert all(each.user_id is not None for each in new)
    assert both.ask("DELETE", f"/Groups/{group['id']}").status_code == 204
    map_group(house, "Keepers")


def test_one_answer_has_so_many_members_of_groups(
    house: House, directory: Directory, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given groups that are too many members together, and none of them alone
    monkeypatch.setattr(groups, "MAX_MEMBERS", 3)
    mark = uuid4().hex
    people = [directory.user(address()) for _ in range(3)]
    made = [directory.group(f"{mark} {number}", *people[: number + 1]) for number in range(3)]
    mine = f'filter=displayName sw "{mark}"'

    def found(query: str) -> list[int]:
        groups_found = done(directory.ask("GET", f"/Groups?{query}")).get("Resources", [])
        return [len(each.get("members", [])) for each in groups_found]

    # then they are not shown together
    for query in (mine, f"{mine}&sortBy=displayName", "sortBy=id", "count=200"):
        told = refused(directory.ask("GET", f"/Groups?{query}"), 400, "tooMany")
        assert "count" in told
        assert "excludedAttributes=members" in told
    search = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"], "filter": mine[7:]}
    refused(directory.ask("POST", "/Groups/.search", search), 400, "tooMany")
    # but one after the other, or without their members
    assert [found(f"{mine}&count=1&startIndex={number + 1}") for number in range(3)] == [[1], [2], [3]]
    assert found(f"{mine}&count=2") == [1, 2]
    assert found(f"{mine}&excludedAttributes=members") == found(f"{mine}&attributes=displayName") == [0, 0, 0]
    # and a filter by a member looks at the groups of that member only
    assert found(f'filter=members eq "{people[2]["id"]}"') == [3]
    assert found(f'filter=members.value eq "{people[2]["id"]}" and displayName sw "{mark}"') == [3]
    # users tell of their groups
    more = directory.group(f"{mark} 3", people[0])
    refused(directory.ask("GET", f'/Users?filter=id eq "{people[0]["id"]}"'), 400, "tooMany")
    for each in (*made, more):
        assert directory.ask("DELETE", f"/Groups/{each['id']}").status_code == 204


def test_what_is_found_without_its_groups_is_shown_with_them(directory: Directory) -> None:
    mark = uuid4().hex
    eva = directory.user(f"{mark}@example.com", displayName=mark)
    group = directory.group(mark, eva)
    [found] = done(directory.ask("GET", f'/Users?filter=displayName eq "{mark}"'))["Resources"]
    assert found == directory.get("Users", eva["id"])
    assert [each["value"] for each in found["groups"]] == [group["id"]]
    version = found["meta"]["version"]
    [same] = done(directory.ask("GET", f'/Users?filter=displayName eq "{mark}"&excludedAttributes=groups'))["Resources"]
    assert same["meta"]["version"] == version
    [both] = done(directory.ask("GET", f'/Users?filter=groups.value eq "{group["id"]}"'))["Resources"]
    assert both == found


def test_a_search_compares_so_much_and_no_more(
    house: House, directory: Directory, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given a directory of more users than may be compared with a long filter, and one with many addresses
    monkeypatch.setattr(looking, "MAX_COMPARISONS", 200)
    mark = uuid4().hex
    emails = [{"value": f"{number}@{mark}.example", "type": "work"} for number in range(30)]
    eva = directory.user(f"{mark}@example.com", externalId=mark, displayName=mark, emails=emails)
    for _ in range(3):
        directory.user(address())
    group = directory.group(mark, eva)
    long = " or ".join(["displayName pr", 'meta.lastModified gt "2020-01-01T00:00:00Z"', "not (userName pr)"] * 10)
    search = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"]}

    def loaded(*_: Any, **__: Any) -> None:
        raise AssertionError("loaded though it is too much")

    # then it is refused before they are loaded, in words that help
    with monkeypatch.context() as patch:
        patch.setattr(people, "shown", loaded)
        patch.setattr(looking, "MAX_COMPARISONS", 72)
        assert "userName" in refused(directory.ask("GET", f"/Users?filter={long}"), 400, "tooMany")
        for path in ("", "/Users"):
            refused(directory.ask("POST", f"{path}/.search", {**search, "filter": long, "count": 1}), 400, "tooMany")
        inside = f"emails[{' or '.join(['type pr'] * 40)}]"
        refused(directory.ask("GET", f"/Users?filter={inside}"), 400, "tooMany")
    # and values of one user count, too
    seven = " or ".join(['emails.value co "x"'] * 7)
    refused(directory.ask("GET", f'/Users?filter=externalId eq "{mark}" and ({seven})'), 400, "tooMany")
    # but what names somebody by what is looked up is answered
    looked_up = [f'userName eq "{eva["userName"]}"', f'externalId eq "{mark}"', f'id eq "{eva["id"]}"']
    for each in (*looked_up, " and ".join(looked_up), f'{looked_up[0]} and displayName eq "{mark}"'):
        [found] = done(directory.ask("GET", f"/Users?filter={each}"))["Resources"]
        assert found["id"] == eva["id"]
    [found] = done(directory.ask("GET", f'/Groups?filter=displayName eq "{mark}" and id eq "{group["id"]}"'))[
        "Resources"
    ]
    assert found["id"] == group["id"]


def test_long_searches_are_looked_through_one_at_a_time(directory: Directory, monkeypatch: pytest.MonkeyPatch) -> None:
    # given a search that takes long
    monkeypatch.setattr(looking, "_FEW", 1)
    eva, bob = directory.user(address()), directory.user(address())
    both = f'/Users?filter=id eq "{eva["id"]}"'
    ahead = looking._ONE_AT_A_TIME
    with ThreadPoolExecutor(1) as threads:
        with ahead:
            # when another comes, it waits
            waiting = threads.submit(directory.ask, "GET", f"{both} and userName pr")
            assert not wait([waiting], 0.5).done
            # but not who asks for one
            done(directory.ask("GET", f'/Users?filter=id eq "{bob["id"]}"'))
        assert done(waiting.result(10))["totalResults"] == 1
