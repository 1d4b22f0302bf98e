"""Tables that are described once for each model: to describe them, and to compile statements about them, takes longer
than most of what tests do with them.

``tests/shared_statements.py`` keeps statements by the tables that are in them, so they are found again only for the
same ones.
"""

from copy import copy

from xrm_core.metadata.model import Model
from xrm_core.storage.kept_statements import KeptStatements
from xrm_core.storage.tables import Tables

_MADE: dict[str, Tables] = {}


def tables_of(model: Model) -> Tables:
    """The tables of a model, for reading and writing records; what is kept of statements is the caller's own."""
    if model.fingerprint not in _MADE:
        _MADE[model.fingerprint] = Tables(model)
    tables = copy(_MADE[model.fingerprint])
    tables.model, tables.statements = model, KeptStatements()
    return tables
