"""Settings of the plugin: ``XRM_SALES_…``."""

from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Settings:
    """What an installation may say of sales."""

    hand_over_score: int = 50
    """From which score on a lead is handed over to sales."""

    quote_valid_days: int = 30
    """How long a quote is valid that is sent without a date."""

    quote_notices: bool = False
    """Whether customers get a confirmation by mail of what they have accepted, and sellers are told of decisions."""

    quote_remind_days: int = 0
    """So many days before its last day customers are reminded of a quote that they got by mail; 0: never."""

    public_url: str = ""
    """Where customers reach this server, such as ``https://crm.example.com``, for links in mails; empty: no links."""

    process: Literal["quote", "order", "invoice"] = "order"
    """How far the platform goes: an ERP takes over after the quote, after the order, or nothing does before payment."""

    contract_term_months: int = 0
    """Term of a contract that follows an accepted quote; 0: without an end."""

    contract_renewal_months: int = 0
    """By so many months it renews unless notice is given; 0: it ends with its term."""

    contract_notice_months: int = 3
    """How long before the end of its term notice of it is given."""

    sender_name: str = "Our company"
    """Who writes letters."""
    sender_address: tuple[str, ...] = ()
    """Street and town of the sender, as they stand above the address of a letter."""
    sender_footer: str = ""
    """What stands at the foot of each page: register, VAT number, bank account."""

    def __post_init__(self) -> None:
        if self.hand_over_score < 1:
            raise ValueError("a lead without any points is not handed over: hand_over_score is 1 at least")
        if self.quote_valid_days < 1:
            raise ValueError("a quote is valid for a day at least: quote_valid_days is 1 at least")
        if not 0 <= self.quote_remind_days <= 365:
            raise ValueError("quote_remind_days is 0 to 365")
        if not (0 <= self.contract_term_months <= 600 and 0 <= self.contract_renewal_months <= 600):
            raise ValueError("contract_term_months and contract_renewal_months are 0 to 600")
        if self.contract_renewal_months and not self.contract_term_months:
            raise ValueError("contract_renewal_months is for contracts with a term: give contract_term_months, too")
        if not 0 <= self.contract_notice_months <= 60:
            raise ValueError("contract_notice_months is 0 to 60")
        found = urlsplit(self.public_url)
        whole = (
            found.scheme in ("https", "http") and found.hostname and not (found.path or found.query or found.fragment)
        )
        if self.public_url and not whole:
            raise ValueError("public_url is https:// and a host, perhaps with a port, and nothing behind it")
