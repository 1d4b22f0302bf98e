"""``pg_dump`` and ``pg_restore``: schemas of a PostgreSQL database → a file, and back in one transaction."""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from psycopg.conninfo import make_conninfo

from xrm_core.storage.backup.manifest import BackupFailed
from xrm_core.storage.engines import Database

_LOCK_WAIT = "60s"
_WORDS = 300


class PostgresTools:
    """The programs that come with PostgreSQL.

    Args:
        folder: where they are; None: the first on the PATH.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def require(self, server: int) -> None:
        """Raise BackupFailed unless they are there and know a server of this major version."""
        for name in ("pg_dump", "pg_restore"):
            version = self.version(name)
            if version < server:
                raise BackupFailed(
                    f"{name} is of PostgreSQL {version}, the server of {server}.",
                    hint=f"Install the client programs of PostgreSQL {server}, and name their folder by "
                    "XRM_POSTGRES_BIN.",
                )

    def version(self, name: str) -> int:
        """The major version of a program. Raises BackupFailed: it is not there."""
        found = re.search(r"\(PostgreSQL\) (\d+)", self._run(name, ["--version"]))
        if found is None:
            raise BackupFailed(f"{self._path(name)} does not say which version it is.")
        return int(found[1])

    def dump(self, database: Database, schemas: Iterable[str], snapshot: str, file: Path) -> None:
        """Write schemas into a file that only its owner may read, as a snapshot sees them. Raises BackupFailed."""
        os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        chosen = [f'--schema="{schema}"' for schema in schemas]
        words = ["--format=custom", "--no-owner", "--no-privileges", f"--snapshot={snapshot}", f"--file={file}"]
        self._run("pg_dump", [*words, f"--lock-wait-timeout={_LOCK_WAIT}", *chosen, *_target(database)], database)

    def restore(self, database: Database, file: Path, present: str) -> None:
        """Bring all of a file back, or nothing.

        Args:
            database: where to.
            file: the dump.
            present: a schema that is there already.

        Raises:
            BackupFailed: it cannot be brought back.
        """
        content = self._run("pg_restore", ["--list", str(file)]).splitlines(keepends=True)
        made = re.compile(rf"\d+; \d+ \d+ (SCHEMA - {re.escape(present)} |COMMENT - SCHEMA {re.escape(present)} )")
        with tempfile.NamedTemporaryFile("w", suffix=".list") as chosen:
            chosen.writelines(line for line in content if not made.match(line))
            chosen.flush()
            words = ["--exit-on-error", "--single-transaction", "--no-owner", "--no-privileges"]
            words += [f"--use-list={chosen.name}", *_target(database)]
            self._run("pg_restore", [*words, str(file)], database)

    def _path(self, name: str) -> str:
        found = shutil.which(name, path=None if self._folder is None else str(self._folder))
        if found is None:
            raise BackupFailed(
                f"The program {name} is not {'on the PATH' if self._folder is None else f'in {self._folder}'}.",
                hint="Install the client programs of PostgreSQL, or name their folder by XRM_POSTGRES_BIN.",
            )
        return found

    def _run(self, name: str, words: Sequence[str], database: Database | None = None) -> str:
        environment = dict(os.environ)
        password = None if database is None else _arguments(database).get("password")
        if password is not None:
            environment["PGPASSWORD"] = str(password)  # others on this machine can read the words of a command
        done = subprocess.run(  # noqa: S603 - our own words
            [self._path(name), *words],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
        if done.returncode:
            # Its first line is about the reason; those that follow may quote rows.
            reason = done.stderr.strip().splitlines()[:1]
            raise BackupFailed(
                f"{name} failed: {''.join(reason)[:_WORDS]}", hint="Nothing of it was kept. Mend that and try again."
            )
        return done.stdout


def _arguments(database: Database) -> dict[str, Any]:
    """What libpq calls the parts of the URL."""
    return {**database.url.translate_connect_args(username="user", database="dbname"), **database.url.query}


def _target(database: Database) -> list[str]:
    arguments = {name: value for name, value in _arguments(database).items() if name != "password"}
    return [f"--dbname={make_conninfo(**arguments)}"]
