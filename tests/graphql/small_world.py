"""The records and roles that most tests here ask about."""

from typing import Any

from tests.graphql import kit
from tests.graphql.kit import Rows, uid
from xrm_core.metadata.model import Model
from xrm_core.permissions.policy import PolicySet


def _rows(start: int, *records: dict[str, Any]) -> list[dict[str, Any]]:
    """Records with ids from ``start`` + 1."""
    return [{"id": uid(start + number), **record} for number, record in enumerate(records, 1)]


def _firm(name: str, **values: Any) -> dict[str, Any]:
    links = {key: uid(values.pop(key)) for key in ("parent", "owner") if key in values}
    return {"name": name, **values, **links}


PERSONS = _rows(
    0,
    {"name": "Ada", "born_on": "1980-02-29", "badge": 7},
    {"name": "Bob", "badge": 3},
    {"name": "Zoë", "born_on": "1999-12-31"},
)
FIRMS = _rows(
    100,
    _firm(
        "Ärzte 100%", kind="lead", revenue="1234.50", employees=5, active=True, founded_on="2001-01-01", owner=1,
        seen_at="2026-03-01T10:00:00Z", code=uid(901), note="a_b", units=2**63 - 1, opens="08:30:00", answers_in="PT0S",
        tags=["vip", "late"], extra={"b": [1, 2.5, None, "ä"], "a": {"x": True}},
    ),
    _firm(
        "O'Brien \\ \"Sons\"", kind="active", revenue="-0.01", employees=0, active=False, founded_on="1999-12-31",
        seen_at="2026-03-01T10:00:00.5Z", parent=101, owner=2, note="A_b",
        units=-(2**63), opens="08:30:00.5", answers_in="P2DT3H", tags=[], extra={},
    ),
    _firm("under_score", kind="lost", revenue="999999999999.99", employees=-7, active=True, parent=101, owner=1),
    _firm("emoji 😀 \n\ttab", revenue="0", employees=5, seen_at="2026-03-01T11:00:00+01:00", owner=2, note="",
          units=2**63 - 1, opens="23:59:59.999999", answers_in="PT36H", tags=["vip", "eu", "late"]),
    _firm("zeta", kind="lead", employees=2147483647, active=False, parent=102, units=0,
          answers_in="PT1H30M", tags=["eu"]),
    _firm("Zeta", founded_on="2001-01-02", revenue="1234.51", owner=1, parent=105),
    _firm("bare"),
)  # fmt: skip
DEALS = _rows(
    200,
    {"title": "d1", "stage": "open", "amount": "0.1", "firm": uid(101), "seller": uid(1), "closes_on": "2026-05-01"},
    {"title": "d2", "stage": "won", "amount": "0.2", "firm": uid(101), "seller": uid(2), "closes_on": "2026-05-01"},
    {"title": "d3", "stage": "won", "amount": "99999999999999.9999", "firm": uid(102), "seller": uid(1)},
    {"title": "d4", "stage": "gone", "amount": "-5", "firm": uid(103), "closes_on": "2025-01-31"},
    {"title": "d5", "firm": uid(103), "seller": uid(2)},
    {"title": "d6", "amount": "7.0001", "seller": uid(2)},
)
VISITS = _rows(
    300,
    {"subject": "at firm", "minutes": 30, "regarding": {"firm": uid(101)}},
    {"subject": "on deal", "minutes": 45, "regarding": {"deal": uid(203)}},
    {"subject": "at other", "minutes": 10, "regarding": {"firm": uid(102)}},
    {"subject": "nowhere"},
)
SECRETS = _rows(
    400,
    {"word": "swordfish", "holder": uid(1), "firm": uid(101)},
    {"word": "plugh", "holder": uid(2), "firm": uid(102)},
)
WIDE = _rows(500, {f"w{number:02}": number for number in range(70)})
RECORDS: Rows = {"person": PERSONS, "firm": FIRMS, "deal": DEALS, "visit": VISITS, "secret": SECRETS, "wide": WIDE}

RULES = {
    "owned": {"owner": {"id": {"eq": "$user"}}},
    "sold": {"seller": {"id": {"eq": "$user"}}},
    "held": {"holder": {"id": {"eq": "$user"}}},
    "self": {"id": {"eq": "$user"}},
    "team": {"kind": {"in": ["lead", "active"]}},
    "lead": {"kind": {"eq": "lead"}},
}
POLICIES = """\
admin,*,*,*,,allow
rep,firm,read,*,owned,allow
rep,firm,read,revenue,,deny
rep,deal,read,*,,allow
rep,person,read,id name,,allow
rep,visit,read,*,,allow
own_name,firm,read,name owner,owned,allow
team_notes,firm,read,note kind,team,allow
no_leads,firm,read,*,,allow
no_leads,firm,read,*,lead,deny
no_leads,firm,read,revenue,owned,deny
own_person,person,read,*,self,allow
own_person,firm,read,*,,allow
own_person,deal,read,*,sold,allow
nobody,person,create,*,,allow""".splitlines()


def rights(model: Model) -> PolicySet:
    """The policies of the small world."""
    return kit.policies(model, POLICIES, RULES, ["empty"])
