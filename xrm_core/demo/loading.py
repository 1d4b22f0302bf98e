"""The demo records into an empty database, through the door for writes, and the demo users' roles and tokens."""

from collections.abc import Callable, Collection
from itertools import batched

from sqlalchemy import Connection, exists, func, select

from xrm_core.auth.tokens import create_token, remove_tokens, set_roles
from xrm_core.demo.accounts import DEMO_USERS
from xrm_core.demo.records import FULL_SIZE, counts, patches, records
from xrm_core.errors import SettingsError
from xrm_core.metadata.model import Model
from xrm_core.permissions.caller import system
from xrm_core.records.door import Records
from xrm_core.storage.applied import current_model
from xrm_core.storage.tables import Tables

TOKEN_LABEL = "demo"  # noqa: S105 - what such tokens are called, no secret
_BATCH = 500
