"""What kinds of jobs a process can do, and what it does by the clock: core's own, and what plugins register."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from xrm_core.jobs import cron
from xrm_core.jobs.enqueue import NAME, payload_text
from xrm_core.jobs.job import JobInvalid
from xrm_core.plugins import Plugins

if TYPE_CHECKING:
    from xrm_core.jobs.context import JobContext
    from xrm_core.jobs.dying import JobDied

Run = Callable[["JobContext", Mapping[str, Any]], Mapping[str, Any] | None]
Dead = Callable[["JobDied", Mapping[str, Any]], object]


@dataclass(frozen=True)
class JobHandler:
    """What does the jobs of a name.

    Args:
        name: ``plugin.name``.
        run: a function of a :class:`~xrm_core.jobs.context.JobContext` and the payload. What it returns, a JSON object
            of 16 KiB at most or None, is shown to whoever may see the job: no secret and no personal data. It may be
            called again after it has run, wholly or in part: at least once, not exactly once.
        attempts: how often a job is tried before it is dead.
        retry_seconds: wait after the first attempt that failed, at most; twice as long after each further one, up to an
            hour.
        dead: a function of a :class:`~xrm_core.jobs.dying.JobDied` and the payload, called in the transaction that
            notes that no attempt is left, to show on a record that what it was for will not be done.
        forgets: whether the payload goes when the job is done: what it names together shall not be found together.
    """

    name: str
    run: Run
    attempts: int = 5
    retry_seconds: float = 10.0
    dead: Dead | None = None
    forgets: bool = False


@dataclass(frozen=True)
class Schedule:
    """Enqueues a job by the clock, in each tenant.

    Args:
        name: ``plugin.name``.
        job: name of the job.
        cron: minute, hour, day of the month, month, day of the week: ``"30 2 * * MON-FRI"``.
        zone: IANA name of a time zone; None: that of ``XRM_TIME_ZONE``.
        payload: of the job.
    """

    name: str
    job: str
    cron: str
    zone: str | None = None
    payload: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Registry:
    """Handlers and schedules by name; each schedule has a zone."""

    handlers: Mapping[str, JobHandler]
    schedules: Mapping[str, Schedule]

    @property
    def attempts(self) -> dict[str, int]:
        """How often jobs of each name are tried."""
        return {name: handler.attempts for name, handler in self.handlers.items()}


def registry(
    plugins: Plugins, zone: str, handlers: Sequence[JobHandler] = (), schedules: Sequence[Schedule] = ()
) -> Registry:
    """What core and plugins register.

    Args:
        plugins: are asked.
        zone: of schedules that name none.
        handlers: core's own.
        schedules: core's own.

    Raises:
        PluginLoadError: a plugin registers what cannot be used; names it.
    """
    done = {each.name: each for each in handlers}
    timed = {each.name: each for each in schedules}
    for plugin, handler in plugins.registered("register_jobs", JobHandler):
        _require(plugins, plugin, f"the job {handler.name!r}", _wrong_handler(plugin, handler, done))
        done[handler.name] = handler
    for plugin, schedule in plugins.registered("register_schedules", Schedule):
        _require(plugins, plugin, f"the schedule {schedule.name!r}", _wrong_schedule(plugin, schedule, timed, done))
        timed[schedule.name] = schedule
    zoned = {
        name: Schedule(name, each.job, each.cron, each.zone or zone, dict(each.payload)) for name, each in timed.items()
    }
    return Registry(done, zoned)


def _require(plugins: Plugins, plugin: str, what: str, problem: str) -> None:
    if problem:
        raise plugins.load_error(plugin, f"{what} {problem}")


def _wrong_name(plugin: str, name: object) -> str:
    if not isinstance(name, str) or not NAME.fullmatch(name):
        return "has a name that is none (a-z, 0-9 and _)"
    return "" if name.startswith(f"{plugin}.") else f"must have a name that begins with {plugin!r} and a dot"


def _wrong_handler(plugin: str, handler: JobHandler, known: Mapping[str, JobHandler]) -> str:
    if problem := _wrong_name(plugin, handler.name):
        return problem
    if handler.name in known:
        return "is registered twice"
    if not callable(handler.run) or not (handler.dead is None or callable(handler.dead)):
        return "has no function to run, or something else than a function to tell when it is dead"
    return "" if handler.attempts >= 1 and handler.retry_seconds > 0 else "has no attempt, or no wait between them"


def _wrong_schedule(
    plugin: str, schedule: Schedule, known: Mapping[str, Schedule], handlers: Mapping[str, JobHandler]
) -> str:
    if problem := _wrong_name(plugin, schedule.name):
        return problem
    if schedule.name in known:
        return "is registered twice"
    if schedule.job not in handlers:
        return f"is for the job {schedule.job!r}, which nobody registers"
    try:
        cron.check(schedule.cron, schedule.zone or "UTC")
        payload_text(schedule.job, schedule.payload)
    except cron.CronInvalid as error:
        return f"has no time: {error}"
    except JobInvalid as error:
        return f"has a payload that cannot be kept: {error.message}"
    return ""
