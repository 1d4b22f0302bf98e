"""Accept and Content-Type: what the two sides agree on, point by point as GraphQL over HTTP and RFC 9110 say."""

import pytest

from tests.server.http_kit import GRAPHQL_RESPONSE, Client, code
from xrm_core.server.negotiation import JSON, NotAcceptable, accepts_gzip, media_type_of_answer


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        (None, GRAPHQL_RESPONSE),
        ("", GRAPHQL_RESPONSE),
        ("*/*", GRAPHQL_RESPONSE),
        ("application/*", GRAPHQL_RESPONSE),
        (JSON, JSON),
        ("Application/JSON", JSON),
        (GRAPHQL_RESPONSE, GRAPHQL_RESPONSE),
        # what clients are told to send
        (f"{GRAPHQL_RESPONSE}, {JSON};q=0.9", GRAPHQL_RESPONSE),
        (f"{GRAPHQL_RESPONSE}; charset=utf-8, {JSON}; charset=utf-8", GRAPHQL_RESPONSE),
        # the quality decides, whatever stands first; then the place
        (f"{JSON};q=0.9, {GRAPHQL_RESPONSE}", GRAPHQL_RESPONSE),
        (f"{GRAPHQL_RESPONSE};q=0.1, {JSON};q=0.2", JSON),
        (f"{JSON}, {GRAPHQL_RESPONSE}", JSON),
        (f"{JSON}, text/plain, */*", JSON),
        ("text/html, application/xhtml+xml, application/xml;q=0.9, */*;q=0.8", GRAPHQL_RESPONSE),
        # the range that fits best counts, not the one that is widest
        (f"{GRAPHQL_RESPONSE};q=0, */*", JSON),
        (f"*/*;q=0.5, {JSON};q=0.1", GRAPHQL_RESPONSE),
        (f"*/*;q=0, {JSON};q=0.1", JSON),
        # other charsets are not there; qualities that are none make a range that is none
        (f"{GRAPHQL_RESPONSE}; charset=utf-16, {JSON}", JSON),
        (f'{GRAPHQL_RESPONSE}; charset="UTF-8"', GRAPHQL_RESPONSE),
        (f"{GRAPHQL_RESPONSE};q=high, {JSON};q=0.001", JSON),
    ],
)
def test_the_client_gets_what_it_likes_best(accept: str | None, media_type: str) -> None:
    for _ in range(2):  # what is remembered is the same
        assert media_type_of_answer(accept) == media_type
    if accept:
        assert media_type_of_answer("text/plain, " * 30 + accept) == media_type


@pytest.mark.parametrize(
    "accept",
    ["text/html", f"{JSON};q=0", "*/*;q=0.0", f"{JSON};charset=latin-1", "application", f"{JSON};q=2", "image/*, ,"],
)
def test_what_is_not_there_is_not_acceptable(accept: str) -> None:
    with pytest.raises(NotAcceptable):
        media_type_of_answer(accept)


@pytest.mark.parametrize(
    ("given", "accepts"),
    [
        (None, False),
        ("", False),
        ("gzip", True),
        ("br, GZIP;q=0.5", True),
        ("*", True),
        ("gzip;q=0", False),
        ("gzip;q=0, *", False),
        ("identity", False),
        ("deflate, br, zstd", False),
        ("gzipped", False),
        ("*;q=0", False),
    ],
)
def test_gzip_is_for_those_who_accept_it(given: str | None, accepts: bool) -> None:
    for _ in range(2):
        assert accepts_gzip(given) is accepts
    if given:
        assert accepts_gzip("compress, " * 30 + given) is accepts


def test_the_answer_names_its_media_type_and_its_encoding(client: Client) -> None:
    for accept, media_type in (("*/*", GRAPHQL_RESPONSE), (JSON, JSON), (f"{JSON};q=0.5", JSON)):
        answer = client.post({"query": "{ __typename }"}, Accept=accept)
        assert (answer.status_code, answer.headers["content-type"]) == (200, f"{media_type}; charset=utf-8")
        assert answer.json() == {"data": {"__typename": "Query"}}
    # a header in two lines is one list
    headers = [("Authorization", f"Bearer {client.token}"), ("Accept", f"{JSON};q=0.1"), ("Accept", GRAPHQL_RESPONSE)]
    answer = client.http.get("/graphql?query={__typename}", headers=headers)
    assert answer.headers["content-type"] == f"{GRAPHQL_RESPONSE}; charset=utf-8"


def test_a_client_that_accepts_neither_is_told_so_before_anything_is_done(client: Client) -> None:
    before = client.world.state()
    answer = client.post({"query": 'mutation { createUser(input: {name: "x"}) { id } }'}, Accept="text/html")
    assert (answer.status_code, code(answer)) == (406, "NOT_ACCEPTABLE")
    assert client.world.state() == before


@pytest.mark.parametrize(
    "content_type",
    [JSON, "application/json; charset=utf-8", 'Application/JSON ;charset="UTF-8"', "application/json;profile=x"],
)
def test_a_body_is_json_in_utf_8_whatever_else_its_type_says(client: Client, content_type: str) -> None:
    query = '{ users(where: {name: {eq: "Ärger"}}) { totalCount } }'
    body = f'{{"query": "{query.replace(chr(34), chr(92) + chr(34))}"}}'.encode()
    assert client.post(body, **{"Content-Type": content_type}).json() == {"data": {"users": {"totalCount": 0}}}


@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/json; charset=utf-16",
        "application/json; charset=latin-1",
        "application/jsonx",
        "application/graphql-response+json",
    ],
)
def test_other_bodies_are_not_taken(client: Client, content_type: str) -> None:
    answer = client.post({"query": "{ __typename }"}, **{"Content-Type": content_type})
    assert (answer.status_code, code(answer)) == (415, "UNSUPPORTED_MEDIA_TYPE")


def test_a_body_that_is_no_utf_8_is_no_json(client: Client) -> None:
    for body in (b'{"query": "{ __typename } # \xff"}', '{"query": "{ __typename }"}'.encode("utf-16")):
        answer = client.post(body)
        assert (answer.status_code, code(answer)) == (400, "BAD_REQUEST")


def test_an_address_that_does_not_exist_is_told_as_json(client: Client) -> None:
    for path in ("/nowhere", "/t/nobody/graphql"):
        answer = client.http.post(path, json={"query": "{ __typename }"}, headers={"Accept": GRAPHQL_RESPONSE})
        assert (answer.status_code, code(answer), answer.headers["content-type"]) == (404, "NOT_FOUND", JSON)
