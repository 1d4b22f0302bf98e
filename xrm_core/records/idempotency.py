"""Changes that are done once however often they are sent: what came with an ``Idempotency-Key`` and was committed has
its answer kept in the same transaction.

The header is that of the IETF's draft ``draft-ietf-httpapi-idempotency-key-header``. The answer is encrypted with a key
that comes out of the header and is not in the database.
"""

import datetime as dt
import hashlib
import hmac
import re
import secrets
import zlib
from dataclasses import dataclass
from typing import Any, Protocol

import orjson
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy import Connection, delete, func, insert, select, update

from xrm_core.errors import XrmError
from xrm_core.permissions.caller import User
from xrm_core.query.reads import Read
from xrm_core.records.read_log import Reads
from xrm_core.storage.idempotency import IDEMPOTENCY_KEY
from xrm_core.translation import say

MAX_KEY = 255
RETRY_SECONDS = 1
"""After which a repeat may find the answer of what is under way."""

_NONCE_BYTES = 12
_QUOTED = re.compile(r'"((?:[ !#-\[\]-~]|\\["\\])*)"')
"""A string of RFC 9651 (structured fields), as the draft has it."""

_BARE = re.compile(r"[!#-+\--~]*")
"""What many clients send instead: visible characters without quotation marks or commas around them."""


class _Writing(Protocol):
    @property
    def connection(self) -> Connection: ...


class IdempotencyKeyInvalid(XrmError):
    """The header ``Idempotency-Key`` is none, or stands where it cannot be heeded."""

    code = "IDEMPOTENCY_KEY_INVALID"


class IdempotencyKeyReused(XrmError):
    """The key came before, with another request."""

    code = "IDEMPOTENCY_KEY_REUSED"
    http_status = 422


class IdempotencyInProgress(XrmError):
    """A request with the same key is under way."""

    code = "IDEMPOTENCY_IN_PROGRESS"
    http_status = 409


class IdempotencyAnswerWithheld(XrmError):
    """The change was made before; its answer is not shown to somebody whose rights are others now, or is gone."""

    code = "IDEMPOTENCY_ANSWER_WITHHELD"
    http_status = 403


def key_of(header: str) -> str:
    """The key in a header, with or without the quotation marks of the draft.

    Raises:
        IdempotencyKeyInvalid: there is none, or it is too long.
    """
    quoted = _QUOTED.fullmatch(header)
    key = re.sub(r"\\(.)", r"\1", quoted[1]) if quoted else header if _BARE.fullmatch(header) else ""
    if not 0 < len(key) <= MAX_KEY:
        raise IdempotencyKeyInvalid(
            say("The header Idempotency-Key is no text of 1 to {limit} visible ASCII characters.", limit=MAX_KEY),
            hint=say(
                'Send a new random UUID with each change, and the same one when you repeat it: "8e03978e-40d5-…".'
            ),
        )
    return key


def in_progress() -> IdempotencyInProgress:
    """The error for a repeat of what is under way."""
    return IdempotencyInProgress(
        say("A request with this Idempotency-Key is under way; nothing was done for this one."),
        hint=say("Repeat it in a moment: then it gets the answer of the other."),
        details={"retryAfter": RETRY_SECONDS},
    )


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer that was kept: its HTTP status, its body, and what it shows of entities whose reads are logged."""

    status: int
    body: bytes
    reads: Reads


class Repeatable:
    """One request with a key.

    Args:
        key: see :func:`key_of`.
        caller: who asks; keys of others are other keys.
        request: what is asked, in JSON types. That of a repeat is the same; the order of names does not matter.
    """

    def __init__(self, key: str, caller: User, request: Any) -> None:
        # The parts tell nothing of each other, so what stands in the database does not open the answer.
        made = HKDF(SHA256(), 96, salt=None, info=f"xrm idempotency 1 {caller.actor}".encode()).derive(key.encode())
        self.key_hash, self._sealing, hashing = made[:32].hex(), made[32:64], made[64:]
        rights = [caller.access.shape, sorted(caller.access.roles), caller.team, caller.teams]
        self._request = _digest(hashing, request)
        self._rights = _digest(hashing, rights)
        self._user = caller.id

    def answered(self, connection: Connection, now: dt.datetime) -> Kept | None:
        """The answer that was given before; None: there is none, and until the transaction ends nobody else gives one.

        Args:
            connection: in the write transaction of the change.
            now: aware.

        Raises:
            IdempotencyKeyReused: the key came with another request.
            IdempotencyAnswerWithheld: the caller had other rights then.
            IdempotencyInProgress: somebody else is at it.
        """
        if connection.dialect.name == "postgresql":  # SQLite lets one write at a time
            number = int.from_bytes(bytes.fromhex(self.key_hash)[:8], signed=True)
            if not connection.scalar(select(func.pg_try_advisory_xact_lock(number))):
                raise in_progress()
        table = IDEMPOTENCY_KEY
        row = connection.execute(select(table).where(table.c.key_hash == self.key_hash)).first()
        if row is None:
            return None
        if dt.datetime.fromisoformat(row.expires_at) <= now:
            connection.execute(delete(table).where(table.c.key_hash == self.key_hash))
            return None
        if not hmac.compare_digest(row.request_hash, self._request):
            raise IdempotencyKeyReused(
                say("This Idempotency-Key came before, with another request; nothing was done."),
                hint=say("A key belongs to one change: send a new one with each."),
            )
        if not hmac.compare_digest(row.rights_hash, self._rights):
            raise IdempotencyAnswerWithheld(
                say("This change was made before, and your rights are others now: its answer is not shown again."),
                hint=say("It is not made twice. Read the records to see what you may see of them now."),
            )
        if not row.answer:
            raise IdempotencyAnswerWithheld(
                say("This change was made before; its answer is not kept any more, since something was erased since."),
                hint=say("It is not made twice. Read the records to see what you may see of them now."),
            )
        return self._opened(bytes(row.answer))

    def keep(self, connection: Connection, answer: Kept, expires_at: dt.datetime) -> None:
        """Keep the answer of the change.

        Args:
            connection: in its transaction, in which :meth:`answered` has found nothing.
            answer: what is answered.
            expires_at: aware; from then on a repeat is a new request.
        """
        connection.execute(
            insert(IDEMPOTENCY_KEY).values(
                key_hash=self.key_hash,
                user_id=self._user,
                request_hash=self._request,
                rights_hash=self._rights,
                answer=self._sealed(answer),
                expires_at=expires_at,
            )
        )

    def _sealed(self, answer: Kept) -> bytes:
        reads = [[read.entity, read.fields, read.shown, list(ids)] for read, ids in answer.reads]
        content = orjson.dumps([answer.status, reads]) + b"\n" + answer.body
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + AESGCM(self._sealing).encrypt(nonce, zlib.compress(content, 1), self.key_hash.encode())

    def _opened(self, sealed: bytes) -> Kept:
        nonce, content = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
        opened = zlib.decompress(AESGCM(self._sealing).decrypt(nonce, content, self.key_hash.encode()))
        head, _, body = opened.partition(b"\n")
        status, reads = orjson.loads(head)
        return Kept(
            status, body, [(Read(entity, tuple(fields), shown), tuple(ids)) for entity, fields, shown, ids in reads]
        )


def forget_answers(context: _Writing) -> int:
    """Erase the answers that are kept for changes which come again, whatever they show; says how many.

    What comes again is not done twice: it is told that it was done. For who erases or hides values: what was answered
    before would still show them, to who has asked for it, and which answers do nobody can know.

    Args:
        context: of an action, of what follows a write, of a job (``job.within(connection)``) or a command.
    """
    kept = func.length(IDEMPOTENCY_KEY.c.answer) > 0
    return context.connection.execute(update(IDEMPOTENCY_KEY).where(kept).values(answer=b"")).rowcount


def remove_expired(connection: Connection, now: dt.datetime) -> int:
    """Remove answers that have expired; says how many."""
    table = IDEMPOTENCY_KEY
    return connection.execute(delete(table).where(table.c.expires_at <= now)).rowcount


def _digest(key: bytes, content: Any) -> str:
    text = orjson.dumps(content, option=orjson.OPT_SORT_KEYS)
    return hmac.new(key, text, hashlib.sha256).hexdigest()
