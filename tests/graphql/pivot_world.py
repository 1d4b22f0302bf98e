"""Firms and deals whose figures are asked for."""

import itertools
from typing import Any

from tests.graphql import kit
from tests.graphql.kit import World, uid
from xrm_core.metadata.model import Model
from xrm_core.permissions.policy import PolicySet

KINDS, STAGES = ("lead", "active", None), ("open", "won", None)
AMOUNTS = ("0.1", "0.2", "-5", "99999999999999.9999", None)
DAYS = ("2024-02-29", "2025-12-31", "2026-01-01", "2026-01-04", "2026-01-05", "2026-03-31", None)
MOMENTS = ("2025-12-31T22:59:59.9Z", "2025-12-31T23:00:00Z", "2026-03-29T00:30:00Z", "2026-03-29T01:00:00Z", None)
FIRMS = [
    {"id": uid(100 + number), "name": f"f{number}", "kind": kind, "seen_at": moment, "units": units}
    for number, (kind, moment, units) in enumerate(
        zip(itertools.cycle(KINDS), (*MOMENTS, *MOMENTS), (*[2**63 - 1] * 5, *[-(2**63)] * 5), strict=False)
    )
]
DEALS = [
    {
        "id": uid(200 + number),
        "title": f"d{number}",
        "stage": STAGES[number % 3],
        "amount": AMOUNTS[number % 5],
        "closes_on": DAYS[number % 7],
        "firm": None if number % 4 == 3 else uid(100 + number % 10),
    }
    for number in range(40)
]
ROWS: kit.Rows = {"firm": FIRMS, "deal": DEALS}
POLICIES = """\
admin,*,*,*,,allow
own,firm,read,*,,allow
own,deal,read,*,open,allow
no_amounts,deal,read,stage,,allow
no_deals,firm,read,*,,allow
""".splitlines()


def rights(model: Model) -> PolicySet:
    """The policies of this world."""
    return kit.policies(model, POLICIES, {"open": {"stage": {"eq": "open"}}})


def ask(world: World, arguments: str, body: str, role: str = "admin", entity: str = "deals") -> Any:
    """Figures of a whole entity."""
    return world.ask(role, f"{{ {entity}Aggregate{arguments} {{ {body} }} }}")[f"{entity}Aggregate"]
