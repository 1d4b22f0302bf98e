"""Keys of sealed values are destroyed by a job: after the commit that makes it right, and again until it is done."""

import hashlib
import json
from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import Connection

from xrm_core.jobs.context import JobContext, JobFailed
from xrm_core.jobs.enqueue import enqueue
from xrm_core.jobs.registry import JobHandler
from xrm_core.records.sealing import store_of
from xrm_core.storage.sealed_tables import mark_of

NAME = "destroy_keys"
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


def destroying() -> JobHandler:
    """What does it."""
    return JobHandler(NAME, _destroy, attempts=_ATTEMPTS)


def _destroy(job: JobContext, payload: Mapping[str, Any]) -> Mapping[str, Any]:
    subject, classes = payload.get("subject"), payload.get("classes")
    if not isinstance(subject, str) or not isinstance(classes, list | None):
        raise JobFailed('It is not said whose keys: {"subject": ID, "classes": null or a list}.', retry=False)
    with job.read() as connection:
        mark = mark_of(connection)
    if mark is None:
        return {"keys": 0}  # nothing was ever sealed here
    return {"keys": store_of(job.records).destroy(mark, subject, classes)}
