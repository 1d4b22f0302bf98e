"""What it costs an upload to come sealed: the same pieces, and the same record, sealed and in clear, in turns.

    python bench/uploads.py                  # SQLite in a temporary folder; about a minute
    python bench/uploads.py postgresql://…   # in this database, which must be empty

Shown is how many times as long it takes sealed as in clear, in the middle of all rounds, and the least and the greatest
of a round: to send the pieces, to make the file of them, and to attach it to a field that is sealed, or is not.
"""

import json
import secrets
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import BinaryIO, cast

from xrm_core.metadata.loader import load_texts
from xrm_core.permissions.access import full_access
from xrm_core.permissions.caller import User
from xrm_core.plugins import Plugins
from xrm_core.records import uploads
from xrm_core.records.door import Records
from xrm_core.sealed.key_store import KeyStore
from xrm_core.server.file_intake import sealed_on_its_way
from xrm_core.storage.apply import apply
from xrm_core.storage.contents import Kept
from xrm_core.storage.engines import Database
from xrm_core.storage.file_store import new_id
from xrm_core.storage.tables import Tables

ROUNDS, PIECES, PIECE = 15, 8, 1024 * 1024


def make(database: Database, folder: Path) -> Records:
    """The door of a model of reports with two files, one of which is sealed."""
    properties = {"finding": {"x-type": "file", "x-sealed": {"class": "art9"}}, "cover": {"x-type": "file"}}
    body = {"x-entity": "report", "type": "object", "properties": properties}
    model = load_texts([("report.json", json.dumps(body), "core")])
    apply(database, model)
    keys = KeyStore(f"sqlite:///{folder / 'keys' / 'sealed.db'}", secrets.token_urlsafe(40))
    return Records(model, Tables(model), Plugins(), key_store=keys)


def upload(database: Database, records: Records, caller: User, field: str, sealed: bool | None) -> dict[str, float]:
    """Seconds of each step of a file in pieces that is attached to a field."""
    took: dict[str, float] = {}

    @contextmanager
    def timed(what: str) -> Iterator[None]:
        began = time.perf_counter()
        yield
        took[what] = time.perf_counter() - began

    content, files = secrets.token_bytes(PIECES * PIECE), records.files
    with timed("pieces"):
        with database.begin() as connection:
            said = {
                "name": "a.bin",
                "media_type": None,
                "size": len(content),
                "sha256": None,
                "max_bytes": len(content),
            }
            now = uploads.begin(connection, files, caller, **said, sealed=sealed)
        for number in range(PIECES - 1):
            with database.begin() as connection:
                now = uploads.append(connection, files, now, content[number * PIECE : (number + 1) * PIECE])
    with timed("file"), SpooledTemporaryFile() as spool:
        whole = cast(BinaryIO, spool)
        file, wanted = uploads.gather(database, files, now, content[-PIECE:], whole)
        with (
            sealed_on_its_way(files, database, file, whole, wanted) as (stored, hidden),
            database.begin() as connection,
        ):
            uploads.finish(connection, files, caller, now, stored, Kept(hidden), 0)
    with timed(f"record, {'sealed' if field == 'finding' else 'other'} field"), database.begin() as connection:
        records.create(connection, caller, "report", {field: file.id})
    took[f"all, {'sealed' if field == 'finding' else 'other'} field"] = sum(took.values())
    return took


def main(url: str, folder: Path) -> None:
    """Measure, and print the ratios."""
    database = Database(url)
    records = make(database, folder)
    caller = User(new_id(), full_access(records.model))
    ratios: dict[str, list[float]] = {}
    for number in range(ROUNDS + 1):
        for field in ("finding", "cover"):
            pair = [
                upload(database, records, caller, field, sealed)
                for sealed in ((None, False), (False, None))[number % 2]
            ]
            sealed, clear = pair if number % 2 == 0 else reversed(pair)
            for what in sealed if number else ():  # the first warms up
                ratios.setdefault(what, []).append(sealed[what] / clear[what])
    database.close()
    for what, found in ratios.items():
        print(f"{what:22} {statistics.median(found):5.2f}  ({min(found):.2f} … {max(found):.2f})")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        main(sys.argv[1] if len(sys.argv) > 1 else f"sqlite:///{Path(temporary) / 'data.db'}", Path(temporary))
