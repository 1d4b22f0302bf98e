"""``xrm schema layers`` and ``xrm schema pull``: which file says what, and files of what a database has."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from xrm_core.cli.options import DatabaseUrl, Schemas

if TYPE_CHECKING:
    from xrm_core.metadata.model import Entity, Model, Source


def layers(
    entity: Annotated[
        str | None, typer.Argument(help="Show this entity only, with all its fields.", show_default=False)
    ] = None,
    schemas: Schemas = None,
    database: DatabaseUrl = None,
) -> None:
    """Show the layers of the model, and which file defines, extends and tightens what."""
    from xrm_core.cli.workplace import opened
    from xrm_core.errors import SettingsError
    from xrm_core.metadata.layers import ranked
    from xrm_core.metadata.structure import nearest
    from xrm_core.server.assembly import read_layers

    with opened(schemas, database, new=True) as workplace:
        model = workplace.model
        sources = read_layers(workplace.settings, workplace.plugins, workplace.tenant_files.texts)
    if entity is not None and entity not in model:
        raise SettingsError(f"There is no entity {entity}.", hint=nearest(entity, model.entities).strip())
    if entity is not None:
        typer.echo("\n".join(_fields(model[entity])))
        return
    for layer, _ in ranked(sources):
        typer.echo(f"{layer.kind:10} {layer.name:20} {layer.folder or 'in the database'}")
    for found in model:
        own = found.source.layer
        others = found.layers - {own}
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
    everything: Annotated[
        bool, typer.Option("--all", help="Write the whole model that the database has, all layers in one pack.")
    ] = False,
    tenant_layer: Annotated[
        bool, typer.Option("--tenant-layer", help="Write the tenant layer only; this is what it does anyway.")
    ] = False,
    schemas: Schemas = None,
    database: DatabaseUrl = None,
) -> None:
    """Write the tenant layer, which is kept in the database, as a pack of files on top of the other layers."""
    from xrm_core.cli.workplace import start
    from xrm_core.errors import ModelOutOfDate, SettingsError
    from xrm_core.server.assembly import require_there
    from xrm_core.storage.applied import current_model
    from xrm_core.storage.engines import Database
    from xrm_core.storage.schema_files import schema_files

    if everything and tenant_layer:
        raise typer.BadParameter("Give --all or --tenant-layer, not both.")
    settings = start(schemas, database)
    require_there(settings)
    opened = Database(settings.database_url)
    try:
        with opened.read() as connection:
            model, tenant = current_model(connection), schema_files(connection).texts
    finally:
        opened.close()
    if model is None:
        raise ModelOutOfDate("The database has no model yet.", hint="Run «xrm schema apply» first.")
    if everything:
        files = _whole(model)
    elif tenant:
        files = {**_pack(settings.schemas, folder), **tenant}
    else:
        raise SettingsError("The database has no tenant layer.", hint="Write its whole model with --all.")
    _write(folder, files)
    typer.echo(f"{len(files) - 1} {'file' if len(files) == 2 else 'files'} and pack.json written to {folder}.")


def _whole(model: "Model") -> dict[str, str]:
    from xrm_core.metadata.keywords import words_of
    from xrm_core.metadata.reading import PACK_FILE
    from xrm_core.metadata.writer import files_of, json_text

    pack: dict[str, object] = {"pack": "pulled", "kind": "core"}
    pack["description"] = f"The model {model.fingerprint} of a database."
    if words := sorted(words_of(model)):
        pack["keywords"] = words
    return {PACK_FILE: json_text(pack), **files_of(model)}


def _pack(below: Path, folder: Path) -> dict[str, str]:
    """``pack.json`` of the tenant layer: it stands on the pack in use, by name if that comes with the platform."""
    from os.path import relpath

    from xrm_core.metadata.reading import PACK_FILE
    from xrm_core.metadata.writer import json_text
    from xrm_core.shipped import shipped_packs

    shipped = {place.resolve(): name for name, place in shipped_packs().items()}
    path = Path(relpath(below.resolve(), folder.resolve())).as_posix()
    extends = shipped.get(below.resolve(), path if path.startswith("../") else f"./{path}")
    words = {
        "pack": "pulled",
        "kind": "deployment",
        "extends": extends,
        "description": "The tenant layer of a database.",
    }
    return {PACK_FILE: json_text(words)}


def _write(folder: Path, files: Mapping[str, str]) -> None:
    from xrm_core.errors import SettingsError

    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise SettingsError(f"The folder {folder} is not empty.", hint="Name a new one.")
        for name, text in files.items():
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_text(text, "utf-8")
    except OSError as error:
        raise SettingsError(f"Cannot write to {folder}: {error.strerror}.", hint="Name another folder.") from error
