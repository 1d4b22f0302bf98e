"""What is in a bundle: names of its members, its manifest, and which tables belong to a tenant."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import Table

from xrm_core.errors import XrmError
from xrm_core.metadata.model import Model
from xrm_core.storage.change_tables import CHANGE, CHANGE_BATCH
from xrm_core.storage.file_tables import CONTENT_LEFTOVER, FILE, FILE_CHUNK
from xrm_core.storage.idempotency import IDEMPOTENCY_KEY
from xrm_core.storage.job_tables import JOB, SCHEDULE
from xrm_core.storage.journal_tables import JOURNAL_ENTRY, JOURNAL_MARK
from xrm_core.storage.log_closed_table import LOG_CLOSED
from xrm_core.storage.merge_tables import MERGE
from xrm_core.storage.message_tables import MESSAGE
from xrm_core.storage.plugin_switches import PLUGIN_SWITCH
from xrm_core.storage.policy_sets import POLICY_SET
from xrm_core.storage.reader_tables import LOG_READER, LOG_WAITING
from xrm_core.storage.sealed_tables import SEALED_DATA
from xrm_core.storage.system import (
    ASIDE,
    ATTEMPTS,
    KNOWN_DEVICE,
    LOGOUT_TOKEN,
    MASK_KEY,
    METADATA,
    MODEL,
    MODEL_CHANGE,
    NOTICE,
    OIDC_SESSION,
    ONE_TIME_TOKEN,
    PASSKEY_CHALLENGE,
    SESSION,
    TENANT,
    TENANT_HOST,
)
from xrm_core.storage.tables import Tables
from xrm_core.storage.trash_tables import TRASH, TRASH_FILE
from xrm_core.storage.upload_tables import UPLOAD, UPLOAD_CHUNK
from xrm_core.storage.vault_tables import VAULT, VAULT_FILE
from xrm_core.storage.webhook_tables import WEBHOOK, WEBHOOK_DELIVERY
from xrm_core.storage.workflow_tables import WORKFLOW_LOOK, WORKFLOW_RUN

ELSEWHERE = (
    *(CHANGE, CHANGE_BATCH, FILE, FILE_CHUNK, IDEMPOTENCY_KEY, MERGE, POLICY_SET, SEALED_DATA, TRASH, TRASH_FILE),
    *(JOURNAL_ENTRY, JOURNAL_MARK, LOG_CLOSED, VAULT, VAULT_FILE),
)
"""Named here, so that they are known to be system tables whoever else imports them or not.

Idempotency keys go along: what was done at one place is not to be done again at the other by who repeats it there.
"""

FORMAT = 1
"""Version of the form of bundles."""

MANIFEST, SEAL, MODEL_FILE = "manifest.json", "manifest.sha256", "model.json"

_OF_A_PLACE = (ASIDE, CONTENT_LEFTOVER, MASK_KEY, MODEL, MODEL_CHANGE, PLUGIN_SWITCH, TENANT, TENANT_HOST)
_OF_A_MOMENT = (
    *(SESSION, OIDC_SESSION, LOGOUT_TOKEN, KNOWN_DEVICE, ATTEMPTS, NOTICE, ONE_TIME_TOKEN, PASSKEY_CHALLENGE),
    *(JOB, MESSAGE, SCHEDULE, WORKFLOW_LOOK, WORKFLOW_RUN, UPLOAD, UPLOAD_CHUNK, LOG_READER, LOG_WAITING),
    *(WEBHOOK, WEBHOOK_DELIVERY),
)
LEFT_OUT = frozenset(table.name for table in (*_OF_A_PLACE, *_OF_A_MOMENT))
"""System tables that say something of a place, not of a tenant's data (changes, what they set aside, content to be
removed, catalogue, the key of masks), and who is signed in there: a copy of a tenant must not open the doors that are
open at the original, nor do once more what is to be done there, nor take over an upload that goes on there."""


class BundleInvalid(XrmError):
    """A file is no bundle, was changed or damaged, or comes from a newer version."""

    code = "BUNDLE_INVALID"


def damaged(what: str) -> BundleInvalid:
    """The error for a bundle whose content is not what its manifest says."""
    return BundleInvalid(
        f"The bundle is damaged or was changed: {what}.", hint="Nothing was imported. Export it again."
    )


def tables_of(model: Model) -> Iterator[tuple[str, Table]]:
    """Member name and table of everything that a tenant takes along, system tables first."""
    for table in METADATA.sorted_tables:
        if table.name not in LEFT_OUT:
            yield f"system/{table.name}.jsonl", table
    tables = Tables(model)
    for entity in model:
        yield f"data/{entity.name}.jsonl", tables[entity.name]


def manifest_text(manifest: Mapping[str, Any]) -> bytes:
    """The manifest as it stands in the bundle."""
    return json.dumps(manifest, ensure_ascii=False, indent=1, sort_keys=True).encode()


def seal(manifest: bytes) -> bytes:
    """What stands beside the manifest, so that a slip in it is noticed. It is no signature."""
    return hashlib.sha256(manifest).hexdigest().encode()
