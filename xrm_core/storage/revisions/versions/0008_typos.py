"""PostgreSQL's function that counts typos; connections to SQLite bring their own."""

from alembic import op

from xrm_core.storage.typos_postgresql import FUNCTIONS, create_typos

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the functions, and the extension that they call."""
    if op.get_bind().dialect.name == "postgresql":
        create_typos(op.get_bind())


def downgrade() -> None:
    """Drop the functions; others may use the extension."""
    if op.get_bind().dialect.name == "postgresql":
        for name in FUNCTIONS:
            op.execute(f"DROP FUNCTION {name}")
