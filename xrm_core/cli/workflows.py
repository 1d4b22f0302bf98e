"""``xrm workflows``: which there are, whether they fit, what they have done, and what is dead."""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from xrm_core.cli.options import AsJson, DatabaseUrl, Schemas

if TYPE_CHECKING:
    from xrm_core.workflows.runs import Run

app = typer.Typer(help="Workflows: what they are, what they have done, what failed.", no_args_is_help=True)

_COLUMNS = ("id", "workflow", "state", "entity", "record_id", "step", "attempts", "due_at", "error")


@app.command("list")
def list_workflows(schemas: Schemas = None, database: DatabaseUrl = None) -> None:
    """List the workflows of the files, and how many runs of each there are in each state."""
    from xrm_core.cli.account_lists import aligned
    from xrm_core.cli.workplace import opened
    from xrm_core.server.workflow_files import workflows_of
    from xrm_core.workflows import runs

    with opened(schemas, database) as workplace, workplace.database.read() as connection:
        found = workflows_of(workplace.settings, workplace.plugins)
        counts = runs.counts(connection)
    rows = [["workflow", "layer", "entity", "begins by", "role", "runs"]]
    for each in found:
        told = ", ".join(f"{number} {state}" for state, number in counts.get(each.name, {}).items())
        rows.append([each.name, each.layer, each.entity, each.happens, each.role or "(system)", told or "none"])
    for line in aligned(rows):
        typer.echo(line)


@app.command()
def check(schemas: Schemas = None, database: DatabaseUrl = None) -> None:
    """Check the workflow files, and count the records for which the condition of each holds now. Nothing is begun."""
    from xrm_core.cli.workplace import opened
    from xrm_core.server.workflow_files import workflows_of
    from xrm_core.workflows import matching
    from xrm_core.workflows.rights import Rights

    with opened(schemas, database) as workplace:
        workplace.check_applied()
        found, records, rights = workflows_of(workplace.settings, workplace.plugins), workplace.records, Rights()
        with workplace.database.read() as connection:
            for each in found:
                caller = rights.caller(records, connection, each, (), workplace.settings.time_zone)
                number = matching.count(records, connection, caller, each.entity, each.where)
                typer.echo(f"{each.name}: the condition holds for {number} records of {each.entity} now")
    typer.echo(f"{len(found)} workflows are in order.")


@app.command("runs")
def list_runs(
    schemas: Schemas = None,
    database: DatabaseUrl = None,
    workflow: Annotated[str | None, typer.Option(help="Only runs of this workflow.", show_default=False)] = None,
    state: Annotated[
        str | None, typer.Option(help="Only these: ready, waiting, done, dead or gone.", show_default=False)
    ] = None,
    limit: Annotated[int, typer.Option(help="At most so many, the newest.", min=1, max=10_000)] = 50,
    as_json: AsJson = False,
) -> None:
    """List runs of workflows, the newest first."""
    from xrm_core.cli.account_lists import aligned
    from xrm_core.cli.workplace import opened_database
    from xrm_core.errors import SettingsError
    from xrm_core.workflows import runs

    if state is not None and state not in set(runs.RunState):
        raise SettingsError(f"There is no state {state!r}.", hint=f"States are: {', '.join(runs.RunState)}.")
    with opened_database(schemas, database) as found, found.read() as connection:
        kept = runs.runs(connection, workflow=workflow, state=state, limit=limit)
    if as_json:
        for run in kept:
            typer.echo(json.dumps(_shown(run)))
        return
    rows = [["" if value is None else str(value) for value in map(_shown(run).get, _COLUMNS)] for run in kept]
    for line in aligned([list(_COLUMNS), *rows]):
        typer.echo(line)


@app.command()
def retry(
    run_id: Annotated[str, typer.Argument(metavar="ID", help="Id of the run, as «xrm workflows runs» shows it.")],
    schemas: Schemas = None,
    database: DatabaseUrl = None,
) -> None:
    """Let a dead run be tried again, from the step that has failed."""
    from xrm_core.cli.workplace import opened_database
    from xrm_core.errors import NotFound
    from xrm_core.workflows import runs

    with opened_database(schemas, database) as found, found.begin() as connection:
        run = runs.retry(connection, known) if (known := _id(run_id)) else None
    if run is None:
        raise NotFound(f"There is no dead run {run_id[:80]!r}.", hint="«xrm workflows runs --state dead» lists them.")
    typer.echo("It is ready; a worker goes on with it.")


@app.command()
def cancel(
    run_id: Annotated[str, typer.Argument(metavar="ID", help="Id of the run, as «xrm workflows runs» shows it.")],
    schemas: Schemas = None,
    database: DatabaseUrl = None,
) -> None:
    """Let a run that is ready or waits go no further: it is dead, with CANCELLED. What it has done stays."""
    from xrm_core.cli.workplace import opened_database
    from xrm_core.errors import NotFound
    from xrm_core.workflows import runs

    with opened_database(schemas, database) as found, found.begin() as connection:
        run = runs.cancel(connection, known) if (known := _id(run_id)) else None
    if run is None:
        raise NotFound(f"There is no run {run_id[:80]!r} that is under way.", hint="«xrm workflows runs» lists them.")
    typer.echo("It goes no further. «xrm workflows retry» would have it go on.")


def _id(text: str) -> str | None:
    from uuid import UUID

    try:
        return str(UUID(text))
    except ValueError:
        return None


def _shown(run: "Run") -> dict[str, Any]:
    shown = asdict(run)
    del shown["program"]
    return {**shown, "state": run.state.value, "causes": [list(each) for each in run.causes]}
