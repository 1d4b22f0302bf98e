"""Settings of the plugin: ``XRM_SALES_…``."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Settings:
    """What an installation may say of sales."""

    hand_over_score: int = 50
    """From which score on a lead is handed over to sales."""

    quote_valid_days: int = 30
    """How long a quote is valid that is sent without a date."""

    process: Literal["quote", "order", "invoice"] = "order"
    """How far the platform goes: an ERP takes over after the quote, after the order, or nothing does before payment."""
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
