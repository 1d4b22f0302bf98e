"""Alembic's entry: runs the revisions on the connection, and in the transaction, that the caller has begun."""

from alembic import context

from xrm_core.storage.system import VERSION_TABLE

context.configure(connection=context.config.attributes["connection"], version_table=VERSION_TABLE)
context.run_migrations()
