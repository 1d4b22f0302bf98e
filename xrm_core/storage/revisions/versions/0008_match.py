"""PostgreSQL's function that tells how well a record fits a search; connections to SQLite bring their own."""

from alembic import op

from xrm_core.storage.matching_postgresql import FUNCTION, create_match

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the function, and the extension that it calls."""
    if op.get_bind().dialect.name == "postgresql":
        create_match(op.get_bind())


def downgrade() -> None:
    """Drop the function; others may use the extension."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute(f"DROP FUNCTION {FUNCTION}")
