"""PostgreSQL's extensions that the platform needs: made where they are missing, in a schema that outlives tenants."""

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from xrm_core.errors import XrmError

_ADVISORY_LOCK = 0x78726D02  # «xrm» 2: tenants of one database may be made at the same time

SCHEMA = "xrm_extensions"
"""Where extensions go that the platform makes itself: the schema of a tenant would take them along when it goes."""


class ExtensionMissing(XrmError):
    """PostgreSQL lacks an extension, and the platform may not make it."""

    code = "EXTENSION_MISSING"
    http_status = 503


def extension(connection: Connection, name: str) -> str:
    """The schema of an extension as it stands in SQL; the extension is made if it is missing.

    Raises:
        ExtensionMissing: it cannot be made.
    """
    where = text(
        "SELECT n.nspname FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace "
        "WHERE e.extname = :name"
    )
    quote = connection.dialect.identifier_preparer.quote
    connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_ADVISORY_LOCK})")
    found = connection.execute(where, {"name": name}).scalar()
    if found is None:
        try:
            connection.exec_driver_sql(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")
            connection.exec_driver_sql(f"CREATE EXTENSION {quote(name)} WITH SCHEMA {SCHEMA}")
        except DBAPIError as error:
            raise ExtensionMissing(
                f"PostgreSQL's extension {name} is missing and cannot be made.",
                hint=f"Install the package postgresql-contrib where PostgreSQL runs, or let an administrator of the "
                f"database run: CREATE SCHEMA IF NOT EXISTS {SCHEMA}; CREATE EXTENSION {name} WITH SCHEMA {SCHEMA};",
            ) from error
        found = SCHEMA
    return quote(str(found))
