"""The last step of a change on both databases: note in the system tables what has been done."""

from collections.abc import Callable

from sqlalchemy import Connection

from xrm_core.metadata.model import Model
from xrm_core.storage.applied import save_model
from xrm_core.storage.asides import write_asides
from xrm_core.storage.counters import rename_counters
from xrm_core.storage.evolution import Evolution
from xrm_core.storage.plan import Plan
from xrm_core.storage.schema_files import restore_schema_files

Along = Callable[[Connection, Model], None]
"""What is done along with a change, in its transaction: with the model that becomes the applied one."""


def save_change(connection: Connection, evolution: Evolution, plan: Plan) -> None:
    """Make the new model the current one, and remember what is aside; counters follow their fields."""
    rename_counters(connection, evolution)
    if evolution.undone is not None:
        restore_schema_files(connection, before=evolution.undone)
    save_model(connection, evolution.snapshot, plan.to_record(), reverts=evolution.undone)
    write_asides(connection, evolution.remaining)
