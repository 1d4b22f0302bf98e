"""The demo company and the three users that the demo's access tokens stand for."""

from dataclasses import dataclass

COMPANY = "Lindwerk Fördertechnik GmbH"
DOMAIN = "lindwerk.example"


@dataclass(frozen=True, slots=True)
class Account:
    """A user who is the same whatever the seed: the time in ``id`` (UUIDv7) is ``created_at``."""

    role: str
    id: str
    created_at: str
    first_name: str
    last_name: str
    job_title: str
    team: str | None


ACCOUNTS = (
    Account(
        "admin",
        "0160d491-9980-7ad1-8d3e-0a0000000001",
        "2018-01-08T07:00:00.000+00:00",
        "Katharina",
        "Brückner",
        "Leitung IT",
        "Geschäftsleitung",
    ),
    Account(
        "sales_rep",
        "01709a26-d0c0-75a1-8d3e-0a0000000002",
        "2020-03-02T07:30:00.000+00:00",
        "Jonas",
        "Schäfer",
        "Account Manager",
        "Vertrieb Süd",
    ),
    Account(
        "guest",
        "019903f7-de40-76e5-8d3e-0a0000000003",
        "2025-09-01T06:30:00.000+00:00",
        "Lena",
        "Großmann",
        "Externe Gutachterin",
        None,
    ),
)
DEMO_USERS: dict[str, str] = {account.role: account.id for account in ACCOUNTS}
"""Role → id of the demo user who has it."""
