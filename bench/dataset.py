"""The data set: companies, contacts, opportunities and users, the same rows byte for byte on every machine.

``reference`` tables are written by hand, as somebody would who knows only these eight operations; the limit
application and the reference SQL read them. The platform gets the same rows in its own tables (``platform_data.py``).
"""

import datetime as dt
import random
import sqlite3
import uuid
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

SEED = 20260101
USERS, COMPANIES, CONTACTS, OPPORTUNITIES = 5_000, 100_000, 300_000, 200_000
EPOCH = dt.datetime(2020, 1, 1, tzinfo=dt.timezone.utc)

COUNTRIES = "US DE GB FR NL BE SE NO DK FI PL CZ AT CH IT ES PT IE CA AU NZ JP BR IN ZA".split()
INDUSTRIES = (
    "Software Banking Insurance Retail Energy Logistics Health Education Telecom Manufacturing Construction Media"
).split()
STAGES = ["prospect", "qualified", "proposal", "negotiation", "won", "lost"]
STAGE_WEIGHTS = [30, 20, 15, 10, 15, 10]
SYLLABLES = (
    "ar bel cor dan el fin gra hol in jor kel lum mar nor or pel quin ros sol tan ul ver wes xan yor zen"
).split()
FIRST_NAMES = (
    "Anna Ben Clara David Emma Felix Greta Hugo Ida Jan Karl Lena Max Nora Oskar Paula Quentin Rosa Simon Tara Uwe "
    "Vera Willem Xenia Yara Zoe"
).split()
LAST_NAMES = (
    "Adams Bauer Claes Dubois Eriksen Fischer Garcia Hansen Ivanov Jansen Koch Lopez Moreau Novak Olsen Peeters Quist "
    "Rossi Schmidt Tanaka Ueda Visser Weber Xu Young Zimmer"
).split()
SUFFIXES = "GmbH Ltd Inc BV SA AG AB Group Holding Partners".split()

COLUMNS = {
    "users": ["id", "name", "email"],
    "companies": ["id", "name", "city", "country", "industry", "employees", "annual_revenue", "created_at"],
    "contacts": ["id", "company_id", "first_name", "last_name", "email", "phone", "created_at"],
    "opportunities": ["id", "name", "company_id", "owner_id", "stage", "amount", "probability", "close_date"],
}
"""Tables in the order of their foreign keys."""

DDL_POSTGRESQL = """
DROP TABLE IF EXISTS opportunities, contacts, companies, users CASCADE;
CREATE TABLE users (id uuid PRIMARY KEY, name text NOT NULL, email text NOT NULL);
CREATE TABLE companies (
  id uuid PRIMARY KEY, name text NOT NULL, city text, country text, industry text, employees integer,
  annual_revenue numeric(14,2), created_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE contacts (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(), company_id uuid NOT NULL, first_name text, last_name text, email text,
  phone text, created_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE opportunities (
  id uuid PRIMARY KEY, name text, company_id uuid NOT NULL, owner_id uuid NOT NULL, stage text NOT NULL,
  amount numeric(14,2), probability integer, close_date date);
"""
INDEXES = """
CREATE INDEX companies_country_name ON companies (country, name);
CREATE INDEX contacts_company ON contacts (company_id);
CREATE INDEX opportunities_company ON opportunities (company_id);
CREATE INDEX opportunities_owner ON opportunities (owner_id);
CREATE INDEX opportunities_stage ON opportunities (stage);
"""
FOREIGN_KEYS_POSTGRESQL = """
ALTER TABLE contacts ADD FOREIGN KEY (company_id) REFERENCES companies (id);
ALTER TABLE opportunities ADD FOREIGN KEY (company_id) REFERENCES companies (id);
ALTER TABLE opportunities ADD FOREIGN KEY (owner_id) REFERENCES users (id);
"""
DDL_SQLITE = """
CREATE TABLE users (id TEXT PRIMARY KEY, name TEXT NOT NULL, email TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE companies (
  id TEXT PRIMARY KEY, name TEXT NOT NULL, city TEXT, country TEXT, industry TEXT, employees INTEGER,
  annual_revenue NUMERIC, created_at TEXT NOT NULL);
CREATE TABLE contacts (
  id TEXT PRIMARY KEY, company_id TEXT NOT NULL REFERENCES companies(id), first_name TEXT, last_name TEXT, email TEXT,
  phone TEXT, created_at TEXT NOT NULL);
CREATE TABLE opportunities (
  id TEXT PRIMARY KEY, name TEXT, company_id TEXT NOT NULL REFERENCES companies(id),
  owner_id TEXT NOT NULL REFERENCES users(id), stage TEXT NOT NULL, amount NUMERIC, probability INTEGER,
  close_date TEXT);
"""


def rows() -> Iterator[tuple[str, Iterator[tuple[Any, ...]]]]:
    """Each table with its rows, in the order of :data:`COLUMNS`; read each iterator before asking for the next."""
    rnd = random.Random(SEED)

    def uid() -> str:
        return str(uuid.UUID(int=rnd.getrandbits(128), version=4))

    def word() -> str:
        return "".join(rnd.choice(SYLLABLES) for _ in range(rnd.randint(2, 3))).capitalize()

    def stamp() -> str:
        return (EPOCH + dt.timedelta(seconds=rnd.randint(0, 6 * 365 * 86400))).isoformat()

    def money(low: int, high: int) -> str:
        return f"{rnd.randint(low, high) / 100:.2f}"

    users = [uid() for _ in range(USERS)]
    cities = [word() for _ in range(400)]

    def each_user() -> Iterator[tuple[Any, ...]]:
        for number, user in enumerate(users):
            first, last = rnd.choice(FIRST_NAMES), rnd.choice(LAST_NAMES)
            yield user, f"{first} {last}", f"{first}.{last}.{number}@example.com".lower()

    yield "users", each_user()
    companies = [uid() for _ in range(COMPANIES)]

    def each_company() -> Iterator[tuple[Any, ...]]:
        for company in companies:
            name = f"{word()} {word()} {rnd.choice(SUFFIXES)}"
            place = rnd.choice(cities), rnd.choice(COUNTRIES), rnd.choice(INDUSTRIES)
            yield company, name, *place, rnd.randint(1, 20000), money(10_000, 999_999_999), stamp()

    yield "companies", each_company()

    def each_contact() -> Iterator[tuple[Any, ...]]:
        for number in range(CONTACTS):
            first, last = rnd.choice(FIRST_NAMES), rnd.choice(LAST_NAMES)
            email = f"{first}.{last}.{number}@example.com".lower()
            yield uid(), rnd.choice(companies), first, last, email, f"+{rnd.randint(10**9, 10**11)}", stamp()

    yield "contacts", each_contact()

    def each_opportunity() -> Iterator[tuple[Any, ...]]:
        for _ in range(OPPORTUNITIES):
            day = dt.date(2024, 1, 1) + dt.timedelta(days=rnd.randint(0, 1000))
            key, name = uid(), f"{word()} deal"
            sides = rnd.choice(companies), rnd.choice(users)
            stage = rnd.choices(STAGES, STAGE_WEIGHTS)[0]
            yield key, name, *sides, stage, money(100_000, 50_000_000), rnd.randint(0, 100), day.isoformat()

    yield "opportunities", each_opportunity()


@cache
def tables() -> dict[str, list[dict[str, Any]]]:
    """All rows as dictionaries, in memory (about 600 MB while held)."""
    return {table: [dict(zip(COLUMNS[table], row, strict=True)) for row in each] for table, each in rows()}


def load_reference_postgresql(dsn: str) -> None:
    """Make and fill the hand-written tables."""
    import psycopg

    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(DDL_POSTGRESQL)
        for table, each in rows():
            copy = f"COPY {table} ({', '.join(COLUMNS[table])}) FROM STDIN"
            with connection.cursor() as cursor, cursor.copy(copy) as target:
                for row in each:
                    target.write_row(row)
        connection.execute(INDEXES)
        connection.execute(FOREIGN_KEYS_POSTGRESQL)
        connection.execute("VACUUM ANALYZE")


def load_reference_sqlite(path: Path) -> None:
    """Make and fill the hand-written tables in a new file."""
    path.unlink(missing_ok=True)
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.executescript(DDL_SQLITE)
    for table, each in rows():
        places = ",".join("?" * len(COLUMNS[table]))
        connection.executemany(f"INSERT INTO {table} ({','.join(COLUMNS[table])}) VALUES ({places})", each)
    connection.commit()
    connection.executescript(INDEXES)
    connection.execute("ANALYZE")
    connection.commit()
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
