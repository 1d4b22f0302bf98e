"""Events are found by what they are about: whoever erases a record takes out what somebody has written there."""

from alembic import op

revision = "0053"
down_revision = "0048"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Find them."""
    op.create_index("ix_xrm_auth_event_subject", "xrm_auth_event", ["subject"])


def downgrade() -> None:
    """Look through all."""
    op.drop_index("ix_xrm_auth_event_subject", "xrm_auth_event")
