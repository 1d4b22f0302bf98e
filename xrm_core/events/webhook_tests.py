"""A test of a webhook: a job that sends its receiver an event which is about nothing."""

import datetime as dt
import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection
from uuid_utils import uuid7

from xrm_core.errors import NotFound
from xrm_core.events import webhook_deliveries
from xrm_core.events.webhook_gates import held_back_by
from xrm_core.events.webhook_posting import Sent, Signed
from xrm_core.events.webhook_sending import WebhookSource
from xrm_core.events.webhooks import webhook
from xrm_core.jobs import clock
from xrm_core.jobs.context import JobContext, JobFailed
from xrm_core.jobs.enqueue import enqueue
from xrm_core.jobs.registry import JobHandler

JOB = "webhook_test"
TYPE = "xrm.webhook.test"
"""Of the event."""


def enqueue_test(connection: Connection, id_: str) -> str:
    """Have a worker send a test, also while the webhook is paused; answers the id of the event. Raises NotFound.

    Args:
        connection: in a write transaction.
        id_: of the webhook.
    """
    webhook(connection, id_)
    event = f"test_{uuid7()}"
    enqueue(connection, JOB, {"webhook": id_, "event": event}, key=f"test {id_}", replace=True)
    return event


def test_job(source: WebhookSource) -> JobHandler:
    """What sends it, once: what came of it stands among the deliveries, and counts for nothing else."""

    def send(job: JobContext, payload: Mapping[str, Any]) -> Mapping[str, Any]:
        with job.read() as connection:
            try:
                hook = webhook(connection, payload["webhook"])
            except NotFound:
                raise JobFailed("The webhook was deleted.", retry=False) from None
            keys = source.keys(hook, clock.now(connection))
            held_back = held_back_by(connection, job.records, hook.wanted.url)
        event = {
            "specversion": "1.0",
            "id": payload["event"],
            "source": f"urn:xrm:{job.tenant or 'main'}",
            "type": TYPE,
            "time": dt.datetime.now(dt.UTC).isoformat(),
            "datacontenttype": "application/json",
            "data": {"webhook": hook.id, "name": hook.wanted.name},
        }
        signed = Signed(hook.wanted.url, payload["event"], json.dumps(event).encode(), keys)
        sent = Sent(None, held_back, 0.0) if held_back else signed.post(source.outgoing, job.tenant)
        result = {"status": sent.status, "error": sent.error}
        with job.transaction() as connection:
            webhook_deliveries.note(connection, hook.id, payload["event"], None, job.attempt, sent)
            job.finish(connection, result)
        return result

    return JobHandler(JOB, send, attempts=1)
