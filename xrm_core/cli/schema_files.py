"""``xrm schema layers`` and ``xrm schema pull``: which file says what, and files of what a database has."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from xrm_core.cli.options import DatabaseUrl, Schemas

if TYPE_CHECKING:
    from xrm_core.metadata.model import Entity, Source


def layers(
    entity: Annotated[
        str | None, typer.Argument(help="Show this entity only, with all its fields.", show_default=False)
    ] = None,
    schemas: Schemas = None,
    database: DatabaseUrl = None,
) -> None:
    """Show the layers of the model, and which file defines, extends and tightens what."""
    from xrm_core.cli.workplace import start
    from xrm_core.errors import SettingsError
    from xrm_core.metadata.layers import ranked
    from xrm_core.metadata.structure import nearest
    from xrm_core.server.assembly import find_plugins, read_layers, read_model

    settings = start(schemas, database)
    plugins = find_plugins(settings)
    model = read_model(settings, plugins)
    if entity is not None and entity not in model:
        raise SettingsError(f"There is no entity {entity}.", hint=nearest(entity, model.entities).strip())
    if entity is not None:
        typer.echo("\n".join(_fields(model[entity])))
        return
    for layer, _ in ranked(read_layers(settings, plugins)):
        typer.echo(f"{layer.kind:10} {layer.name:20} {layer.folder or ''}".rstrip())
    for found in model:
        own = found.source.layer
        others = {
            at.layer for field in found.fields.values() for at in (field.source, *field.tightened) if at.layer != own
        }
        more = f"  extended by {', '.join(sorted(others))}" if others else ""
        typer.echo(f"{found.name:30} {own}{more}")


def _fields(entity: "Entity") -> list[str]:
    width = max(map(len, (entity.name, *entity.fields)))
    lines = [f"{entity.name:{width}}  {_place(entity.source)}"]
    for field in entity.fields.values():
        tighter = "".join(f"; tightened by {_place(at)}" for at in field.tightened)
        lines.append(f"{field.name:{width}}  {_place(field.source)}{tighter}")
    return lines


def _place(source: "Source") -> str:
    return f"{source.layer}  {source.file}:{source.line}"


def pull(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder to write to; it must be new or empty.")],
    schemas: Schemas = None,
    database: DatabaseUrl = None,
) -> None:
    """Write the model that the database has as entity files, all layers in one pack."""
    from xrm_core.cli.workplace import start
    from xrm_core.errors import ModelOutOfDate
    from xrm_core.metadata.reading import PACK_FILE
    from xrm_core.metadata.writer import files_of, json_text
    from xrm_core.storage.applied import current_model
    from xrm_core.storage.engines import Database

    settings = start(schemas, database)
    opened = Database(settings.database_url)
    try:
        with opened.read() as connection:
            model = current_model(connection)
    finally:
        opened.close()
    if model is None:
        raise ModelOutOfDate("The database has no model yet.", hint="Run «xrm schema apply» first.")
    pack = {"pack": "pulled", "kind": "core", "description": f"The model {model.fingerprint} of a database."}
    files = files_of(model)
    _write(folder, {PACK_FILE: json_text(pack), **files})
    typer.echo(f"{len(files)} {'entity' if len(files) == 1 else 'entities'} written to {folder}.")


def _write(folder: Path, files: Mapping[str, str]) -> None:
    from xrm_core.errors import SettingsError

    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise SettingsError(f"The folder {folder} is not empty.", hint="Name a new one.")
        for name, text in files.items():
            (folder / name).write_text(text, "utf-8")
    except OSError as error:
        raise SettingsError(f"Cannot write to {folder}: {error.strerror}.", hint="Name another folder.") from error
