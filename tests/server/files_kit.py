"""A small office with files, and people who ask for them over HTTP."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import func, select
from starlette.testclient import TestClient

from tests.records.kit import Pack
from tests.shared_tables import tables_of
from xrm_core.auth.tokens import create_token, set_roles
from xrm_core.metadata.loader import load_texts
from xrm_core.permissions import policy
from xrm_core.permissions.authority import Authority
from xrm_core.permissions.caller import system
from xrm_core.permissions.fitting import put_first
from xrm_core.plugins import Plugins
from xrm_core.records.door import Records
from xrm_core.server.app import create_app
from xrm_core.server.assembly import Platform
from xrm_core.settings import load_settings
from xrm_core.storage.apply import apply
from xrm_core.storage.engines import Database
from xrm_core.storage.file_tables import FILE, FILE_CHUNK

MAX_BYTES = 600_000
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 40
PDF = b"%PDF-1.7\n" + b"x" * 90
FILES: dict[str, dict[str, Any]] = {
    "user": {"properties": {"name": {"type": "string"}}},
    "contract": {
        "x-ownership": "user",
        "required": ["title"],
        "properties": {
            "title": {"type": "string"},
            "paper": {"x-type": "file", "x-media-types": ["application/pdf", "text/plain"], "x-max-bytes": 500_000},
            "photo": {"x-type": "file", "x-media-types": ["image/*"], "x-max-bytes": 100},
        },
    },
    "memo": {"properties": {"text": {"type": "string"}, "scan": {"x-type": "file"}}},
}
ROLES = {
    "roles": {"admin": {}, "rep": {}, "clerk": {}, "guest": {}},
    "rules": {"own": {"owner": {"id": {"eq": "$user"}}}},
}
POLICIES = """role,entity,action,fields,rule,effect
admin,*,*,*,,allow
rep,contract,*,*,own,allow
rep,memo,create,*,,allow
rep,memo,read,*,,allow
clerk,contract,read,*,,allow
clerk,contract,read,paper,,deny
clerk,contract,update,title,,allow
guest,user,read,*,,allow
"""
PACK = Pack(FILES, ROLES, POLICIES)
PEOPLE = {"admin": "admin", "rep": "rep", "ben": "rep", "clerk": "clerk", "guest": "guest"}


class Office:
    """A server; people are called like their roles, and a second rep «ben»."""

    def __init__(self, http: TestClient, platform: Platform, tokens: dict[str, str]) -> None:
        self.http, self.platform, self.tokens = http, platform, tokens
        self.database, self.records = platform.database, platform.records

    def headers(self, who: str, **more: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.tokens[who]}", **more}

    def upload(self, who: str, content: bytes, media_type: str = "application/pdf", name: str = "a.pdf") -> Any:
        headers = self.headers(who, **{"Content-Type": media_type})
        return self.http.post("/files", content=content, params={"name": name}, headers=headers)

    def uploaded(self, who: str, content: bytes = PDF, media_type: str = "application/pdf") -> str:
        answer = self.upload(who, content, media_type)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def download(self, who: str, file_id: str) -> Any:
        return self.http.get(f"/files/{file_id}", headers=self.headers(who))

    def ask(self, who: str, query: str, **variables: Any) -> Any:
        body = {"query": query, "variables": variables}
        return self.http.post("/graphql", json=body, headers=self.headers(who)).json()

    def contract(self, who: str, **values: Any) -> str:
        query = "mutation($input: CreateContractInput!) { createContract(input: $input) { id } }"
        answer = self.ask(who, query, input={"title": "x", **values})
        assert "errors" not in answer, answer
        return str(answer["data"]["createContract"]["id"])

    def counts(self) -> tuple[int, int]:
        """How many files and chunks there are."""
        with self.database.read() as connection:
            files = connection.scalar(select(func.count()).select_from(FILE)) or 0
            return files, connection.scalar(select(func.count()).select_from(FILE_CHUNK)) or 0


@contextmanager
def opened(
    database: Database,
    folder: Path,
    plugins: Plugins | None = None,
    *,
    pack: Pack = PACK,
    people: Mapping[str, str] = PEOPLE,
    **more: Any,
) -> Iterator[Office]:
    """The office on an empty database; ``people`` have a role each, ``more`` are settings."""
    texts = [
        (f"{name}.json", json.dumps({"x-entity": name, "type": "object", **body}), "core")
        for name, body in pack.files.items()
    ]
    model = load_texts(texts)
    (folder / "roles.json").write_text(json.dumps(pack.roles))
    (folder / "policies.csv").write_text(pack.policies)
    authority = Authority(model, policy.load([folder], model))
    apply(database, model, along=lambda connection, _model: put_first(connection, authority.policies))
    records = Records(model, tables_of(model), plugins or Plugins())
    with database.begin() as connection:
        ids = records.create_many(connection, system(model, "test"), "user", [{"name": name} for name in people])
        tokens = {}
        for (name, role), id_ in zip(people.items(), ids, strict=True):
            set_roles(connection, id_, [role])
            tokens[name] = create_token(connection, id_, "test")
    settings = load_settings(database_url=database.url.render_as_string(False), max_file_bytes=MAX_BYTES, **more)
    platform = Platform(settings, plugins or Plugins(), model, records.tables, database, records, authority)
    with TestClient(create_app(platform)) as http:
        yield Office(http, platform, tokens)
