"""A practice with reports, of which one file is sealed and one is not."""

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import select

from tests.records.kit import Pack
from tests.server.files_kit import Office, opened
from tests.storage.content_kit import BUCKET, client
from xrm_core.permissions.caller import system
from xrm_core.records.context import Context
from xrm_core.sealed.key_store import keys_of
from xrm_core.server.content_stores import content_stores
from xrm_core.storage.engines import Database
from xrm_core.storage.file_store import StoredFile
from xrm_core.storage.file_tables import CHUNK_BYTES, FILE, FILE_CHUNK

SEALED = {"x-sealed": {"subject": "contact", "class": "art9"}}
FILES: dict[str, dict[str, Any]] = {
    "user": {"properties": {"name": {"type": "string"}}},
    "contact": {"properties": {"name": {"type": "string"}}},
    "report": {
        "properties": {
            "title": {"type": "string"},
            "contact": {"x-relation": {"to": "contact", "inverse": "reports", "on_delete": "set_null"}},
            "finding": {"x-type": "file", "x-media-types": ["text/plain"], "x-max-bytes": 400_000, **SEALED},
            "cover": {"x-type": "file"},
        },
    },
}
ROLES: dict[str, Any] = {"roles": {"admin": {}, "dsb": {}, "clerk": {}}}
POLICIES = """role,entity,action,fields,rule,effect
admin,*,*,*,,allow
dsb,*,*,*,,allow
dsb,xrm_sealed,read,*,,allow
clerk,report,create,*,,allow
clerk,report,read,*,,allow
"""
PACK = Pack(FILES, ROLES, POLICIES)
PEOPLE = {"admin": "admin", "dsb": "dsb", "clerk": "clerk"}
CANARY = "Känarie im Befund".encode()
PACKED = gzip.compress(CANARY, mtime=0)
CONTENT = CANARY + b" " * CHUNK_BYTES + PACKED.hex().encode() + CANARY
COLUMNS = tuple(StoredFile.__dataclass_fields__)
SECRET = "a key of the tests 0123456789 abcdefgh"


class Practice(Office):
    """The office with reports."""

    endpoint = ""

    def contact(self, name: str = "Anna") -> str:
        query = "mutation($n: String!) { createContact(input: {name: $n}) { id } }"
        return str(self.ask("admin", query, n=name)["data"]["createContact"]["id"])

    def report(self, who: str = "admin", **values: Any) -> str:
        answer = self.tried(who, **values)
        assert "errors" not in answer, answer
        return str(answer["data"]["createReport"]["id"])

    def tried(self, who: str = "admin", **values: Any) -> Any:
        return self.ask(
            who, "mutation($i: CreateReportInput!) { createReport(input: $i) { id } }", i={"title": "x", **values}
        )

    def filed(self, content: bytes = CONTENT, who: str = "admin", sealed: str | None = "false", **more: str) -> str:
        query = {"name": "Känarie.txt", **more} | ({} if sealed is None else {"sealed": sealed})
        headers = self.headers(who, **{"Content-Type": "text/plain"})
        answer = self.http.post("/files", content=content, params=query, headers=headers)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def raw(self) -> bytes:
        """All that lies anywhere of files."""
        content_stores(self.platform.settings).of("").sweep(self.database)
        with self.database.read() as connection:
            rows = repr(connection.execute(select(FILE)).all()).encode()
            chunks = [bytes(each) for each in connection.scalars(select(FILE_CHUNK.c.content))]
        return b"".join([rows, *chunks, *self.outside()])

    def outside(self) -> Iterator[bytes]:
        [place, *_] = [*self.platform.settings.files, ""]
        if place.startswith("/"):
            yield from (each.read_bytes() for each in Path(place).rglob("*") if each.is_file())
        elif place:
            for each in client(self.endpoint).list_objects_v2(Bucket=BUCKET).get("Contents", []):
                yield client(self.endpoint).get_object(Bucket=BUCKET, Key=each["Key"])["Body"].read()

    def context(self, connection: Any) -> Context:
        return Context(self.records, connection, system(self.platform.model, "test"), ("action", "mk.restrict"))


def practice_at(database: Database, folder: Path, **more: Any) -> Iterator[Practice]:
    url = f"sqlite:///{folder / 'keys' / 'sealed.db'}"
    more = {"key_store_url": url, "secret_key": SECRET, **more}
    with opened(database, folder, pack=PACK, people=PEOPLE, **more) as office:
        office.records.key_store = keys_of(office.platform.settings)
        office.records.stores = content_stores(office.platform.settings)
        yield Practice(office.http, office.platform, office.tokens)
        office.records.key_store.close()
