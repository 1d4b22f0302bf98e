"""The platform's own tables. They come from Alembic revisions in ``revisions/``; here is how code sees them."""

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    UniqueConstraint,
)

from xrm_core.storage.columns import Flag, Id, Instant, String

VERSION_TABLE = "xrm_alembic_version"
"""Where Alembic keeps the revision of the system tables."""

METADATA = MetaData()
"""The system tables, apart from those of any model."""

MODEL = Table(
    "xrm_model",
    METADATA,
    Column("id", Integer, nullable=False),
    Column("fingerprint", String, nullable=False),
    Column("snapshot", String, nullable=False),
    Column("operations", String, nullable=False),
    Column("applied_at", Instant, nullable=False),
    Column("reverts", Integer),
    Column("contracted_at", Instant),
    Column("schema_files", String),
    PrimaryKeyConstraint("id", name="pk_xrm_model"),
    sqlite_strict=True,
)
"""Every model that was applied here, as JSON text, with what was done. The highest ``id`` is the current one.

``reverts`` is the id of the change that this one takes back. After ``contracted_at`` it cannot be taken back itself.
``schema_files`` are the files of the tenant layer that it was made of, as a JSON object of their texts.
"""

ASIDE = Table(
    "xrm_aside",
    METADATA,
    Column("id", Integer, nullable=False),
    Column("change_id", Integer, nullable=False),
    Column("entity", String, nullable=False),
    Column("former", String, nullable=False),
    Column("place", String, nullable=False),
    Column("name", String, nullable=False),
    PrimaryKeyConstraint("id", name="pk_xrm_aside"),
    sqlite_strict=True,
)
"""Columns and tables that a change has put aside: what ``entity`` and column (``former``, empty for the whole table)
they were in the model before it, and the table (``place``) and column (``name``) where they are now."""

MODEL_CHANGE = Table(
    "xrm_model_change",
    METADATA,
    Column("id", Integer, nullable=False),
    Column("fingerprint", String, nullable=False),
    Column("snapshot", String, nullable=False),
    Column("operations", String, nullable=False),
    Column("phase", String, nullable=False),
    Column("step", String, nullable=False),
    Column("position", String),
    Column("started_at", Instant, nullable=False),
    Column("noted_at", Instant, nullable=False),
    PrimaryKeyConstraint("id", name="pk_xrm_model_change"),
    sqlite_strict=True,
)
"""The change that is under way (PostgreSQL only): one row, 1, or none. ``snapshot`` is the model that shall be."""

USER_ROLE = Table(
    "xrm_user_role",
    METADATA,
    Column("user_id", Id, nullable=False),
    Column("role", String, nullable=False),
    PrimaryKeyConstraint("user_id", "role", name="pk_xrm_user_role"),
    sqlite_strict=True,
)
"""Who has which role."""

TOKEN = Table(
    "xrm_token",
    METADATA,
    Column("id", Id, nullable=False),
    Column("token_hash", String, nullable=False),
    Column("user_id", Id),
    Column("label", String, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant),
    Column("revoked_at", Instant),
    Column("roles", String),
    Column("grants", String),
    Column("networks", String),
    Column("created_by", Id),
    Column("last_used_at", Instant),
    Column("last_used_from", String),
    PrimaryKeyConstraint("id", name="pk_xrm_token"),
    UniqueConstraint("token_hash", name="uq_xrm_token_token_hash"),
    Index("ix_xrm_token_user_id", "user_id"),
    sqlite_strict=True,
)
"""API tokens; ``token_hash`` is the SHA-256 of the token in hex digits, the token itself is kept nowhere.

``user_id`` empty: a token of a service, which has the roles that stand here. ``roles`` and ``networks`` are JSON lists,
``grants`` is a JSON object of entities with their actions; what is empty holds the token to nothing.
"""

PASSWORD = Table(
    "xrm_password",
    METADATA,
    Column("user_id", Id, nullable=False),
    Column("hash", String, nullable=False),
    Column("changed_at", Instant, nullable=False),
    PrimaryKeyConstraint("user_id", name="pk_xrm_password"),
    sqlite_strict=True,
)
"""Passwords, as argon2id has made them."""

SESSION = Table(
    "xrm_session",
    METADATA,
    Column("id", Id, nullable=False),
    Column("token_hash", String, nullable=False),
    Column("user_id", Id, nullable=False),
    Column("device", String, nullable=False),
    Column("address", String),
    Column("created_at", Instant, nullable=False),
    Column("seen_at", Instant, nullable=False),
    Column("idle_seconds", Integer, nullable=False),
    Column("expires_at", Instant, nullable=False),
    PrimaryKeyConstraint("id", name="pk_xrm_session"),
    UniqueConstraint("token_hash", name="uq_xrm_session_token_hash"),
    Index("ix_xrm_session_user_id", "user_id"),
    Index("ix_xrm_session_expires_at", "expires_at"),
    sqlite_strict=True,
)
"""Who is signed in; a session that ends is removed. It is over at ``expires_at``, and ``idle_seconds`` after
``seen_at``, which is written once a minute. ``token_hash`` is as that of a token."""

KNOWN_DEVICE = Table(
    "xrm_known_device",
    METADATA,
    Column("token_hash", String, nullable=False),
    Column("user_id", Id, nullable=False),
    Column("seen_at", Instant, nullable=False),
    PrimaryKeyConstraint("token_hash", name="pk_xrm_known_device"),
    Index("ix_xrm_known_device_user_id", "user_id"),
    sqlite_strict=True,
)
"""Devices from which a user has signed in: strangers' wrong passwords do not hold up a sign-in from there."""

ATTEMPTS = Table(
    "xrm_attempts",
    METADATA,
    Column("key", String, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("last_at", Instant, nullable=False),
    Column("free_at", Instant, nullable=False),
    PrimaryKeyConstraint("key", name="pk_xrm_attempts"),
    Index("ix_xrm_attempts_last_at", "last_at"),
    sqlite_strict=True,
)
"""Wrong passwords and codes by account, address or device (``key`` is a digest); the next try is at ``free_at``."""

ONE_TIME_TOKEN = Table(
    "xrm_one_time_token",
    METADATA,
    Column("token_hash", String, nullable=False),
    Column("user_id", Id, nullable=False),
    Column("purpose", String, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    PrimaryKeyConstraint("token_hash", name="pk_xrm_one_time_token"),
    Index("ix_xrm_one_time_token_user_id", "user_id"),
    sqlite_strict=True,
)
"""Invitations and resets of passwords that have not been used; one that is used is removed."""

TOTP = Table(
    "xrm_totp",
    METADATA,
    Column("user_id", Id, nullable=False),
    Column("secret", String, nullable=False),
    Column("last_step", BigInteger().with_variant(Integer(), "sqlite"), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("confirmed_at", Instant),
    PrimaryKeyConstraint("user_id", name="pk_xrm_totp"),
    sqlite_strict=True,
)
"""The second factor of users. ``secret`` is encrypted with a key that is not in the database; a code of a step up to
``last_step`` is not taken again; before ``confirmed_at`` it is not asked for."""

RECOVERY_CODE = Table(
    "xrm_recovery_code",
    METADATA,
    Column("user_id", Id, nullable=False),
    Column("code_hash", String, nullable=False),
    PrimaryKeyConstraint("user_id", "code_hash", name="pk_xrm_recovery_code"),
    sqlite_strict=True,
)
"""Recovery codes that have not been used."""

IDENTITY = Table(
    "xrm_identity",
    METADATA,
    Column("issuer", String, nullable=False),
    Column("subject", String, nullable=False),
    Column("user_id", Id, nullable=False),
    Column("created_at", Instant, nullable=False),
    PrimaryKeyConstraint("issuer", "subject", name="pk_xrm_identity"),
    Index("ix_xrm_identity_user_id", "user_id"),
    sqlite_strict=True,
)
"""Accounts of OpenID providers, and as whom they sign in here."""

OIDC_SESSION = Table(
    "xrm_oidc_session",
    METADATA,
    Column("session_id", Id, nullable=False),
    Column("provider", String, nullable=False),
    Column("issuer", String, nullable=False),
    Column("subject", String, nullable=False),
    Column("sid", String),
    Column("id_token", String),
    PrimaryKeyConstraint("session_id", name="pk_xrm_oidc_session"),
    ForeignKeyConstraint(["session_id"], ["xrm_session.id"], name="fk_xrm_oidc_session_session_id", ondelete="CASCADE"),
    Index("ix_xrm_oidc_session_subject", "issuer", "subject"),
    Index("ix_xrm_oidc_session_sid", "issuer", "sid"),
    sqlite_strict=True,
)
"""Sessions that an OpenID provider has opened, and what they are called there: ``sid`` is the session, if it says so.
``id_token``, by which a sign-out names the session, is encrypted; it goes with the session, as the whole row does."""

LOGOUT_TOKEN = Table(
    "xrm_logout_token",
    METADATA,
    Column("token_hash", String, nullable=False),
    Column("provider", String, nullable=False),
    Column("issuer", String, nullable=False),
    Column("subject", String),
    Column("sid", String),
    Column("issued_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    PrimaryKeyConstraint("token_hash", name="pk_xrm_logout_token"),
    Index("ix_xrm_logout_token_expires_at", "expires_at"),
    sqlite_strict=True,
)
"""Logout tokens of providers that were used, as long as they could be used again, and whom they have signed out.
``token_hash`` is a digest of provider, issuer and ``jti``."""

SCIM_USER = Table(
    "xrm_scim_user",
    METADATA,
    Column("user_id", Id, nullable=False),
    Column("external_id", String),
    Column("attributes", String, nullable=False),
    Column("changed_at", Instant, nullable=False),
    Column("gone_at", Instant),
    PrimaryKeyConstraint("user_id", name="pk_xrm_scim_user"),
    Index("ix_xrm_scim_user_external_id", "external_id"),
    sqlite_strict=True,
)
"""What a provisioning service says of a user beyond the record's fields: ``external_id`` is the id there,
``attributes`` a JSON object. ``gone_at``: it has deleted the user, whose record stays."""

SCIM_GROUP = Table(
    "xrm_scim_group",
    METADATA,
    Column("id", Id, nullable=False),
    Column("name", String, nullable=False),
    Column("folded", String, nullable=False),
    Column("external_id", String),
    Column("version", Integer, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("changed_at", Instant, nullable=False),
    PrimaryKeyConstraint("id", name="pk_xrm_scim_group"),
    UniqueConstraint("folded", name="uq_xrm_scim_group_folded"),
    sqlite_strict=True,
)
"""Groups of provisioning services; ``folded`` is the name in small letters."""

SCIM_MEMBER = Table(
    "xrm_scim_member",
    METADATA,
    Column("group_id", Id, nullable=False),
    Column("user_id", Id, nullable=False),
    PrimaryKeyConstraint("group_id", "user_id", name="pk_xrm_scim_member"),
    Index("ix_xrm_scim_member_user_id", "user_id"),
    sqlite_strict=True,
)
"""Which users are in which group."""

SCIM_ROLE = Table(
    "xrm_scim_role",
    METADATA,
    Column("folded", String, nullable=False),
    Column("role", String, nullable=False),
    PrimaryKeyConstraint("folded", "role", name="pk_xrm_scim_role"),
    sqlite_strict=True,
)
"""Roles that the members of a group have, by its name in small letters, whether there is such a group or not."""

PASSKEY = Table(
    "xrm_passkey",
    METADATA,
    Column("id", Id, nullable=False),
    Column("credential_id", String, nullable=False),
    Column("user_id", Id, nullable=False),
    Column("name", String, nullable=False),
    Column("public_key", String, nullable=False),
    Column("sign_count", BigInteger().with_variant(Integer(), "sqlite"), nullable=False),
    Column("transports", String, nullable=False),
    Column("aaguid", String, nullable=False),
    Column("backup_eligible", Flag, nullable=False),
    Column("backed_up", Flag, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("last_used_at", Instant),
    PrimaryKeyConstraint("id", name="pk_xrm_passkey"),
    UniqueConstraint("credential_id", name="uq_xrm_passkey_credential_id"),
    Index("ix_xrm_passkey_user_id", "user_id"),
    sqlite_strict=True,
)
"""Passkeys of users. ``credential_id`` and ``public_key`` (COSE) are base64url without padding, ``transports`` is a
JSON list; ``sign_count`` is that of the last sign-in, 0 for authenticators that do not count."""

PASSKEY_CHALLENGE = Table(
    "xrm_passkey_challenge",
    METADATA,
    Column("challenge_hash", String, nullable=False),
    Column("expires_at", Instant, nullable=False),
    PrimaryKeyConstraint("challenge_hash", name="pk_xrm_passkey_challenge"),
    Index("ix_xrm_passkey_challenge_expires_at", "expires_at"),
    sqlite_strict=True,
)
"""Challenges that were used, until ``expires_at``: then nobody could come with them any more."""

NOTICE = Table(
    "xrm_notice",
    METADATA,
    Column("id", Id, nullable=False),
    Column("user_id", Id, nullable=False),
    Column("kind", String, nullable=False),
    Column("at", Instant, nullable=False),
    Column("own", Flag, nullable=False),
    Column("address", String),
    Column("email", String),
    Column("due_at", Instant, nullable=False),
    Column("tries", Integer, nullable=False),
    PrimaryKeyConstraint("id", name="pk_xrm_notice"),
    Index("ix_xrm_notice_user_id", "user_id"),
    sqlite_strict=True,
)
"""What users are still to be told of by mail. ``own``: they did it themselves, as far as is known, from ``address``;
``email`` is where to, empty: the address that they have. It is sent from ``due_at`` on; one that is sent is removed."""

OF_USERS = (
    USER_ROLE,
    TOKEN,
    PASSWORD,
    SESSION,
    KNOWN_DEVICE,
    ONE_TIME_TOKEN,
    TOTP,
    RECOVERY_CODE,
    IDENTITY,
    PASSKEY,
    NOTICE,
    SCIM_MEMBER,
    SCIM_USER,
)
"""Tables with a ``user_id`` whose rows go with their user."""

SEQUENCE = Table(
    "xrm_sequence",
    METADATA,
    Column("entity", String, nullable=False),
    Column("field", String, nullable=False),
    Column("period", String, nullable=False),
    Column("last", BigInteger().with_variant(Integer(), "sqlite"), nullable=False),
    PrimaryKeyConstraint("entity", "field", "period", name="pk_xrm_sequence"),
    sqlite_strict=True,
)
"""The last number that a field with a sequence has given in each period; ``last`` is below ``start`` if none."""


MASK_KEY = Table(
    "xrm_mask_key",
    METADATA,
    Column("id", Integer, nullable=False),
    Column("inner_block", LargeBinary, nullable=False),
    Column("outer_block", LargeBinary, nullable=False),
    PrimaryKeyConstraint("id", name="pk_xrm_mask_key"),
    sqlite_strict=True,
)
"""The key of masks that are a hash (:mod:`~xrm_core.storage.mask_hash`): one row, 1. Without it hashes are empty."""

SHARE = Table(
    "xrm_share",
    METADATA,
    Column("entity", String, nullable=False),
    Column("record_id", Id, nullable=False),
    Column("grantee", String, nullable=False),
    Column("level", String, nullable=False),
    Column("until", Instant),
    Column("reason", String),
    Column("shared_at", Instant, nullable=False),
    Column("shared_by", Id),
    PrimaryKeyConstraint("entity", "record_id", "grantee", name="pk_xrm_share"),
    Index("ix_xrm_share_grantee", "grantee", "entity"),
    sqlite_strict=True,
)
"""Records that are shared: ``grantee`` is ``user:ID``, ``team:ID`` or ``role:NAME``, ``level`` read or update."""

SCHEMA_FILE = Table(
    "xrm_schema_file",
    METADATA,
    Column("name", String, nullable=False),
    Column("text", String, nullable=False),
    Column("changed_at", Instant, nullable=False),
    Column("changed_by", Id),
    PrimaryKeyConstraint("name", name="pk_xrm_schema_file"),
    sqlite_strict=True,
)
"""The files of the tenant layer, as they were when the model was applied."""

AUTH_EVENT = Table(
    "xrm_auth_event",
    METADATA,
    Column("id", Id, nullable=False),
    Column("at", Instant, nullable=False),
    Column("event", String, nullable=False),
    Column("user_id", Id),
    Column("subject", String),
    Column("address", String),
    Column("details", String, nullable=False),
    PrimaryKeyConstraint("id", name="pk_xrm_auth_event"),
    Index("ix_xrm_auth_event_at", "at"),
    Index("ix_xrm_auth_event_subject", "subject"),
    Index("ix_xrm_auth_event_user_id", "user_id"),
    sqlite_strict=True,
)
"""What happened to accounts and rights. ``user_id`` did it (empty: nobody who is signed in, or the command line),
``subject`` is whom or what it is about, ``address`` from where; ``details`` is JSON text. Rows outlive users."""

READ = Table(
    "xrm_read",
    METADATA,
    Column("id", Id, nullable=False),
    Column("at", Instant, nullable=False),
    Column("request_id", Id, nullable=False),
    Column("user_id", Id),
    Column("token_id", Id),
    Column("address", String),
    Column("entity", String, nullable=False),
    Column("fields", String, nullable=False),
    PrimaryKeyConstraint("id", name="pk_xrm_read"),
    Index("ix_xrm_read_at", "at"),
    Index("ix_xrm_read_user_id", "user_id"),
    sqlite_strict=True,
)
"""Who read records of an entity whose reads are logged, and which fields (a JSON list); one row for each kind of record
of a request. Rows outlive users and records."""

READ_RECORD = Table(
    "xrm_read_record",
    METADATA,
    Column("record_id", Id, nullable=False),
    Column("read_id", Id, nullable=False),
    PrimaryKeyConstraint("record_id", "read_id", name="pk_xrm_read_record"),
    Index("ix_xrm_read_record_read_id", "read_id"),
    sqlite_strict=True,
)
"""The records that a row of ``xrm_read`` is about."""

TENANT = Table(
    "xrm_tenant",
    METADATA,
    Column("name", String, nullable=False),
    Column("state", String, nullable=False),
    Column("database_url", String),
    Column("schema_name", String),
    Column("created_at", Instant, nullable=False),
    PrimaryKeyConstraint("name", name="pk_xrm_tenant"),
    sqlite_strict=True,
)
"""The catalogue of tenants; only that of the main database counts. ``database_url`` empty: where the main database is;
``schema_name`` empty: an SQLite file."""

TENANT_HOST = Table(
    "xrm_tenant_host",
    METADATA,
    Column("host", String, nullable=False),
    Column("tenant", String, nullable=False),
    PrimaryKeyConstraint("host", name="pk_xrm_tenant_host"),
    sqlite_strict=True,
)
"""Host names by which tenants are reached."""
