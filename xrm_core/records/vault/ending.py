"""The end of what lies in the vault."""

from sqlalchemy import delete, select

from xrm_core.records.vault.deposits import Deposit, Writing, rows_of
from xrm_core.storage.vault_tables import VAULT, VAULT_FILE


def erase_in_vault(context: Writing, deposit: str) -> Deposit:
    """Erase a deposit for good, with its files; values of the change log that lie there do not come back either.

    Args:
        context: as of :func:`~xrm_core.records.vault.move_to_vault`.
        deposit: its id.

    Returns:
        What was erased.

    Raises:
        KeyError: there is no such deposit.
    """
    connection = context.connection
    counts: dict[str, int] = {}
    for row in rows_of(connection, deposit):
        counts[row.entity] = counts.get(row.entity, 0) + 1
    mine = select(VAULT.c.id).where(VAULT.c.deposit == deposit)
    kept = select(VAULT_FILE.c.file_id).where(VAULT_FILE.c.vault_id.in_(mine))
    files = sorted({str(id_) for id_ in connection.scalars(kept)})
    connection.execute(delete(VAULT).where(VAULT.c.deposit == deposit))
    if files:
        context.records.files.erase(connection, files)
    return Deposit(deposit, counts)
