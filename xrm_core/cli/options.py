"""Options that every command takes."""

from pathlib import Path
from typing import Annotated

import typer

Schemas = Annotated[
    Path | None,
    typer.Option(
        "--schemas",
        metavar="DIR",
        help="Folder or name of the pack. Default: $XRM_SCHEMAS, ./schemas if it has files, else core.",
        show_default=False,
    ),
]
DatabaseUrl = Annotated[
    str | None,
    typer.Option(
        "--database",
        metavar="URL",
        help="sqlite:///path or postgresql://…  Default: $XRM_DATABASE_URL, else a file in $XRM_DATA_DIR (./xrm-data).",
        show_default=False,
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
Accept = Annotated[
    list[str] | None,
    typer.Option(
        "--accept", metavar="OP", help="Consent to a lossy operation, as the plan names it.", show_default=False
    ),
]
