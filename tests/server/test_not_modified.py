"""Entity tags of queries by GET: who has the answer already gets 304, and nobody what somebody else may see."""

from typing import Any

import pytest

from tests.server.http_kit import GRAPHQL_RESPONSE, Client, code
from xrm_core.auth import tokens
from xrm_core.server.negotiation import JSON

NAMES = "{ customers { nodes { name } } }"
LARGE = "{ __schema { types { name fields { name } } } }"


def get(client: Client, query: str = NAMES, token: str | None = None, method: str = "GET", **headers: str) -> Any:
    given = {
        "Authorization": f"Bearer {token or client.token}",
        **{key.replace("_", "-"): headers[key] for key in headers},
    }
    return client.http.request(method, "/graphql", params={"query": query}, headers=given)


def ben(client: Client) -> str:
    """The token of somebody who sees his own customers only."""
    with client.world.database.begin() as connection:
        tokens.set_roles(connection, client.world.users["ben"], ["rep"])
        return tokens.create_token(connection, client.world.users["ben"], "test")


def test_who_has_the_answer_already_gets_none_again(client: Client) -> None:
    client.world.create("admin", "customer", {"name": "A"})
    first = get(client)
    assert first.headers["cache-control"] == "private, no-cache"
    tag = first.headers["etag"]
    for given in (tag, f"W/{tag}", f'"other", {tag}', f'{tag},"other"', "*"):
        for method in ("GET", "HEAD"):
            again = get(client, method=method, If_None_Match=given)
            assert (again.status_code, again.content) == (304, b"")
            for name in ("etag", "cache-control", "vary", "x-content-type-options"):
                assert again.headers[name] == first.headers[name]
            assert "content-type" not in again.headers
    # when something has changed, then it comes whole
    client.world.create("admin", "customer", {"name": "B"})
    newer = get(client, If_None_Match=tag)
    assert (newer.status_code, len(newer.json()["data"]["customers"]["nodes"])) == (200, 2)
    assert newer.headers["etag"] != tag


@pytest.mark.parametrize("given", ['"other"', "", "W/", '""', "\x7f", ",,,", '"' + "x" * 5000 + '"'])
def test_other_tags_change_nothing(client: Client, given: str) -> None:
    first = get(client)
    again = get(client, If_None_Match=given)
    assert (again.status_code, again.content) == (200, first.content)
    assert get(client, If_None_Match=first.headers["etag"].strip('"')).status_code == 200


def test_nobody_gets_304_for_what_somebody_else_may_see(client: Client) -> None:
    # given two customers, one of which is ben's
    own = client.world.create("admin", "customer", {"name": "Ben's", "owner": client.world.users["ben"]})
    client.world.create("admin", "customer", {"name": "Anna's"})
    token = ben(client)
    annas, bens = get(client), get(client, token=token)
    assert [node["name"] for node in bens.json()["data"]["customers"]["nodes"]] == ["Ben's"]
    assert annas.headers["etag"] != bens.headers["etag"]
    # when one sends the other's tag, then each gets what he may see, whole
    crossed = get(client, token=token, If_None_Match=annas.headers["etag"])
    assert (crossed.status_code, crossed.content) == (200, bens.content)
    crossed = get(client, If_None_Match=bens.headers["etag"])
    assert (crossed.status_code, crossed.content) == (200, annas.content)
    assert "Authorization" in annas.headers["vary"]
    # who has no token, or a query that his schema does not have, gets no 304 for any tag, not even for «*»
    for given in (annas.headers["etag"], bens.headers["etag"], "*"):
        assert get(client, token="none", If_None_Match=given).status_code == 401
        refused = get(client, "{ notes { nodes { customer { revenueX } } } }", token=token, If_None_Match=given)
        assert (refused.status_code, code(refused)) == (422, "BAD_QUERY")
    # and when the record is not his any more, his own tag is worth nothing
    client.world.update("admin", "customer", own, {"owner": client.world.users["anna"]})
    later = get(client, token=token, If_None_Match=bens.headers["etag"])
    assert (later.status_code, later.json()) == (200, {"data": {"customers": {"nodes": []}}})


def test_a_tag_ends_with_its_token(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("xrm_core.auth.authenticator.REMEMBER_SECONDS", 0)
    token = ben(client)
    tag = get(client, token=token).headers["etag"]
    assert get(client, token=token, If_None_Match=tag).status_code == 304
    with client.world.database.begin() as connection:
        tokens.remove_tokens(connection, client.world.users["ben"], "test")
    assert get(client, token=token, If_None_Match=tag).status_code == 401


def test_other_bytes_or_another_type_have_another_tag(client: Client) -> None:
    """A strong tag stands for the very bytes; which form a client has does not matter for 304."""
    tags = {
        get(client, LARGE, Accept=accept, Accept_Encoding=encoding).headers["etag"]
        for accept in (GRAPHQL_RESPONSE, JSON)
        for encoding in ("gzip", "identity")
    }
    assert len(tags) == 4
    assert not any(tag.startswith("W/") for tag in tags)
    packed = get(client, LARGE, Accept_Encoding="gzip").headers["etag"]
    plain = get(client, LARGE, Accept_Encoding="identity").headers["etag"]
    for encoding, own in (("gzip", packed), ("identity", plain)):
        for given in (packed, plain):
            again = get(client, LARGE, Accept_Encoding=encoding, If_None_Match=given)
            assert (again.status_code, again.headers["etag"]) == (304, own)
            assert "content-encoding" not in again.headers


def test_only_queries_by_get_that_were_executed_whole_are_kept(client: Client) -> None:
    answers = [
        client.post({"query": NAMES}),
        client.post({"query": NAMES}, **{"If-None-Match": "*"}),
        get(client, "{ none }"),
        get(client, "{"),
        get(client, token="none"),
        get(client, Accept="text/html"),
        get(client, 'mutation { createUser(input: {name: "x"}) { id } }', If_None_Match="*"),
    ]
    assert [answer.status_code for answer in answers] == [200, 200, 422, 400, 401, 406, 405]
    for answer in answers:
        assert answer.headers["cache-control"] == "no-store"
        assert "etag" not in answer.headers
