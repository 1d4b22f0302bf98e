"""What becomes of the policies when the command line changes a model."""

from sqlalchemy import Connection

from xrm_core.auth.events import Event, record
from xrm_core.metadata.model import Model
from xrm_core.permissions.fitting import put_along, put_first, put_former, require_fitting
from xrm_core.permissions.in_force import Along as WithPolicies
from xrm_core.permissions.in_force import PolicyChange
from xrm_core.server.assembly import pack_policies
from xrm_core.settings import Settings
from xrm_core.storage.engines import Database, is_missing
from xrm_core.storage.save_change import Along


def policies_along(settings: Settings, database: Database, model: Model, *, take_packs: bool = False) -> Along:
    """What to do along with a change to ``model``: a database without policies gets the pack's, others must fit.

    Args:
        settings: say where the pack is.
        database: as it is before the change, which may take long: so what would refuse it at its end does so now.
        model: of the pack's files.
        take_packs: put the pack's policies in force in the place of those that are.

    Raises:
        SchemaChangeRefused: the policies in force would not fit.
        PolicyInvalid: those of the pack do not.
    """
    offered = pack_policies(settings, model)
    if not take_packs and not is_missing(settings.database_url):
        with database.read() as connection:
            require_fitting(connection, model)

    def along(connection: Connection, new: Model) -> None:
        if take_packs and offered is not None:
            put_along(connection, offered, note="with a schema change")
        else:
            put_first(connection, offered)
        require_fitting(connection, new)

    return along


def noted(note: str) -> WithPolicies:
    """Keep the event of a change of policies by the command line, with it."""

    def keep(connection: Connection, change: PolicyChange) -> None:
        if not change.is_empty:
            details = {"note": note}
            record(connection, Event.PERMISSIONS_CHANGED, subject=str(change.number), details=details)

    return keep


def former_policies_along(connection: Connection, new: Model) -> None:
    """What to do along with a step back, if the newest policies that fit the former model shall be in force then.

    Raises:
        SchemaChangeRefused: none do.
    """
    put_former(connection, new)
    require_fitting(connection, new)
