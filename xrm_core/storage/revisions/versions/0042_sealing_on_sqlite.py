"""On SQLite, what is not sealed yet is found without an index of its own."""

import sqlalchemy as sa
from alembic import op

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None

_NAME, _WHERE = "ix_xrm_change_unsealed", sa.text("position IS NULL")


def upgrade() -> None:
    """Drop it there."""
    if op.get_bind().dialect.name == "sqlite":
        op.drop_index(_NAME, "xrm_change")


def downgrade() -> None:
    """Make it again."""
    if op.get_bind().dialect.name == "sqlite":
        op.create_index(_NAME, "xrm_change", ["id"], sqlite_where=_WHERE)
