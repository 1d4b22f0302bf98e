"""Members, what they belong to, and what they owe."""

import datetime as dt
from decimal import Decimal

from xrm_core.demo.association.people import SECTION_WEIGHTS, age
from xrm_core.demo.draw import NOW, TODAY, Draw, Record, euro, parsed

_REASONS = (("moved", 34), ("interest", 30), ("cost", 14), ("health", 12), ("deceased", 6), ("other", 4))
_SCHEDULES = (
    ("Erwachsene", "adult", "96.00"),
    ("Jugend", "youth", "54.00"),
    ("Familie", "family", "180.00"),
    ("Senioren", "senior", "72.00"),
    ("Passiv", "passive", "36.00"),
    ("Ehrenmitglied", "honorary", "0.00"),
)
_TENNIS = ("Tennis Zusatzbeitrag", "adult", "120.00")


def schedules(draw: Draw, tennis: str, author: str) -> list[Record]:
    """What memberships cost; the last is the extra fee of the tennis section."""
    created = parsed("2023-11-20T18:00:00.000+00:00")
    return [
        {
            **draw.system_fields(created + dt.timedelta(minutes=number), author, 0),
            "name": name,
            "category": category,
            "amount": euro(Decimal(amount)),
            "interval": "yearly",
            "valid_from": "2024-01-01",
            "section": tennis if name == _TENNIS[0] else None,
        }
        for number, (name, category, amount) in enumerate((*_SCHEDULES, _TENNIS))
    ]


def members(draw: Draw, contacts: list[Record], sections: list[Record], author: str) -> list[Record]:
    """One for most contacts, ordered by the day of joining."""
    rows: list[Record] = []
    for contact in contacts:
        if draw.chance(0.12):
            continue  # a parent or donor who is no member
        created = parsed(contact["created_at"])
        joined = created.date()
        if age(contact["birthday"]) > 30 and draw.chance(0.5):  # belonged to it long before the platform
            joined -= dt.timedelta(days=draw.between(200, 9000))
        left = draw.chance(0.11) and joined < TODAY - dt.timedelta(days=400)
        gone = TODAY - dt.timedelta(days=draw.between(0, (TODAY - max(joined, created.date())).days)) if left else None
        debit = draw.chance(0.84)
        old = age(contact["birthday"]) > 65
        status = draw.weighted(("active", "passive", "honorary"), (70, 22, 8) if old else (88, 12, 0))
        if joined > TODAY - dt.timedelta(days=60) and draw.chance(0.5):
            status = "applicant"
        fields = draw.system_fields(created + dt.timedelta(minutes=5), author)
        if left:  # why is sealed, and a demo has no keys: it is drawn so that all that follows stays as it was
            draw.weighted(*zip(*_REASONS, strict=True))
        rows.append(
            {
                **fields,
                "contact": contact["id"],
                "status": "left" if left else status,
                "joined_on": joined.isoformat(),
                "left_on": gone.isoformat() if gone else None,
                "payment_method": "direct_debit" if debit else draw.weighted(("transfer", "cash"), (5, 1)),
                "iban": _iban(draw) if debit else None,
                "mandate_reference": f"TSV-{len(rows) + 1:06}" if debit else None,
                "mandate_signed_on": joined.isoformat() if debit else None,
                "home_section": draw.weighted(sections, SECTION_WEIGHTS)["id"],
            }
        )
    return sorted(rows, key=lambda row: (row["created_at"], row["id"]))


def memberships(
    draw: Draw, member_rows: list[Record], contacts: list[Record], schedule_rows: list[Record], sections: list[Record]
) -> list[Record]:
    """One for each member in the home section; one in five is in a second one, too."""
    born = {contact["id"]: contact["birthday"] for contact in contacts}
    by_category = {row["category"]: row["id"] for row in reversed(schedule_rows)}
    tennis = schedule_rows[-1]
    rows: list[Record] = []
    for member in member_rows:
        years = age(born[member["contact"]])
        category = "youth" if years < 18 else "senior" if years > 65 else "adult"
        if member["status"] in ("passive", "honorary"):
            category = member["status"]
        second = draw.weighted(sections, SECTION_WEIGHTS)["id"] if draw.chance(0.2) else member["home_section"]
        for section in dict.fromkeys((member["home_section"], second)):
            extra = section == tennis["section"] and section != member["home_section"]
            starts = max(member["joined_on"], "2015-01-01") if section == member["home_section"] else None
            begun = parsed(member["created_at"]) + dt.timedelta(minutes=1)
            if starts is None:
                later = draw.moment(begun, NOW)
                starts, begun = max(later.date().isoformat(), member["joined_on"]), later
            ended = member["left_on"] is not None
            rows.append(
                {
                    **draw.system_fields(begun, member["created_by"]),
                    "member": member["id"],
                    "section": section,
                    "fee_schedule": tennis["id"] if extra else by_category[category],
                    "status": "ended" if ended else "paused" if draw.chance(0.02) else "active",
                    "starts_on": starts,
                    "ends_on": max(member["left_on"], starts) if ended else None,
                    "discount_percent": draw.weighted((0, 25, 50), (90, 6, 4)),
                }
            )
    return sorted(rows, key=lambda row: (row["created_at"], row["id"]))


def fees(draw: Draw, membership_rows: list[Record], schedule_rows: list[Record], author: str) -> list[Record]:
    """What was due on 15 February of this year and the last, and whether it came."""
    prices = {row["id"]: row["amount"]["amount"] for row in schedule_rows}
    rows: list[Record] = []
    for year in (2025, 2026):
        billed = dt.datetime(year, 1, 20, 9, 0, tzinfo=dt.UTC)
        due = dt.date(year, 2, 15)
        for membership in membership_rows:
            price = prices[membership["fee_schedule"]]
            until = membership["ends_on"] or "9999"
            if price == 0 or membership["starts_on"] > f"{year}-01-01" or until < f"{year}-01-01":
                continue
            amount = (price * (100 - membership["discount_percent"]) / 100).quantize(Decimal("0.01"))
            status = draw.weighted(
                ("paid", "overdue", "returned", "waived"), (93, 4, 2, 1) if year == 2026 else (97, 1, 1, 1)
            )
            paid = due + dt.timedelta(days=draw.between(0, 20)) if status == "paid" else None
            made = billed + dt.timedelta(seconds=len(rows))
            rows.append(
                {
                    **draw.system_fields(made, author, 0),
                    "membership": membership["id"],
                    "period_from": f"{year}-01-01",
                    "period_to": f"{year}-12-31",
                    "amount": euro(amount),
                    "due_on": due.isoformat(),
                    "status": status,
                    "paid_on": paid.isoformat() if paid else None,
                    "reminders": draw.between(1, 3) if status in ("overdue", "returned") else 0,
                }
            )
    return rows


def _iban(draw: Draw) -> str:
    """A German account number with the right check digits, of a bank that does not exist."""
    account = f"00000000{draw.between(0, 9_999_999_999):010}"
    check = 98 - int(f"{account}131400") % 97  # D and E are 13 and 14, as ISO 13616 counts letters
    return f"DE{check:02}{account}"
