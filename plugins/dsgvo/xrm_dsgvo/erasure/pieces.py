"""What is kept of a run, in pieces: a field has only so much room, and a run may be about any number of records."""

import base64
import json
import zlib
from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import Any

from xrm_core.api import Record, erase_values
from xrm_dsgvo import own
from xrm_dsgvo.own import Looking, Writing

PART = "erasure_plan_part"
_SIZE = 90_000
_MOST = 1_000


class Piece(StrEnum):
    """What a piece is of.

    ``PLAN``: the plan and what was decided for it. ``CANDIDATES``: records that may be the person's and are not in it.
    ``KEYS``: which are destroyed at the end. ``MADE``: records in which nobody is, to which links lead. ``KNOWN``: what
    the person is known by, sealed.
    """

    PLAN = "plan"
    CANDIDATES = "candidates"
    KEYS = "keys"
    MADE = "made"
    KNOWN = "known"


WITH_IDS = (Piece.CANDIDATES, Piece.KEYS, Piece.MADE, Piece.KNOWN)
"""What is needed until a run is done, and no longer; of the plan itself a list without ids stays."""


def put(context: Writing, run: str, piece: Piece, content: Any) -> None:
    """Keep it in place of what was kept before.

    Args:
        context: writes.
        run: its id.
        piece: of what.
        content: as JSON can say it.
    """
    end(context, run, piece)
    packed = base64.b64encode(zlib.compress(_json(content))).decode()
    for position, start in enumerate(range(0, len(packed), _SIZE)):
        _create(context, run, piece, position, packed[start : start + _SIZE])


def get(context: Looking, run: str, piece: Piece) -> Any:
    """What was kept by :func:`put`; None: nothing was."""
    packed = "".join(str(each["content"]) for each in _parts(context, run, piece))
    return json.loads(zlib.decompress(base64.b64decode(packed))) if packed else None


def add(context: Writing, run: str, piece: Piece, items: Iterable[Any]) -> None:
    """Keep more items beside those that are kept: a few, as one part of a run has them."""
    if found := list(items):
        last = max((int(each["position"]) for each in _parts(context, run, piece)), default=-1)
        _create(context, run, piece, last + 1, base64.b64encode(zlib.compress(_json(found))).decode())


def items(context: Looking, run: str, piece: Piece) -> Iterator[Any]:
    """All that were kept by :func:`add`."""
    for each in _parts(context, run, piece):
        yield from json.loads(zlib.decompress(base64.b64decode(str(each["content"]))))


def end(context: Writing, run: str, *pieces: Piece) -> None:
    """Keep it no longer, also not in the change log."""
    for piece in pieces:
        while found := _parts(context, run, piece):
            for each in found:
                own.delete(context, PART, str(each["id"]))
                erase_values(context, PART, str(each["id"]))


def _create(context: Writing, run: str, piece: Piece, position: int, content: str) -> None:
    own.create(context, PART, {"run": run, "kind": piece.value, "position": position, "content": content})


def _parts(context: Looking, run: str, piece: Piece) -> list[Record]:
    of = {"run": {"id": {"eq": run}}, "kind": {"eq": piece.value}}
    return sorted(context.find(PART, of, _MOST), key=lambda each: int(each["position"]))


def _json(content: Any) -> bytes:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
