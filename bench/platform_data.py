"""The data set in the platform's own tables: made by ``xrm schema apply``, filled in bulk below the write door."""

import hashlib
import os
import sqlite3
import subprocess
import uuid
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import dataset
from servers import HERE, PGPORT, TOKENS, WORK, xrm

_ENTITY = {"users": "user", "companies": "company", "contacts": "contact", "opportunities": "opportunity"}
_SYSTEM = ["created_at", "updated_at", "version"]
_MONEY = {"annual_revenue", "amount"}


def load_postgresql(database: str) -> None:
    """Make and fill the platform's tables in an empty database."""
    import psycopg

    _apply(f"postgresql://postgres@127.0.0.1:{PGPORT}/{database}")
    with psycopg.connect(
        host="127.0.0.1", port=PGPORT, user="postgres", dbname=database, autocommit=True
    ) as connection:
        for table, columns, rows in _rows(lambda text: text):
            names = ", ".join(f'"{column}"' for column in columns)
            with connection.cursor() as cursor, cursor.copy(f'COPY "{table}" ({names}) FROM STDIN') as target:
                for row in rows:
                    target.write_row(row)
        connection.execute("VACUUM ANALYZE")


def load_sqlite(path: Path) -> None:
    """Make and fill the platform's tables in a new file."""
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    _apply(f"sqlite:///{path}")
    connection = sqlite3.connect(path)
    for table, columns, rows in _rows(_scaled):
        names, places = ", ".join(f'"{column}"' for column in columns), ", ".join("?" * len(columns))
        connection.executemany(f'INSERT INTO "{table}" ({names}) VALUES ({places})', rows)
    connection.execute("ANALYZE")
    connection.commit()
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


def _apply(url: str) -> None:
    env = {**os.environ, "PYTHONPATH": str(HERE.parent), "XRM_DATA_DIR": str(WORK / "xrm-data")}
    subprocess.run([*xrm("schema", "apply"), "--database", url], check=True, env=env)


def _scaled(text: str) -> int:
    """Decimals are whole hundredths on SQLite."""
    return int(Decimal(text).scaleb(2))


def _rows(money: Any) -> Iterator[tuple[str, list[str], Iterator[tuple[Any, ...]]]]:
    """Each table with its columns and rows, users' roles and tokens at the end."""
    users: list[str] = []
    for table, rows in dataset.rows():
        columns = dataset.COLUMNS[table]
        own = [column for column in columns if column != "created_at"]
        yield _ENTITY[table], [*own, *_SYSTEM], _records(columns, rows, money, users if table == "users" else None)
    owners = list(zip(TOKENS, users, strict=False))
    yield "xrm_user_role", ["user_id", "role"], ((user, role) for role, user in owners)
    yield (
        "xrm_token",
        ["id", "token_hash", "user_id", "label", "created_at"],
        (
            (str(uuid.UUID(int=number, version=4)), _digest(TOKENS[role]), user, role, dataset.EPOCH.isoformat())
            for number, (role, user) in enumerate(owners)
        ),
    )


def _records(
    columns: list[str], rows: Iterator[tuple[Any, ...]], money: Any, ids: list[str] | None
) -> Iterator[tuple[Any, ...]]:
    epoch = dataset.EPOCH.isoformat()
    for row in rows:
        record = dict(zip(columns, row, strict=True))
        created = record.pop("created_at", epoch)
        if ids is not None:
            ids.append(record["id"])
        values = (money(value) if column in _MONEY else value for column, value in record.items())
        yield (*values, created, created, 1)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
