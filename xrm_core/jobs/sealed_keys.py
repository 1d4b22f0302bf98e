"""Keys of sealed values are destroyed by a job: after the commit that makes it right, and again until it is done."""

import hashlib
import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from sqlalchemy import Connection

from xrm_core.jobs.context import JobContext, JobFailed
from xrm_core.jobs.enqueue import MAX_PAYLOAD, enqueue
from xrm_core.jobs.registry import JobHandler
from xrm_core.records.sealing import store_of
from xrm_core.storage.sealed_tables import mark_of

NAME = "destroy_keys"
_AT_ONCE = 1_000
_MOST_BYTES = MAX_PAYLOAD - 1_024
_ATTEMPTS = 30
"""With an hour between the later ones, a key store may be away for a day."""


def destroy_keys(connection: Connection, subject: str, classes: Collection[str] | None = None) -> str:
    """Have the keys of a subject destroyed once the transaction is committed; if it is rolled back, they stay.

    What they have sealed cannot be read any more then, wherever it lies, and nothing more is sealed for the subject.

    Args:
        connection: in the write transaction that erases.
        subject: the id of the record whose values they are.
        classes: of what; None: of all, also of what is to come.

    Returns:
        The id of the job; it is done when the keys are gone.
    """
    named = None if classes is None else sorted(set(classes))
    said = json.dumps([subject, named])
    key = hashlib.sha256(said.encode()).hexdigest()  # asked for twice, it is done once
    return enqueue(connection, NAME, {"subject": subject, "classes": named}, key=f"{NAME}:{key}")


def destroy_many_keys(connection: Connection, keys: Iterable[tuple[str, Collection[str] | None]]) -> None:
    """The same for many subjects, each with classes, or None: all; by as few jobs as may be."""
    for some in _portions([subject, None if classes is None else sorted(set(classes))] for subject, classes in keys):
        key = hashlib.sha256(json.dumps(some).encode()).hexdigest()
        enqueue(connection, NAME, {"keys": some}, key=f"{NAME}:{key}")


def _portions(said: Iterable[list[Any]]) -> Iterator[list[list[Any]]]:
    """What one job has the room for, in each."""
    some: list[list[Any]] = []
    size = 0
    for each in said:
        length = len(json.dumps(each, ensure_ascii=False).encode()) + 2
        if some and (len(some) >= _AT_ONCE or size + length > _MOST_BYTES):
            yield some
            some, size = [], 0
        some.append(each)
        size += length
    if some:
        yield some


def destroying() -> JobHandler:
    """What does it."""
    return JobHandler(NAME, _destroy, attempts=_ATTEMPTS, forgets=True)


def _destroy(job: JobContext, payload: Mapping[str, Any]) -> Mapping[str, Any]:
    keys = payload.get("keys", [[payload.get("subject"), payload.get("classes")]])
    right = isinstance(keys, list) and all(isinstance(each, list) and len(each) == 2 for each in keys)
    if not right or not all(isinstance(whose, str) and isinstance(of, list | None) for whose, of in keys):
        raise JobFailed('It is not said whose keys: {"subject": ID, "classes": null or a list}.', retry=False)
    with job.read() as connection:
        mark = mark_of(connection)
    if mark is None:
        return {"keys": 0}  # nothing was ever sealed here
    return {"keys": store_of(job.records).destroy_many(mark, keys)}
