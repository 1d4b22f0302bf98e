"""What indexes for searches need: trigrams, and letters without accents (PostgreSQL; SQLite has both built in)."""

from alembic import op

from xrm_core.storage.exclusive import run
from xrm_core.storage.extensions import extension
from xrm_core.storage.search_index import EXTENSION
from xrm_core.storage.search_text import FUNCTION, function_sql

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the extension and the function."""
    connection = op.get_bind()
    if connection.dialect.name == "postgresql":
        extension(connection, EXTENSION)
        run(connection, function_sql())


def downgrade() -> None:
    """Drop the function; the extension may be others', too."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute(f"DROP FUNCTION {FUNCTION}(text)")
