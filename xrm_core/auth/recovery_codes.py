"""Recovery codes: in place of a code of the second factor, once each, for who has lost the device."""

import secrets

from sqlalchemy import Connection, delete, func, insert, select

from xrm_core.auth.tokens import digest
from xrm_core.storage.system import RECOVERY_CODE

COUNT = 10

_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that look like others
_GROUPS, _GROUP = 4, 4  # 79 bits: the digest cannot be guessed back


def make_codes(connection: Connection, user_id: str) -> list[str]:
    """New codes of a user; those before are void. They can never be read again."""
    connection.execute(delete(RECOVERY_CODE).where(RECOVERY_CODE.c.user_id == user_id))
    codes = ["-".join(_group() for _ in range(_GROUPS)) for _ in range(COUNT)]
    rows = [{"user_id": user_id, "code_hash": digest(_plain(code))} for code in codes]
    connection.execute(insert(RECOVERY_CODE), rows)
    return codes


def use_code(connection: Connection, user_id: str, code: str) -> bool:
    """Use a code up; False if it is none of the user's. Upper case, blanks and hyphens do not matter."""
    mine = delete(RECOVERY_CODE).where(
        RECOVERY_CODE.c.user_id == user_id, RECOVERY_CODE.c.code_hash == digest(_plain(code))
    )
    return connection.execute(mine).rowcount == 1


def remove_codes(connection: Connection, user_id: str) -> None:
    """Remove a user's codes."""
    connection.execute(delete(RECOVERY_CODE).where(RECOVERY_CODE.c.user_id == user_id))


def codes_left(connection: Connection, user_id: str) -> int:
    """How many codes a user has."""
    mine = select(func.count()).select_from(RECOVERY_CODE).where(RECOVERY_CODE.c.user_id == user_id)
    return int(connection.scalar(mine) or 0)


def _group() -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(_GROUP))


def _plain(code: str) -> str:
    return "".join(code.lower().replace("-", "").split())
