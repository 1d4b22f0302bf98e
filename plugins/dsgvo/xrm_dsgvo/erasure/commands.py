"""``xrm dsgvo erasures`` and ``resume``: how runs of erasures stand, and that one goes on."""

import json
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import typer

from xrm_core.api import Command, CommandContext
from xrm_dsgvo.erasure.approving import let_go_on
from xrm_dsgvo.erasure.parts import Progress

_RUNS = """{ erasureRuns(first: 200, orderBy: [{id: DESC}]) {
  nodes { id status trigger ranAt backupClearOn progress } } }"""


def erasures(
    context: CommandContext,
    status: Annotated[str | None, typer.Option(help="Only those with this status, such as failed.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print it for programs.")] = False,
) -> None:
    """The last 200 plans of erasure: status, how far they are, and what stands in their way. No content."""
    with context.read() as connection:
        nodes = context.query_as_system(connection, _RUNS)["erasureRuns"]["nodes"]
    found = [each for each in _told(nodes) if status in (None, each["status"])]
    if as_json:
        typer.echo(json.dumps(found, indent=2))
        return
    for each in found:
        typer.echo(f"{each['id']}  {each['status']:24} {each['percent']:3} %  {each['trigger']}")
        for failure in each["failures"]:
            where = " ".join(filter(None, (failure["entity"], failure["record"])))
            typer.echo(f"    {failure['step']}: {failure['code']} {where}".rstrip())
    if not found:
        typer.echo("There are none.")


def resume(context: CommandContext, run: Annotated[str, typer.Argument(help="Id of the run.")]) -> None:
    """Let an erasure go on that has failed, once what stood in its way is mended, or whose job is gone."""
    with context.transaction() as connection:
        writing: Any = context.within(connection)
        let_go_on(writing, run)
    typer.echo(f"{run} goes on by a job.")


def commands() -> list[Command]:
    """The commands."""
    return [
        Command("erasures", erasures, "How plans and runs of erasures stand."),
        Command("resume", resume, "Let an erasure go on that has failed."),
    ]


def _told(nodes: list[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    for each in nodes:
        progress = Progress.of(each["progress"])
        yield {
            "id": each["id"],
            "status": each["status"],
            "trigger": each["trigger"],
            "ranAt": each["ranAt"],
            "backupClearOn": each["backupClearOn"],
            "percent": 100 if str(each["status"]).startswith("complete") else progress.percent(),
            "failures": progress.failures,
        }
