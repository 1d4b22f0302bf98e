"""``xrm serve``."""

from typing import Annotated

import typer

from xrm_core.cli.options import DatabaseUrl, Schemas


def serve(
    schemas: Schemas = None,
    database: DatabaseUrl = None,
    demo: Annotated[
        bool, typer.Option("--demo", help="Fill an empty database with demo data, and make a token for each role.")
    ] = False,
    host: Annotated[
        str | None, typer.Option(help="Address to listen on. Default: $XRM_HOST, else 127.0.0.1.", show_default=False)
    ] = None,
    port: Annotated[
        int | None, typer.Option(help="Port; 0 takes any free one. Default: $XRM_PORT, else 8000.", show_default=False)
    ] = None,
) -> None:
    """Serve the GraphQL API and its editor until the process is told to stop."""
    from xrm_core.cli import server_process, workplace

    settings = workplace.start(schemas, database, demo=demo or None, host=host, port=port)
    server_process.run(settings)
