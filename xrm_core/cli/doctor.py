"""``xrm doctor``."""

import json
from dataclasses import asdict

import typer

from xrm_core.cli.options import AsJson, DatabaseUrl, Schemas

_COLOURS = {"ok": "green", "warning": "yellow", "failed": "red"}


def doctor(as_json: AsJson = False, schemas: Schemas = None, database: DatabaseUrl = None) -> None:
    """Look whether an installation is well: settings, databases, keys, mail; with how to mend what is not."""
    from xrm_core.cli.failures import FAILED, printable
    from xrm_core.cli.workplace import start
    from xrm_core.server.doctor.doctor import examine, worst
    from xrm_core.server.doctor.findings import State

    found = list(examine(start(schemas, database)))
    if as_json:
        state = worst(found)
        typer.echo(json.dumps({"state": state, "findings": [asdict(each) for each in found]}, ensure_ascii=False))
    else:
        for each in found:
            typer.secho(f"{each.state:8}", fg=_COLOURS[each.state], nl=False)
            typer.echo(printable(f"{each.check}: {each.says}"))
            if each.remedy:
                typer.echo(printable(f"        → {each.remedy}"))
    if worst(found) is State.FAILED:
        raise typer.Exit(FAILED)
