"""Documents that the operator knows, asked for by an id; and the cost of a query, told on request."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.records.kit import build
from xrm_core.auth import tokens
from xrm_core.errors import SettingsError
from xrm_core.plugins import Plugins
from xrm_core.server.app import create_app
from xrm_core.server.assembly import Platform
from xrm_core.server.trusted_documents import load_trusted_documents
from xrm_core.settings import load_settings
from xrm_core.storage.engines import Database

NAMES = "query Names($first: Int) { customers(first: $first) { nodes { name } } }"
MAKE = 'mutation Make { createCustomer(input: {name: "Made"}) { name } }'


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two documents, one of them in a folder inside."""
    place = tmp_path / "documents"
    (place / "inner").mkdir(parents=True)
    (place / "names.graphql").write_text(NAMES)
    (place / "inner" / "make.graphql").write_text(MAKE)
    (place / "readme.txt").write_text("no document")
    return place


@contextmanager
def serving(database: Database, tmp_path: Path, **settings: Any) -> Iterator[Any]:
    """Ask a server with these settings: POST of a body, or GET of parameters."""
    world = build(database, tmp_path)
    world.create("admin", "customer", {"name": "A"})
    with world.database.begin() as connection:
        tokens.set_roles(connection, world.users["anna"], ["admin"])
        token = tokens.create_token(connection, world.users["anna"], "test")
    chosen = load_settings(database_url=database.url.render_as_string(False), **settings)
    platform = Platform(chosen, Plugins(), world.model, world.records.tables, database, world.records, world.authority)
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/graphql-response+json"}
    with TestClient(create_app(platform), headers=headers) as http:

        def ask(content: dict[str, Any], method: str = "POST") -> Any:
            if method == "GET":
                return http.get("/graphql", params=content)
            return http.post("/graphql", json=content)

        yield ask


def code(answer: Any) -> tuple[int, str]:
    [error] = answer.json()["errors"]
    return answer.status_code, error["extensions"]["code"]


@pytest.mark.parametrize("form", ["folder", "relay", "apollo"])
def test_documents_are_asked_for_by_their_id(form: str, folder: Path, database: Database, tmp_path: Path) -> None:
    # Given documents as files, or in the manifest of a compiler
    place = folder
    if form != "folder":
        place = tmp_path / "manifest.json"
        operations = [{"id": digest(text), "body": text, "name": "x", "type": "query"} for text in (NAMES, MAKE)]
        relay = {each["id"]: each["body"] for each in operations}
        apollo = {"format": "apollo-persisted-query-manifest", "version": 1, "operations": operations}
        place.write_text(json.dumps(relay if form == "relay" else apollo))
    found = {"data": {"customers": {"nodes": [{"name": "A"}]}}}
    with serving(database, tmp_path, documents=place) as ask:
        # When they are asked for in each of the ways, then they are answered
        for content in (
            {"documentId": digest(NAMES), "variables": {"first": 1}},
            {"documentId": f"sha256:{digest(NAMES)}"},
            {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": digest(NAMES)}}},
            {"query": NAMES},
        ):
            assert ask(content).json() == found
        assert ask({"documentId": digest(NAMES), "variables": '{"first": 1}'}, "GET").json() == found
        # And mutations still want POST
        assert code(ask({"documentId": digest(MAKE)}, "GET")) == (405, "MUTATION_BY_GET")
        assert ask({"documentId": digest(MAKE)}).json() == {"data": {"createCustomer": {"name": "Made"}}}
        assert code(ask({"documentId": digest("{ __typename }")})) == (400, "DOCUMENT_UNKNOWN")


def test_where_only_these_are_taken_all_others_are_refused(folder: Path, database: Database, tmp_path: Path) -> None:
    with serving(database, tmp_path, documents=folder, only_trusted_documents=True) as ask:
        assert "data" in ask({"documentId": digest(NAMES)}).json()
        persisted = {"persistedQuery": {"version": 1, "sha256Hash": digest("{ __typename }")}}
        for content in ({"query": "{ __typename }"}, {"query": NAMES}, {"query": ""}):
            assert code(ask(content)) == (403, "DOCUMENT_NOT_TRUSTED")
            assert code(ask(content, "GET")) == (403, "DOCUMENT_NOT_TRUSTED")
        # Apollo's way to register a document
        assert code(ask({"query": "{ __typename }", "extensions": persisted})) == (400, "DOCUMENT_UNKNOWN")
        assert code(ask({"documentId": ["x"], "query": "{ __typename }"})) == (403, "DOCUMENT_NOT_TRUSTED")
        assert code(ask({"documentId": "../names.graphql"})) == (400, "DOCUMENT_UNKNOWN")
        assert code(ask({})) == (422, "BAD_REQUEST")


@pytest.mark.parametrize("text", ["[1]", "{", '{"a": 1}', '{"operations": [{"id": "a"}]}', '{"operations": [1]}'])
def test_what_is_no_manifest_is_refused_at_the_start(text: str, tmp_path: Path) -> None:
    place = tmp_path / "manifest.json"
    place.write_text(text)
    with pytest.raises(SettingsError, match=r"XRM_DOCUMENTS|there is no document"):
        load_trusted_documents(place, only=True)


def test_only_trusted_documents_of_which_there_is_none_is_a_mistake(tmp_path: Path) -> None:
    for place in (None, tmp_path, tmp_path / "nowhere"):
        with pytest.raises(SettingsError, match="XRM_"):
            load_trusted_documents(place, only=True)


def test_the_cost_is_told_to_whoever_asks(database: Database, tmp_path: Path) -> None:
    query = "query ($n: Int) { customers(first: $n) { nodes { children(first: 3) { nodes { id } } } } }"
    with serving(database, tmp_path) as ask:
        content = {"query": query, "variables": {"n": 7}}
        told = ask({**content, "extensions": {"cost": True}}).json()
        fields = [
            {"path": ["customers", "nodes", "children"], "points": 21},
            {"path": ["customers"], "points": 7},
        ]
        assert told["extensions"] == {"cost": {"requested": 28, "limit": 250_000, "fields": fields}}
        assert told["data"] == ask(content).json()["data"]
        assert "extensions" not in ask(content).json()
        assert "extensions" not in ask({**content, "extensions": {"cost": False}}).json()
        assert code(ask({**content, "extensions": {"cost": "yes"}})) == (422, "BAD_REQUEST")
        assert ask({"query": MAKE, "extensions": {"cost": True}}).json() == {
            "data": {"createCustomer": {"name": "Made"}},
            "extensions": {
                "cost": {"requested": 11, "limit": 250_000, "fields": [{"path": ["createCustomer"], "points": 11}]}
            },
        }
        refused = ask({**content, "variables": {"n": 1000}, "query": query.replace("3", "300")})
        assert "extensions" not in refused.json()
        refused = ask(
            {**content, "variables": {"n": 1000}, "query": query.replace("3", "300"), "extensions": {"cost": True}}
        ).json()
        assert refused["extensions"]["cost"]["requested"] == 301_000
        assert refused["errors"][0]["extensions"]["details"]["cost"] == 301_000
