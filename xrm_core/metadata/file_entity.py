"""What can be asked about a file in filters, in the form of an entity: so that the one filter language asks it."""

from types import MappingProxyType

from xrm_core.metadata.model import Entity, Field
from xrm_core.metadata.types import FieldType

FILE = Entity(
    "xrm_file",
    "xrm_files",
    MappingProxyType(
        {
            field.name: field
            for field in (
                Field("name", FieldType.TEXT, required=True, description="Name of the file."),
                Field("media_type", FieldType.TEXT, required=True, description="What it is: application/pdf."),
                Field("size", FieldType.INTEGER, required=True, description="Size in bytes."),
                Field("sha256", FieldType.TEXT, required=True, description="SHA-256 of the content, 64 hex digits."),
            )
        }
    ),
)
"""Not an entity of any model: it has no access of its own, whoever may read the field may read the file."""

FILTERED = ("name", "media_type", "size")
"""The fields of it that filters have."""
