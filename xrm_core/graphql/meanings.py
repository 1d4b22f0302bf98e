"""What a field of a generated type stands for: the way back from a GraphQL document to the model."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from xrm_core.query.figures_request import Function
from xrm_core.query.request import FilePart, PageInfoField


@dataclass(frozen=True, slots=True)
class ScalarField:
    """A scalar field of a record."""

    field: str


@dataclass(frozen=True, slots=True)
class FileField:
    """The file in a field of a record."""

    field: str


@dataclass(frozen=True, slots=True)
class MoneyField:
    """An amount of money of a record."""

    field: str


@dataclass(frozen=True, slots=True)
class MoneyPart:
    """A part of an amount of money."""

    part: str


@dataclass(frozen=True, slots=True)
class FileFieldPart:
    """What of a file."""

    part: FilePart


@dataclass(frozen=True, slots=True)
class RelationField:
    """A to-one relation of a record."""

    field: str


@dataclass(frozen=True, slots=True)
class InverseField:
    """The connection of an inverse."""

    inverse: str
    entity: str


@dataclass(frozen=True, slots=True)
class LinkField:
    """The connection of a many-to-many relation, to records of ``entity``, by links of ``through``."""

    link: str
    entity: str
    through: str


@dataclass(frozen=True, slots=True)
class FiguresField:
    """Figures over the records of ``entity`` that an inverse or a many-to-many relation of a record leads to.

    ``through`` has the links of a many-to-many relation.
    """

    inverse: str
    entity: str
    through: str | None = None


@dataclass(frozen=True, slots=True)
class LinkEdgeField:
    """A field of the link by which a record was reached."""

    field: str


@dataclass(frozen=True, slots=True)
class RelationshipsField:
    """The relationships of a record."""


@dataclass(frozen=True, slots=True)
class NetworkField:
    """The network around a record."""


@dataclass(frozen=True, slots=True)
class NetworkFieldPart:
    """A part of a network."""

    part: Literal["nodes", "edges"]


@dataclass(frozen=True, slots=True)
class SharesField:
    """With whom a record is shared."""


@dataclass(frozen=True, slots=True)
class ShareField:
    """A part of a share: a column, or a kind of grantee."""

    part: str


@dataclass(frozen=True, slots=True)
class HistoryField:
    """The changes of a record. ``fields`` are those that may be told, with their names in answers."""

    fields: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class AsOfField:
    """A record as it was. ``fields`` are as in :class:`HistoryField`."""

    fields: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class HistoryPart:
    """A part of a change, of a changed field, or of a cause: a column, or ``changes`` and ``causes`` themselves."""

    part: str


@dataclass(frozen=True, slots=True)
class LabelField:
    """What a relationship is called."""


@dataclass(frozen=True, slots=True)
class ConnectionField:
    """A part of a connection."""

    part: Literal["nodes", "edges", "pageInfo", "totalCount"]


@dataclass(frozen=True, slots=True)
class EdgeField:
    """A part of an edge."""

    part: Literal["node", "cursor"]


@dataclass(frozen=True, slots=True)
class PageInfoPart:
    """A part of Relay's page info."""

    part: PageInfoField


@dataclass(frozen=True, slots=True)
class AggregateField:
    """A part of a group: its key, its count, what it adds up over, or a function over fields."""

    part: Literal["key", "count", "totalOver"] | Function


@dataclass(frozen=True, slots=True)
class HitField:
    """A part of what a search has found."""

    part: Literal["node", "score", "fields", "title"]


Reading = Literal["record", "merged_into", "connection", "trash", "aggregate", "node", "nodes", "search"]
Changing = Literal[
    "create",
    "update",
    "delete",
    "restore",
    "share",
    "unshare",
    "upsert",
    "upserted",
    "create_many",
    "update_many",
    "delete_many",
    "upsert_many",
    "restore_many",
    "purge",
    "purge_many",
    "merge",
    "merged",
]


@dataclass(frozen=True, slots=True)
class Root:
    """A root field. ``kind`` is what it does with records of ``entity``; ``""``: of all of them.

    ``upserted`` is no root field, but the record in the answer of one.
    """

    kind: Reading | Changing
    entity: str


@dataclass(frozen=True, slots=True)
class ActionRoot:
    """A root field that runs an action of a plugin, about a record of ``entity`` (None: about none)."""

    action: str
    entity: str | None


@dataclass(frozen=True, slots=True)
class PluginRoot:
    """A root field of queries that a plugin brings: the points that it costs, and how many records it may answer with.

    ``is_record``: its answer is one, or a list of them.
    """

    query: str
    cost: int
    records: int
    is_record: bool = False


@dataclass(frozen=True, slots=True)
class PluginRecord:
    """A record of an entity, or a list of some, in what a plugin answers."""

    entity: str


@dataclass(frozen=True, slots=True)
class AdministrationField:
    """A root field about the model or the permissions themselves; it stands in an operation without records."""

    part: Literal["files", "plan", "apply", "permissions", "plan_permissions", "apply_permissions"]


AccountPart = Literal[
    "me",
    "change_password",
    "enrol_totp",
    "confirm_totp",
    "renew_recovery_codes",
    "disable_totp",
    "enrol_passkey",
    "confirm_passkey",
    "rename_passkey",
    "remove_passkey",
    "end_session",
    "create_token",
    "revoke_token",
    "auth_events",
    "read_log",
]


UserPart = Literal[
    "user_accounts",
    "user_account",
    "invite_user",
    "renew_invitation",
    "withdraw_invitation",
    "update_user_account",
    "set_user_roles",
    "deactivate_user",
    "reactivate_user",
    "reset_user_password",
    "end_user_sessions",
    "remove_user_second_factors",
    "revoke_user_tokens",
    "unlink_user_identity",
]
USER_PARTS: frozenset[str] = frozenset(get_args(UserPart))


JobPart = Literal["background_jobs", "background_job", "cancel_background_job", "retry_background_job"]
JOB_PARTS: frozenset[str] = frozenset(get_args(JobPart))


WebhookPart = Literal[
    "webhooks",
    "webhook",
    "webhook_deliveries",
    "create_webhook",
    "update_webhook",
    "rotate_webhook_secret",
    "pause_webhook",
    "resume_webhook",
    "replay_webhook",
    "test_webhook",
    "delete_webhook",
]
WEBHOOK_PARTS: frozenset[str] = frozenset(get_args(WebhookPart))


MessagePart = Literal["outbox_messages", "outbox_message", "cancel_outbox_message", "retry_outbox_message"]
MESSAGE_PARTS: frozenset[str] = frozenset(get_args(MessagePart))


WorkflowPart = Literal[
    "workflow_definitions", "workflow_runs", "workflow_run", "cancel_workflow_run", "retry_workflow_run"
]
WORKFLOW_PARTS: frozenset[str] = frozenset(get_args(WorkflowPart))


BesideRecords = AccountPart | UserPart | JobPart | WebhookPart | MessagePart | WorkflowPart


@dataclass(frozen=True, slots=True)
class AccountField:
    """A root field about the account of whoever asks, about those of others, about jobs, webhooks, messages or
    workflows; it stands in an operation without others.
    """

    part: BesideRecords


@dataclass(frozen=True, slots=True)
class FeedRoot:
    """The root field ``changes``; it stands in an operation without others."""


@dataclass(frozen=True, slots=True)
class Followed:
    """A root field of subscriptions: changes of records of an entity."""

    entity: str


@dataclass(frozen=True, slots=True)
class FeedField:
    """A part of what the feed of changes answers, or a subscription; ``node`` is the record itself."""

    part: Literal["changes", "cursor", "has_more", "reload", "incomplete", "entity", "id", "operation", "node"]


Meaning = (
    AdministrationField
    | ActionRoot
    | PluginRoot
    | PluginRecord
    | FeedRoot
    | Followed
    | FeedField
    | AccountField
    | ScalarField
    | FileField
    | MoneyField
    | MoneyPart
    | FileFieldPart
    | RelationField
    | InverseField
    | LinkField
    | FiguresField
    | LinkEdgeField
    | RelationshipsField
    | SharesField
    | ShareField
    | HistoryField
    | AsOfField
    | HistoryPart
    | LabelField
    | NetworkField
    | NetworkFieldPart
    | ConnectionField
    | EdgeField
    | PageInfoPart
    | AggregateField
    | HitField
    | Root
)


class Meanings:
    """Meaning of each field, by the names of its type and itself; entity of each record type."""

    def __init__(self) -> None:
        self._fields: dict[tuple[str, str], Meaning] = {}
        self.entities: dict[str, str] = {}

    def add(self, type_name: str, field: str, meaning: Meaning) -> None:
        """Note what a field stands for."""
        self._fields[type_name, field] = meaning

    def get(self, type_name: str, field: str) -> Meaning | None:
        """The meaning of a field, or None if it is not one of ours (introspection, a plugin's)."""
        return self._fields.get((type_name, field))
