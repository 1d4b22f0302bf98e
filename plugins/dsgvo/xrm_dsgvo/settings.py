"""Settings of the plugin: ``XRM_DSGVO_…``."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from xrm_core.api import Secret
from xrm_dsgvo.registers import Registers, registers_of
from xrm_dsgvo.requests.deadline import free_days

_SHORTEST_KEY = 32
_LONGEST = 3_650
_MOST_PLANNED = 20_000


@dataclass(frozen=True)
class Settings:
    """What an installation may say of data protection."""

    suppression_key: Secret | None = None
    """Under which contact points are hashed that must not be written to; kept for good, apart from the database."""
    public_url: str = ""
    """Where people reach this server, for links: ``https://crm.example.com``; ``{tenant}`` is the tenant.
    Without it the platform sends no mails that ask for a confirmation."""
    contract_purposes: tuple[str, ...] = ("contract", "internal")
    """Purposes of kinds of messages that are needed for a contract, or are for colleagues: without advertising."""
    legal_purposes: tuple[str, ...] = ("legal",)
    """Purposes of those that law demands."""
    controller: str = "Our company"
    """Who is answerable for the data, as declarations of consent name them."""
    controller_contact: str = ""
    """Address of the controller, for the record of processing activities."""
    officer_contact: str = ""
    """Name and address of the data protection officer, for the record and for notifications."""
    authority: str = ""
    """Name and address of the supervisory authority, for letters that tell where to complain."""
    officer_email: str = ""
    """Where reminders go of what is due: notifications of breaches, reviews, contracts that end; empty: nowhere."""
    breach_hours: int = 72
    """So long after a breach was noticed it may be notified (Article 33); weekends and holidays count."""
    breach_threshold: Literal["risk", "high"] = "risk"
    """From which risk on a breach is notified to the authority."""
    large_scale: int = 10_000
    """From so many persons on a processing counts as one on a large scale, for impact assessments."""
    region: str = "DE"
    """Of which country phone numbers without a country are."""
    time_zone: str = "Europe/Berlin"
    """In which quiet hours are meant, and days."""
    holidays: str = "DE"
    """Whose public holidays count for deadlines: those of a country, or of a part of it: ``DE-BY``."""
    confirm_days: int = 14
    """So long a consent can be confirmed that was asked for; after that it lapses."""
    stale_months: int = 24
    """A consent that was not used for so long is no basis any more."""
    most_per_day: int = 0
    """So many messages with advertising go to one contact point on a day at most, whoever sends them; 0: as many as
    there are."""
    preference_link_days: int = 90
    """So long the link in a message leads to the preferences of whoever got it; unsubscribing by it has no end."""

    own_connectors: tuple[str, ...] = ()
    """Connectors that reach nobody else, such as a mail server of the controller's own: ``channel:mail``, or a webhook
    to a host of its own: ``webhook:erp.example.com``. All others are bound to a recipient, or send nothing."""

    require_templates: bool = False
    """Senders outside of the platform name an approved template for whatever is to be no advertising, or is to say how
    to object; what they say of it themselves is not taken."""
    notice_sources: tuple[str, ...] = ("referral", "partner", "import")
    """Sources of leads that mean that their data came from somebody else: the persons are to be told (Article 14)."""

    notice_imports: tuple[str, ...] = ("import", "upsert")
    """By which ways persons come who are to be told (Article 14): ``import`` of files, ``upsert`` by services."""

    request_form: bool = False
    """Whether there is a public page on which persons make requests."""

    anonymous_group: int = 10
    """Coarser values that are left of somebody, such as the decade of birth, stay if so many records of the entity fit
    them, this one among them; else they go as well."""
    erasure_at_once: int = 200
    """Erasures of up to so many records are done in one transaction, and answered when they are done; larger ones take
    the person out of reach at once and go on by a job."""
    erasure_planned_at_once: int = 2_000
    """Erasures of up to so many records are planned in the request that opens them, and looked at again in the one that
    runs them; larger ones by a job."""
    erasure_batch: int = 50
    """So many records such a job does in one transaction."""
    erasure_alone: int = 10
    """Erasures of up to so many records are run by who has opened them; of more, or of texts that somebody had to
    decide on, by somebody else."""

    review_days: int = 180
    """So long after they began, restrictions and legal holds are to be reviewed of which nobody has said when."""

    retention: Literal["off", "report", "delete"] = "report"
    """What is done each night about what is due by its period: nothing, or it is counted and kept in a report, or it
    goes. The shipped periods are a proposal: who is answerable looks at the report first."""
    retention_batch: int = 50
    """So many records are looked at, and let go, in one transaction."""

    stores_seconds: int = 5
    """So long an answer to somebody waits for stores of plugins; one that says nothing until then was not searched."""

    require_sealed: bool = False
    """Entity files do not load where a field with ``encrypt`` stands in clear."""
    registers: tuple[Path, ...] = ()
    """Files with registers of the deployment's own: activities, Löschklassen and what else annotations name."""
    sector: Literal["", "finance"] = ""
    """The line of business, where the law has other periods for it."""

    def __post_init__(self) -> None:
        registers_of(self.registers, self.sector)
        free_days(self.holidays)
        if self.suppression_key is not None and len(self.suppression_key.reveal()) < _SHORTEST_KEY:
            raise ValueError(f"the suppression_key has fewer than {_SHORTEST_KEY} characters: «openssl rand -hex 32»")
        if self.public_url and not self.public_url.startswith(("https://", "http://localhost")):
            raise ValueError("the public_url begins with https://")
        if wrong := next((each for each in self.own_connectors if ":" not in each), None):
            raise ValueError(f"own_connectors names {wrong!r}, which has no kind: write channel:mail or webhook:HOST")
        if wrong := next((each for each in self.notice_imports if each not in ("import", "upsert")), None):
            raise ValueError(f"notice_imports names {wrong!r}: write import, upsert, both or nothing")
        if not 1 <= self.breach_hours <= 240:
            raise ValueError("breach_hours are 1 to 240")
        if self.large_scale < 1:
            raise ValueError("large_scale is 1 or more")
        if not 0 <= self.most_per_day <= 1_000:
            raise ValueError("most_per_day is 0, for no limit, to 1000")
        if self.anonymous_group < 1:
            raise ValueError("anonymous_group is 1 at least")
        if self.erasure_at_once < 0 or not 1 <= self.erasure_batch <= 1_000:
            raise ValueError("erasure_at_once is 0 or more, erasure_batch 1 to 1000")
        if not 0 <= self.erasure_planned_at_once <= _MOST_PLANNED:
            raise ValueError(f"erasure_planned_at_once is 0 to {_MOST_PLANNED}")
        if not 1 <= self.stores_seconds <= 60:
            raise ValueError("stores_seconds is 1 to 60")
        if not 1 <= self.retention_batch <= 1_000:
            raise ValueError("retention_batch is 1 to 1000")
        days = ("confirm_days", "stale_months", "preference_link_days", "review_days")
        if wrong := next((each for each in days if not 1 <= getattr(self, each) <= _LONGEST), None):
            raise ValueError(f"{wrong} is 1 at least, and {_LONGEST} at most")
        try:
            ZoneInfo(self.time_zone)
        except (ZoneInfoNotFoundError, ValueError):
            raise ValueError(f"there is no time_zone {self.time_zone!r}; name one as Europe/Berlin") from None

    def all_registers(self) -> Registers:
        """The registers that come with the plugin and the deployment's own."""
        return registers_of(self.registers, self.sector)
