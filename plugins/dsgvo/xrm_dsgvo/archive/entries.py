"""What lies in the archive: for each record the names of its fields, why, and until when. No values."""

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any
from uuid import uuid4

from xrm_core.api import Record, SealingUnavailable, bring_back, destroy_many_keys, erase_in_vault, move_to_vault
from xrm_dsgvo import own
from xrm_dsgvo.own import Writing
from xrm_dsgvo.paging import every

ENTRY, USE = "archive_entry", "archive_use"
Key = tuple[str, str]
_AT_ONCE = 500
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Reason(StrEnum):
    """Why something is kept: the ``law`` demands it, a ``dispute``, a legal ``hold``; or the purpose of the record has
    ended (``purpose_end``) and its period has not.
    """

    LAW = "law"
    DISPUTE = "dispute"
    HOLD = "hold"
    PURPOSE_END = "purpose_end"


CLAIMS = (Reason.DISPUTE, Reason.HOLD)
"""For these no law keeps what is there from answers: § 34(1) no. 2(a) BDSG is about what the law alone keeps."""


@dataclass(frozen=True, slots=True)
class Ground:
    """Why values are kept, by which norm or for what, and the last day; None: nobody knows it yet."""

    reason: Reason
    basis: str = ""
    until: date | None = None


def put(context: Writing, key: Key, values: Mapping[str, Any], ground: Ground) -> int:
    """Move values of a record into the archive, under a key that nothing else has; answers how many.

    Args:
        context: writes.
        key: the record.
        values: field → what stands there instead.
        ground: why.
    """
    if not values:
        return 0
    sealed_for = str(uuid4())  # so that it joins what is kept neither with the person nor with each other
    try:
        deposit = move_to_vault(context, sealed_for, (), {key: values}, searched=False)
    except SealingUnavailable:  # said before anything is moved: it stays where it is
        return 0
    entry = {
        "entity_name": key[0],
        "record_id": key[1],
        "reason": ground.reason.value,
        "basis": ground.basis[:300] or None,
        "until": ground.until and ground.until.isoformat(),
        "field_names": " ".join(sorted(values)),
        "deposit": deposit.id,
        "sealed_for": sealed_for,
        "since": own.now(),
    }
    own.create(context, ENTRY, entry)
    return len(values)


def of_records(context: Writing, keys: Iterable[Key]) -> list[Record]:
    """The entries of records, the oldest first; what is no id at all has none."""
    wanted = {key for key in keys if _ID.fullmatch(key[1])}
    ids = sorted({id_ for _, id_ in wanted})
    found: list[Record] = []
    for start in range(0, len(ids), _AT_ONCE):
        of = {"record_id": {"in": ids[start : start + _AT_ONCE]}}
        found += (each for each in every(context, ENTRY, of) if key_of(each) in wanted)
    return sorted(found, key=lambda each: str(each["id"]))


def key_of(entry: Mapping[str, Any]) -> Key:
    """The record that it is about."""
    return str(entry["entity_name"]), str(entry["record_id"])


def names_of(entry: Mapping[str, Any]) -> frozenset[str]:
    """The fields whose values it has."""
    return frozenset(str(entry["field_names"]).split())


def come_back(context: Writing, entry: Mapping[str, Any]) -> bool:
    """Bring all back that an entry has, and end the entry; False: nobody can open it any more, and it has ended."""
    try:
        refusal = context.attempt(lambda: bring_back(context, str(entry["deposit"])))
    except KeyError:  # a backup may have the one without the other
        end(context, [entry])
        return False
    if refusal is None:
        _forget(context, entry)
    elif refusal.code == "SEALED_KEY_DESTROYED":
        end(context, [entry])
    else:
        raise refusal
    return refusal is None


def end(context: Writing, entries: Iterable[Mapping[str, Any]]) -> None:
    """Erase what they have, and have their keys destroyed."""
    keys = []
    for entry in entries:
        with suppress(KeyError):  # a backup may have one without the other
            erase_in_vault(context, str(entry["deposit"]))
        own.delete(context, ENTRY, str(entry["id"]))
        keys.append((str(entry["sealed_for"]), None))
    destroy_many_keys(context.connection, keys)


def ground_of(entry: Mapping[str, Any]) -> Ground:
    """Why it is kept."""
    until = None if entry["until"] is None else date.fromisoformat(str(entry["until"])[:10])
    return Ground(Reason(str(entry["reason"])), str(entry["basis"] or ""), until)


def _forget(context: Writing, entry: Mapping[str, Any]) -> None:
    own.delete(context, ENTRY, str(entry["id"]))
    destroy_many_keys(context.connection, [(str(entry["sealed_for"]), None)])
