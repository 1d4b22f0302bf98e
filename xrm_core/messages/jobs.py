"""The jobs of the outbox."""

from collections.abc import Mapping
from typing import Any

from xrm_core.jobs.context import JobContext
from xrm_core.jobs.registry import JobHandler, Schedule
from xrm_core.messages.handing_over import HandingOver
from xrm_core.messages.mail import mail_channel
from xrm_core.messages.outbox import remove_ended
from xrm_core.messages.rechecking import RECHECK, recheck_all
from xrm_core.messages.registry import registered_messages
from xrm_core.messages.sending import JOB, MOST_ATTEMPTS
from xrm_core.messages.watching import Watching
from xrm_core.plugins import Plugins
from xrm_core.settings import Settings

RETENTION = "message_retention"
RETRY_SECONDS = 30.0
_AT_A_TIME = 500


def message_jobs(settings: Settings, plugins: Plugins) -> tuple[list[JobHandler], list[Schedule]]:
    """What hands messages over, and what removes those that have ended long ago.

    Raises:
        PluginLoadError: a plugin registers a kind or a channel that cannot be used.
    """
    registry, mail = registered_messages(plugins), mail_channel(settings)
    channels = {**registry.channels, **({} if mail is None else {mail.name: mail})}
    watching = Watching(settings.tracking_hosts, strict=settings.remote_pictures == "strip")
    handing_over = HandingOver(registry, channels, watching)
    handlers = [
        JobHandler(JOB, handing_over.run, MOST_ATTEMPTS, RETRY_SECONDS, handing_over.gave_up),
        JobHandler(RECHECK, recheck_all, attempts=3),
        JobHandler(RETENTION, lambda job, _: _remove(job, settings.job_days)),
    ]
    return handlers, [Schedule(RETENTION, RETENTION, "30 0 * * *", "UTC")]


def _remove(job: JobContext, days: int) -> Mapping[str, Any]:
    removed, more = 0, days > 0
    while more:
        with job.transaction() as connection:
            gone = remove_ended(connection, days, _AT_A_TIME)
        removed += gone
        more = gone == _AT_A_TIME
    return {"removed": removed}
