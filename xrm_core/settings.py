"""Settings of a process: from the environment (``XRM_…``), overridden by the command line.

Importing pydantic-settings takes as long as the rest of a short command, so commands import this module when they run.
"""

import re
from email.errors import MessageError
from email.headerregistry import Address
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from pydantic import Field, PrivateAttr, ValidationError, field_validator, model_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, EnvSettingsSource, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from xrm_core.errors import SettingsError
from xrm_core.shipped import shipped_folder, shipped_packs

PREFIX = "XRM_"
MIN_SECRET_KEY = 32
MIN_EVENT_DAYS = 30
_BEARER = re.compile(rf"[A-Za-z0-9._~+/=-]{{{MIN_SECRET_KEY},}}")
_ORIGIN = re.compile(r"https://(?=[^/]*[a-z])[a-z0-9-]+(\.[a-z0-9-]+)*(:[0-9]{1,5})?|http://localhost(:[0-9]{1,5})?")
"""As browsers write one: small letters, no path. A passkey cannot be bound to an IP address."""

TENANT = "{tenant}"
"""Stands in addresses for the name of a tenant."""

_HERE = ("localhost", "127.0.0.1", "::1")
_PLAIN = {("http", name) for name in _HERE}
_NEVER_SHOWN = frozenset(
    {
        "",
        "database_url",
        "key_store_url",
        "mail_password",
        "metrics_token",
        "s3_access_key",
        "s3_endpoint",
        "s3_secret_key",
        "secret_key",
    }
)
_MEDIA_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]*/(\*|[a-z0-9][a-z0-9!#$&^_.+-]*)")
_HOST = re.compile(r"(?=.{4,253}\Z)(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z0-9-]{2,63}")
_BUCKET = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[A-Za-z0-9!_.*'()-]+)*/?")

S3_SCHEME, DATABASE = "s3://", "database"
"""What a bucket begins with among places for the content of files, and how the database is called there."""


class _Environment(EnvSettingsSource):
    """The environment, without a thought of how that would be read which is not there: commands read it each time."""

    def prepare_field_value(self, field_name: str, field: FieldInfo, value: Any, value_is_complex: bool) -> Any:
        """See there."""
        return None if value is None else super().prepare_field_value(field_name, field, value, value_is_complex)


class Settings(BaseSettings):
    """All settings, checked and complete. Build it with :func:`load_settings`.

    Each is an environment variable: ``data_dir`` is ``XRM_DATA_DIR``. An empty variable counts as not set.
    """

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, frozen=True, extra="forbid")

    _main_url: str = PrivateAttr(default="")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the base class names them
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Settings come from the command line and the environment alone."""
        return init_settings, _Environment(settings_cls)

    data_dir: Path = Field(default=Path("xrm-data"), description="Folder for the embedded database and tokens.")
    database_url: str = Field(
        default="", repr=False, description="SQLAlchemy URL; default is an SQLite file in data_dir."
    )
    schemas: Path = Field(
        default_factory=lambda: default_schemas(),
        description="Folder or name of a pack; default is ./schemas if it has entity files, else the core pack.",
    )
    host: str = Field(default="127.0.0.1", min_length=1, description="Address to listen on.")
    port: int = Field(default=8000, ge=0, le=65535, description="Port to listen on; 0 takes any free one.")
    demo: bool = Field(default=False, description="Fill an empty database with demo data; loopback only.")
    plugins: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description="Names of plugins that come with the platform and are loaded, separated by commas."
    )
    disabled_plugins: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description="Names of plugins that are not loaded, separated by commas."
    )
    trace_hooks: bool = Field(default=False, description="Print each call of a plugin's hook to standard error.")

    documents: Path | None = Field(
        default=None, description="Folder with *.graphql files, or a manifest, of trusted documents."
    )
    compression: bool = Field(default=True, description="Compress answers of GraphQL for clients that take it.")
    only_trusted_documents: bool = Field(default=False, description="Refuse all other GraphQL documents.")

    webhook_networks: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description="Networks of one's own to which webhooks may be sent, also without TLS, by commas."
    )
    trusted_proxies: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description="Addresses or networks of proxies whose X-Forwarded-For counts, separated by commas."
    )
    secret_key: str = Field(
        default="",
        repr=False,
        description="Encrypts what must be read again, such as second factors; 32 characters or more, by chance. "
        "Several, separated by commas: the first encrypts, all read.",
    )
    key_store_url: str = Field(
        default="",
        repr=False,
        description="SQLAlchemy URL of the keys of sealed values, a database of its own; default is an SQLite file in "
        "data_dir if the data is in one, too.",
    )
    oidc: Path | None = Field(
        default=None, description="JSON file that names OpenID providers by which people may sign in."
    )
    oidc_networks: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description="Networks of one's own in which OpenID providers may be, separated by commas."
    )
    passkey_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description="Origins of the pages that may use passkeys, separated by commas; none: no passkeys."
    )
    passkey_rp_id: str = Field(
        default="", description="Domain that passkeys are bound to; default is the host of the first of the origins."
    )
    session_idle_minutes: int = Field(default=720, ge=1, description="Minutes without use after which a session ends.")
    session_days: int = Field(default=30, ge=1, le=3650, description="Days after which a session ends in any case.")
    password_memory: int = Field(
        default=65_536, ge=8, le=4 * 1024**2, description="KiB that hashing a password takes (argon2id)."
    )
    password_passes: int = Field(default=3, ge=1, le=1000, description="Passes of argon2id over that memory.")

    mail_host: str = Field(default="", description="Mail server by which links for passwords are sent.")
    mail_port: int = Field(default=587, ge=1, le=65535, description="Its port.")
    mail_tls: Literal["starttls", "tls", "none"] = Field(
        default="starttls", description="How the connection is encrypted; none: only on this machine."
    )
    mail_user: str = Field(default="", description="Who sends, if the mail server asks.")
    mail_password: str = Field(default="", repr=False, description="And by which password.")
    mail_from: str = Field(default="", description="E-mail address from which mail comes.")
    tracking_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description="Hosts that count who opens messages or clicks in them, with all below, by commas."
    )
    remote_pictures: Literal["keep", "strip"] = Field(
        default="keep", description="Whether messages keep pictures from elsewhere that are large enough to be seen."
    )
    password_url: str = Field(default="", description="Page that sets a password by the link behind its #.")

    security_notices: bool = Field(
        default=True, description="Tell users by mail what was changed of how they sign in, if there is a mail server."
    )

    event_days: int = Field(
        default=400,
        ge=0,
        le=36_500,
        description="Days that events of accounts and rights are kept; 0: for ever.",
    )
    change_days: int = Field(
        default=1_095, ge=0, le=36_500, description="Days that the log of changes is kept; 0: for ever."
    )
    read_days: int = Field(default=90, ge=0, le=36_500, description="Days that the log of reads is kept; 0: for ever.")

    drain_seconds: float = Field(
        default=0, ge=0, le=3600, description="Seconds for which a server that was told to end still takes requests."
    )
    grace_seconds: float = Field(
        default=10, ge=0, le=3600, description="Seconds that requests under way then have to end."
    )
    access_log: bool = Field(default=False, description="Write a line to the log for each request.")
    traces: bool = Field(default=False, description="Send OpenTelemetry traces; needs the extra otel.")
    metrics_token: str = Field(
        default="", repr=False, description="Token for /metrics: 32 characters or more, by chance; none: nobody's."
    )
    metrics_host: str = Field(default="127.0.0.1", min_length=1, description="Address of the port for figures.")
    metrics_port: int = Field(
        default=0, ge=0, le=65535, description="Port on which /metrics and /health are answered to anybody; 0: none."
    )

    worker: Literal["auto", "on", "off"] = Field(
        default="auto", description="Whether the server does jobs, too; auto: if the main database is SQLite."
    )
    worker_metrics_port: int = Field(
        default=0, ge=0, le=65535, description="Port of metrics_host on which xrm worker answers /metrics and /health."
    )
    job_concurrency: int = Field(default=2, ge=1, le=64, description="Jobs that a worker does at a time.")
    job_lease_seconds: int = Field(
        default=30, ge=3, le=3600, description="Seconds without a sign of life after which others take a job."
    )
    trash_days: int = Field(
        default=30, ge=0, le=36_500, description="Days that deleted records can be restored; 0: for ever."
    )

    journal_days: int = Field(
        default=0,
        ge=0,
        le=36_500,
        description="Days that it is known what a restore must not take back: more than backups are old; 0: for ever.",
    )
    job_days: int = Field(default=30, ge=0, le=36_500, description="Days that finished jobs are kept; 0: for ever.")
    postgres_bin: Path | None = Field(
        default=None, description="Folder with pg_dump and pg_restore; default is where the PATH has them."
    )

    idempotency_hours: int = Field(
        default=24, ge=1, le=720, description="Hours in which a repeat with the same Idempotency-Key gets its answer."
    )

    time_zone: str = Field(
        default="UTC", description="IANA name of the time zone that says which day it is in row rules."
    )
    statement_timeout: float = Field(default=30, gt=0, description="Seconds that one SQL statement may take.")
    max_body_bytes: int = Field(default=1024 * 1024, ge=1024, description="Bytes that a request body may have.")
    max_file_bytes: int = Field(
        default=50 * 1024 * 1024, ge=1024, le=1024**3, description="Bytes that an uploaded file may have."
    )
    file_types: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="Media types of files that are taken at all, such as application/pdf,image/*; none: all.",
    )
    file_versions: int = Field(default=20, ge=0, le=1000, description="Former versions of a file that are kept.")
    clamd: str = Field(
        default="",
        description="Daemon of ClamAV that scans files: tcp://host:3310 or unix:///run/clamav/clamd.ctl.",
    )
    file_link_seconds: int = Field(
        default=300, ge=1, le=86_400, description="Seconds that a link to a file is good that needs no token."
    )
    files: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="Where the content of files goes: a folder, s3://bucket/prefix, or database, which is the default. "
        "Several, separated by commas: the first takes new files, all are read.",
    )
    s3_endpoint: str = Field(default="", description="URL of the store that has the bucket; Amazon's if not set.")
    s3_region: str = Field(default="", description="Region of the bucket.")
    s3_access_key: str = Field(
        default="", repr=False, description="Who the server is there; if not set, what boto3 finds by itself."
    )
    s3_secret_key: str = Field(default="", repr=False, description="And by which secret.")
    max_tokens: int = Field(default=20_000, ge=1, description="Tokens that a GraphQL document may have.")
    max_requests: int = Field(default=1000, ge=1, description="Requests that may be under way at a time.")
    max_tenant_requests: int = Field(
        default=500, ge=1, description="Requests that may be under way at one tenant, or at the main database."
    )
    max_subscriptions: int = Field(
        default=1000, ge=0, description="Subscriptions that may be under way at a server at a time."
    )
    max_depth: int = Field(default=15, ge=1, description="Levels that a GraphQL document may nest.")
    max_aliases: int = Field(default=100, ge=0, description="Aliases that a GraphQL document may have.")
    max_variables: int = Field(default=200_000, ge=1, description="Values in the variables of a GraphQL request.")
    default_page_size: int = Field(default=50, ge=1, description="Records on a page if the client does not say.")
    max_cost: int = Field(default=250_000, ge=1, description="Points that a query may cost if its role does not say.")
    max_deletion: int = Field(
        default=50_000,
        ge=1,
        description="Records that may go along with those of one deletion, or lose their relation.",
    )
    max_tenants: int = Field(default=32, ge=1, description="Tenants that a server keeps open at a time.")
    max_network_depth: int = Field(
        default=5, ge=0, le=20, description="Steps that a network of relationships may reach."
    )
    max_page_size: int = Field(default=1000, ge=1, description="Records that a client may ask for on one page.")

    @field_validator(
        *("plugins", "disabled_plugins", "trusted_proxies", "webhook_networks", "oidc_networks"),
        *("passkey_origins", "files", "file_types", "tracking_hosts"),
        mode="before",
    )
    @classmethod
    def _split(cls, value: Any) -> Any:
        return tuple(name.strip() for name in value.split(",") if name.strip()) if isinstance(value, str) else value

    @field_validator("trusted_proxies", "webhook_networks", "oidc_networks")
    @classmethod
    def _are_networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for each in value:
            try:
                ip_network(each)
            except ValueError:
                raise ValueError(f"{each!r} is neither an address nor a network such as 10.0.0.0/8") from None
        return value

    @field_validator("tracking_hosts")
    @classmethod
    def _are_hosts(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if wrong := next((each for each in value if not _HOST.fullmatch(each)), None):
            raise ValueError(f"{wrong!r} is no name of a host such as click.example.com")
        return tuple(each.casefold() for each in value)

    @field_validator("files")
    @classmethod
    def _are_places(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        buckets = [each for each in value if each.startswith(S3_SCHEME)]
        folders = [each for each in value if each not in buckets and each != DATABASE]
        for each in value:
            if (each in folders and "://" in each) or (each in buckets and not _BUCKET.fullmatch(each)):
                raise ValueError("a place is neither a folder, nor a bucket such as s3://name/prefix, nor «database»")
        if len(buckets) > 1 or len(folders) > 1:
            raise ValueError("two places are of the same kind; one folder and one bucket can be named")
        return value

    @field_validator("file_types")
    @classmethod
    def _are_media_types(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for each in value:
            if not _MEDIA_TYPE.fullmatch(each):
                raise ValueError(f"{each!r} is no media type such as application/pdf or image/*, in small letters")
        return value

    @field_validator("clamd")
    @classmethod
    def _is_daemon(cls, value: str) -> str:
        url = urlsplit(value)
        is_tcp = url.scheme == "tcp" and url.hostname and url.path in ("", "/")
        is_unix = url.scheme == "unix" and not url.netloc and url.path.startswith("/")
        if value and not (is_tcp or is_unix):
            raise ValueError("no address such as tcp://localhost:3310 or unix:///run/clamav/clamd.ctl")
        return value

    @field_validator("s3_endpoint")
    @classmethod
    def _is_endpoint(cls, value: str) -> str:
        url = urlsplit(value)
        if value and (url.scheme not in ("http", "https") or not url.hostname or url.username or url.query):
            raise ValueError("no URL such as https://s3.example.com")
        return value

    @field_validator("event_days", "change_days")
    @classmethod
    def _is_long_enough(cls, value: int) -> int:
        if 0 < value < MIN_EVENT_DAYS:
            raise ValueError(f"it is kept for {MIN_EVENT_DAYS} days at least")
        return value

    @field_validator("passkey_origins")
    @classmethod
    def _are_origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for each in value:
            if not _ORIGIN.fullmatch(each.replace(TENANT, "tenant", 1)):
                raise ValueError(f"{each!r} is no origin as https://crm.example.com; http is for localhost only")
        return value

    @field_validator("time_zone")
    @classmethod
    def _is_zone(cls, value: str) -> str:
        if value != "UTC" and value not in available_timezones():  # that reads some 500 files
            raise ValueError("no name of a time zone; take one of the IANA list such as Europe/Berlin, or UTC")
        return value

    @field_validator("secret_key")
    @classmethod
    def _cannot_be_guessed(cls, value: str) -> str:
        for each in secret_keys(value):
            if len(each) < MIN_SECRET_KEY or len(set(each)) < MIN_SECRET_KEY // 4:
                raise ValueError(
                    f"a key has less than {MIN_SECRET_KEY} characters, or always the same; commas stand between keys"
                )
        return value

    @field_validator("metrics_token")
    @classmethod
    def _is_token(cls, value: str) -> str:
        if value and not _BEARER.fullmatch(value):
            raise ValueError(f"a token has {MIN_SECRET_KEY} or more of A-Z, a-z, 0-9 and ._~+/=-")
        return value

    @field_validator("data_dir")
    @classmethod
    def _fits_a_url(cls, value: Path) -> Path:
        if "?" in str(value):
            raise ValueError("a folder name with '?' cannot stand in a database URL")
        return value

    @field_validator("schemas")
    @classmethod
    def _is_folder(cls, value: Path) -> Path:
        if value.is_dir():
            return value
        shipped = shipped_packs()
        if str(value) not in shipped:
            raise ValueError(f"there is no folder {value}; packs that have a name: {', '.join(shipped) or 'none'}")
        return shipped[str(value)]

    @property
    def main_url(self) -> str:
        """URL of the main database, also where ``database_url`` is that of a tenant."""
        return self._main_url or self.database_url

    def at(self, url: str) -> Self:
        """The same for the database of a tenant."""
        found = self.model_copy(update={"database_url": url})
        found._main_url = self.main_url
        return found

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.default_page_size > self.max_page_size:
            raise ValueError("default_page_size is greater than max_page_size")
        if self.passkey_rp_id and not self.passkey_origins:
            raise ValueError("passkey_rp_id is set, but passkey_origins is not")
        for of_tenants in (False, True):  # which have a domain of their own
            hosts = [urlsplit(each).hostname or "" for each in self.passkey_origins if (TENANT in each) is of_tenants]
            domain = self.passkey_rp_id or next(iter(hosts), "")
            for host in hosts:
                if host != domain and not host.endswith(f".{domain}"):
                    raise ValueError(
                        f"passkey_origins: {host} is neither {domain} nor below it, so no passkey works there"
                    )
        if self.mail_host:
            _check_mail(self.mail_host, self.mail_tls, self.mail_from, self.password_url)
        if not self.database_url:
            # The model is frozen for everybody else; here it is still being built.
            object.__setattr__(self, "database_url", f"sqlite:///{self.data_dir.expanduser()}/xrm.db")
        if not self.key_store_url and self.database_url.startswith("sqlite"):
            object.__setattr__(
                self, "key_store_url", f"sqlite:///{self.data_dir.expanduser().absolute()}/keys/sealed.db"
            )
        if self.key_store_url == self.database_url:
            raise ValueError("XRM_KEY_STORE_URL is the database of the data; then backups of it would hold the keys")
        return self


def mail_address(text: str) -> Address:
    """An e-mail address as it stands in the header of a mail. Raises ValueError: it is none, or more than that."""
    try:
        address = Address(addr_spec=text)
    except (ValueError, MessageError, IndexError):  # the parser of the standard library raises all of them
        address = Address()
    if not address.username or not address.domain:
        raise ValueError("no e-mail address")
    return address


def _check_mail(host: str, tls: str, sender: str, page: str) -> None:
    """Raise ValueError unless mail can be sent, and nobody on the way can read or change it."""
    if tls == "none" and host not in _HERE:
        raise ValueError("XRM_MAIL_TLS is none, which is for a mail server on this machine only")
    try:
        mail_address(sender)
    except ValueError:
        raise ValueError("XRM_MAIL_FROM is no e-mail address, which XRM_MAIL_HOST needs") from None
    url = urlsplit(page)
    if not url.hostname or url.fragment or (url.scheme != "https" and (url.scheme, url.hostname) not in _PLAIN):
        raise ValueError("XRM_PASSWORD_URL, which XRM_MAIL_HOST needs, is no https:// address without #")


def load_settings(**overrides: Any) -> Settings:
    """Settings from the environment; ``overrides`` that are not None (command-line options) win over it.

    Raises:
        SettingsError: a value cannot be used; names every one of them, never the value of ``database_url``.
    """
    try:
        return Settings(**{name: value for name, value in overrides.items() if value is not None})
    except ValidationError as error:
        raise SettingsError(
            "Settings that cannot be used: " + "; ".join(_reasons(error)) + ".",
            hint="Correct the environment variables or command-line options of these names.",
        ) from None  # pydantic's text has the values, a database password among them


def _reasons(error: ValidationError) -> list[str]:
    reasons = []
    for problem in error.errors(include_url=False, include_context=False):
        name = ".".join(str(part) for part in problem["loc"])
        reason = problem["msg"].removeprefix("Value error, ")
        given = "" if name in _NEVER_SHOWN else f" (given: {problem['input']!s:.100})"
        reasons.append(f"{PREFIX}{name.upper()}: {reason}{given}" if name else reason)
    return reasons


def secret_keys(value: str) -> tuple[str, ...]:
    """The keys in the setting ``secret_key``, which commas part; the first is the one that encrypts."""
    return tuple(key.strip() for key in value.split(",") if key.strip())


def default_schemas() -> Path:
    """``./schemas`` if it has entity files, else the core pack.

    Raises:
        SettingsError: the installation has no core pack.
    """
    here = Path("schemas")
    if any(here.glob("*.json")):
        return here
    core = shipped_folder()
    if core is not None:
        return core
    raise SettingsError(
        "There are no entity files: neither in ./schemas nor in the installed core pack.",
        hint="Name a folder with entity files by --schemas or XRM_SCHEMAS, or install xrm-platform again.",
    )
