"""The startup and the shutdown of an application, as a server asks for them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from starlette.types import ASGIApp


@asynccontextmanager
async def alive(app: ASGIApp) -> AsyncIterator[None]:
    """An application that is up inside, and down after it."""
    asked: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    told: asyncio.Queue[Any] = asyncio.Queue()
    running = asyncio.create_task(app({"type": "lifespan", "state": {}}, asked.get, told.put))

    async def answer_to(question: str) -> None:
        asked.put_nowait({"type": f"lifespan.{question}"})
        answer = asyncio.create_task(told.get())
        await asyncio.wait((answer, running), return_when=asyncio.FIRST_COMPLETED)
        assert answer.done(), running
        assert answer.result()["type"] == f"lifespan.{question}.complete"

    await answer_to("startup")
    try:
        yield
    finally:
        await answer_to("shutdown")
        await running
