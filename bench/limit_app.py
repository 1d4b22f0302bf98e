"""The limit: the reference SQL's JSON text over HTTP, unparsed. No GraphQL, no permissions, no validation.

An ASGI application. Environment:
    DATABASE_URL   PostgreSQL (asyncpg), or
    SQLITE_PATH    SQLite: the standard library's driver, called in the event loop itself
    LIMIT_POOL     ``pool`` (default): asyncpg's pool with its reset statement after each request, as in the baseline
                   of the peers; ``lean``: a plain list of connections, the least that can be done

Request body: ``{"role": "admin", "operation": "Q1", "arguments": […]}``.
"""

import asyncio
import os
import sqlite3
import sys
from pathlib import Path

import orjson

sys.path.insert(0, str(Path(__file__).parent))
from reference import FOR_ROLE  # noqa: E402

HEADERS = [(b"content-type", b"application/json")]
CONNECTIONS = 20

if os.environ.get("SQLITE_PATH"):
    SQL = {role: dialects["sqlite"] for role, dialects in FOR_ROLE.items()}
    connection = sqlite3.connect(os.environ["SQLITE_PATH"], isolation_level=None, cached_statements=256)
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "mmap_size=1073741824", "cache_size=-65536"):
        connection.execute(f"PRAGMA {pragma}")

    async def connect() -> None:
        """Nothing to do: the file is open."""

    async def answer(raw: bytes) -> bytes:
        """Run one operation."""
        call = orjson.loads(raw)
        rows = connection.execute(SQL[call["role"]][call["operation"]], call["arguments"]).fetchall()
        return rows[0][0].encode()

else:
    import asyncpg

    SQL = {role: dialects["postgresql"] for role, dialects in FOR_ROLE.items()}
    LEAN = os.environ.get("LIMIT_POOL") == "lean"
    pool: asyncpg.Pool
    free: asyncio.LifoQueue[asyncpg.Connection]

    async def connect() -> None:
        """Open all connections."""
        global pool, free
        if LEAN:
            free = asyncio.LifoQueue()
            for _ in range(CONNECTIONS):
                free.put_nowait(await asyncpg.connect(os.environ["DATABASE_URL"]))
        else:
            pool = await asyncpg.create_pool(os.environ["DATABASE_URL"], min_size=CONNECTIONS, max_size=CONNECTIONS)

    async def answer(raw: bytes) -> bytes:
        """Run one operation."""
        call = orjson.loads(raw)
        sql = SQL[call["role"]][call["operation"]]
        if not LEAN:
            async with pool.acquire() as connection:
                return (await connection.fetchval(sql, *call["arguments"])).encode()
        connection = await free.get()
        try:
            return (await connection.fetchval(sql, *call["arguments"])).encode()
        finally:
            free.put_nowait(connection)


async def app(scope, receive, send):
    """ASGI."""
    if scope["type"] == "lifespan":
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                await connect()
                await send({"type": "lifespan.startup.complete"})
            else:
                await send({"type": "lifespan.shutdown.complete"})
                return
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    out = await answer(body)
    length = (b"content-length", str(len(out)).encode())
    await send({"type": "http.response.start", "status": 200, "headers": [*HEADERS, length]})
    await send({"type": "http.response.body", "body": out})
