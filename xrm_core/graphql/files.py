"""The type ``File`` and its filter: the same for every field that holds a file."""

from collections.abc import Callable
from typing import Any, get_args

import strawberry

from xrm_core import naming
from xrm_core.graphql import builder
from xrm_core.graphql.builder import InputType, ObjectType
from xrm_core.graphql.meanings import FileFieldPart
from xrm_core.graphql.types import Types
from xrm_core.metadata.file_entity import FILE, FILTERED
from xrm_core.metadata.model import Field
from xrm_core.query.request import FilePart

_DESCRIPTIONS: dict[str, tuple[Any, str]] = {
    "id": (strawberry.ID, "Identifier; a field of another record takes it, too."),
    "name": (str, "Name of the file."),
    "media_type": (str, "What it is, e.g. application/pdf."),
    "size": (int, "Size in bytes."),
    "sha256": (str, "SHA-256 of the content, 64 hex digits."),
    "version": (int, "1; one more than that of the file of which it was stored as a version."),
    "state": (
        str,
        "ready; pending: it is being scanned; quarantined: a scan has found something. Only ready ones are sent.",
    ),
    "url": (str, "Path on this server at which the content is; it needs the same token."),
}


def file_type(types: Types) -> ObjectType:
    """``File``, made when the first field needs it."""
    found: ObjectType | None = types.shared.get("File")
    if found is None:
        found = types.shared["File"] = builder.object_type("File", "A file in a field of a record.")
        for part in get_args(FilePart):
            type_, description = _DESCRIPTIONS[part]
            builder.add(found, naming.camel(part), type_, description)
            types.meanings.add("File", naming.camel(part), FileFieldPart(part))
        types.know(found)
    return found


def file_filter(types: Types, operators: Callable[[Field], InputType]) -> InputType:
    """``FileFilter``. ``operators`` gives the input of a scalar field."""
    found: InputType | None = types.shared.get("FileFilter")
    if found is None:
        found = types.shared["FileFilter"] = builder.input_type("FileFilter", "All conditions given must hold.")
        for name in FILTERED:
            builder.add(found, naming.camel(name), operators(FILE[name]) | None, FILE[name].description)
        builder.add(found, "isNull", bool | None, "True: there is no file. False: there is one.")
    return found
