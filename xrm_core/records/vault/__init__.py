"""The vault: records and values that are out of their tables for a time, sealed, and come back as they were.

Nothing that reads tables finds them: no query, count, search, export, feed or statement of SQL. :func:`move_to_vault`
moves them there, :func:`bring_back` back; :func:`in_vault` looks at them, :func:`erase_in_vault` ends them.
"""

from xrm_core.records.vault.deposits import Deposit
from xrm_core.records.vault.ending import erase_in_vault
from xrm_core.records.vault.looking import Vaulted, in_vault
from xrm_core.records.vault.moving import move_to_vault
from xrm_core.records.vault.returning import bring_back

__all__ = ["Deposit", "Vaulted", "bring_back", "erase_in_vault", "in_vault", "move_to_vault"]
