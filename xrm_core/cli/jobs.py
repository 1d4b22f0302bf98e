"""``xrm jobs``: what is to be done beside the requests, what was done, and what failed."""

import json
import time
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from xrm_core.cli.options import AsJson, DatabaseUrl, Schemas

if TYPE_CHECKING:
    from xrm_core.jobs.job import Job
    from xrm_core.storage.engines import Database

app = typer.Typer(help="Jobs: what is to be done, what was done, and what failed.", no_args_is_help=True)

JobId = Annotated[str, typer.Argument(metavar="ID", help="Id of the job, as «xrm jobs list» shows it.")]
Follow = Annotated[bool, typer.Option("--follow", help="Wait until it has ended, with a progress bar.")]
_LOOK_SECONDS = 0.5
_COLUMNS = ("id", "name", "state", "progress", "attempts", "due_at", "finished_at", "error")


@app.command("list")
def list_jobs(
    schemas: Schemas = None,
    database: DatabaseUrl = None,
    state: Annotated[
        str | None,
        typer.Option(help="Only these: pending, running, done, dead or cancelled.", show_default=False),
    ] = None,
    name: Annotated[str | None, typer.Option(help="Only jobs of this name.", show_default=False)] = None,
    limit: Annotated[int, typer.Option(help="At most so many, the newest.", min=1, max=10_000)] = 50,
    as_json: AsJson = False,
) -> None:
    """List jobs, the newest first, and how many there are in each state."""
    from xrm_core.cli.account_lists import aligned
    from xrm_core.cli.workplace import opened_database
    from xrm_core.errors import SettingsError
    from xrm_core.jobs import by_hand
    from xrm_core.jobs.job import State
    from xrm_core.storage.job_tables import JOB

    if state is not None and state not in set(State):
        raise SettingsError(f"There is no state {state!r}.", hint=f"States are: {', '.join(State)}.")
    only = [JOB.c.state == state] if state is not None else []
    only += [JOB.c.name == name] if name is not None else []
    with opened_database(schemas, database) as found, found.read() as connection:
        jobs = by_hand.jobs(connection, *only, limit=limit)
        counts = by_hand.counts(connection)
    if as_json:
        for job in jobs:
            typer.echo(json.dumps(shown(job)))
        return
    rows = [[_cell(shown(job).get(column)) for column in _COLUMNS] for job in jobs]
    for line in aligned([list(_COLUMNS), *rows]) if rows else ():
        typer.echo(line)
    typer.echo(", ".join(f"{count} {each}" for each, count in counts.items()))


@app.command()
def show(
    job_id: JobId,
    schemas: Schemas = None,
    database: DatabaseUrl = None,
    follow: Follow = False,
    as_json: AsJson = False,
) -> None:
    """Show a job. With --follow: wait for its end; exit code 0 if it is done, else 1."""
    from xrm_core.cli.workplace import opened_database

    with opened_database(schemas, database) as found:
        job = _followed(found, _id(job_id)) if follow else _found(found, _id(job_id))
    _print(job, as_json=as_json)
    if follow:
        _end_like(job)


@app.command()
def cancel(job_id: JobId, schemas: Schemas = None, database: DatabaseUrl = None) -> None:
    """Cancel a job: at once if it is pending; one that runs stops at its next check."""
    from xrm_core.cli.workplace import opened_database
    from xrm_core.jobs import by_hand
    from xrm_core.jobs.job import State

    with opened_database(schemas, database) as found:
        with found.begin() as connection:
            job = by_hand.cancel(connection, _id(job_id))
        if job is None:
            raise _missing(job_id)
    told = "It runs, and was told to stop." if job.state is State.RUNNING else f"It is {job.state}."
    typer.echo(told)


@app.command()
def retry(job_id: JobId, schemas: Schemas = None, database: DatabaseUrl = None) -> None:
    """Let a job that is dead or cancelled be tried again, with all its attempts."""
    from xrm_core.cli.workplace import opened_database
    from xrm_core.jobs import by_hand

    with opened_database(schemas, database) as found:
        with found.begin() as connection:
            job = by_hand.retry(connection, _id(job_id))
        if job is None:
            raise _missing(job_id)
    typer.echo("It is pending; a worker does it.")


@app.command()
def run(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Of the job: plugin.name, or one of the platform.")],
    schemas: Schemas = None,
    database: DatabaseUrl = None,
    payload: Annotated[str, typer.Option(metavar="JSON", help="What the job is given.")] = "{}",
    here: Annotated[bool, typer.Option("--here", help="Do it in this process, without a worker.")] = False,
    follow: Follow = False,
) -> None:
    """Enqueue a job now; prints its id. With --here or --follow: exit code 0 if it is done, else 1."""
    from xrm_core.cli.tenant_option import chosen_tenant
    from xrm_core.cli.workplace import start
    from xrm_core.errors import SettingsError
    from xrm_core.jobs.enqueue import enqueue
    from xrm_core.jobs.worker import Pace, do_one
    from xrm_core.sealed.key_store import keys_of
    from xrm_core.server.assembly import find_plugins, require_there
    from xrm_core.server.blueprints import asking_of
    from xrm_core.server.content_stores import content_stores
    from xrm_core.server.workers import job_registry
    from xrm_core.storage.engines import Database

    settings = start(schemas, database)
    plugins = find_plugins(settings)
    registry = job_registry(settings, plugins)
    if name not in registry.handlers:
        raise SettingsError(
            f"There is no job {name[:80]!r}.", hint=f"Jobs are: {', '.join(sorted(registry.handlers))}."
        )
    try:
        given = json.loads(payload)
    except (ValueError, RecursionError):
        given = None
    if not isinstance(given, dict):
        raise SettingsError("--payload is no JSON object.", hint="""It looks like --payload '{"days": 30}'.""")
    require_there(settings)
    found = Database(settings.database_url)
    try:
        with found.begin() as connection:
            job_id = enqueue(connection, name, given)
        typer.echo(job_id)
        if here:
            pace = Pace(lease_seconds=settings.job_lease_seconds)
            more = partial(asking_of, settings), keys_of(settings), content_stores(settings)
            do_one(found, plugins, registry, job_id, chosen_tenant(), pace, *more)
        if here or follow:
            job = _followed(found, job_id) if follow else _found(found, job_id)
            _print(job, as_json=False)
            _end_like(job)
    finally:
        found.close()


def shown(job: "Job") -> dict[str, Any]:
    """A job as it is printed: without its payload, in which there may be personal data."""
    names = ("id", "name", "state", "progress", "message", "attempts", "max_attempts", "priority", "key", "due_at")
    more = ("scheduled_for", "created_at", "started_at", "finished_at", "worker", "cancel", "owner", "result", "error")
    values = {each: getattr(job, each) for each in (*names, *more)}
    return {each: value for each, value in values.items() if value is not None and value is not False}


def _followed(database: "Database", job_id: str) -> "Job":
    from xrm_core.cli.progress import progress_bar
    from xrm_core.jobs.job import FINISHED

    job = _found(database, job_id)
    with progress_bar(job.name) as told:
        while job.state not in FINISHED:
            told(job.progress, 100)
            time.sleep(_LOOK_SECONDS)
            job = _found(database, job_id)
        told(job.progress, 100)
    return job


def _found(database: "Database", job_id: str) -> "Job":
    from xrm_core.jobs import by_hand

    with database.read() as connection:
        job = by_hand.job(connection, job_id)
    if job is None:
        raise _missing(job_id)
    return job


def _print(job: "Job", *, as_json: bool) -> None:
    from xrm_core.cli.failures import printable

    if as_json:
        typer.echo(json.dumps(shown(job)))
        return
    for name, value in shown(job).items():
        typer.echo(printable(f"{name:<14}{_cell(value)}"))


def _end_like(job: "Job") -> None:
    from xrm_core.cli.failures import FAILED
    from xrm_core.jobs.job import State

    if job.state is not State.DONE:
        raise typer.Exit(FAILED)


def _cell(value: Any) -> str:
    from xrm_core.cli.failures import printable

    if value is None:
        return ""
    return printable(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def _id(text: str) -> str:
    from uuid import UUID

    try:
        return str(UUID(text))
    except ValueError:
        raise _missing(text) from None


def _missing(text: str) -> Exception:
    from xrm_core.errors import NotFound

    return NotFound(f"There is no job {text[:60]!r}.", hint="«xrm jobs list» shows them.")
