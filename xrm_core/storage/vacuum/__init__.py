"""Former values leave the files of a database, not only its rows: free space, indexes, PostgreSQL's log of changes."""

from xrm_core.storage.vacuum.result import Vacuumed
from xrm_core.storage.vacuum.vacuuming import vacuum

__all__ = ["Vacuumed", "vacuum"]
