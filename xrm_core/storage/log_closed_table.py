"""How far the values of the change log are closed."""

from sqlalchemy import CheckConstraint, Column, Integer, PrimaryKeyConstraint, Table

from xrm_core.storage.columns import String, Whole
from xrm_core.storage.system import METADATA

LOG_CLOSED = Table(
    "xrm_log_closed",
    METADATA,
    Column("id", Integer, nullable=False),
    Column("position", Whole, nullable=False),
    Column("fields", String, nullable=False),
    PrimaryKeyConstraint("id", name="pk_xrm_log_closed"),
    CheckConstraint("id = 1", name="ck_xrm_log_closed_id"),
    sqlite_strict=True,
)
"""One row as soon as something was closed. Up to ``position`` the log has no value in clear of ``fields``: a JSON list
of ``entity.field``. If one is to be closed that is not among them, it begins from the first position again.
"""
