"""Two worlds that differ only in what their roles may not see, each behind a server of its own.

Every hidden value of a world has its canary in it: a word, or digits, that stand nowhere else. Hidden are whole
entities, records, fields, fields of some records, both ends of joins, what roll-ups and computed fields are made of,
files, numbers, and what a mask leaves out (all but the same four characters in both worlds). The second world has other
values there, one hidden record less, and one that the first has not.
"""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

from starlette.testclient import TestClient

from tests.graphql.kit import NOW, uid
from xrm_core.auth.tokens import create_token, set_roles
from xrm_core.permissions.caller import system
from xrm_core.permissions.fitting import put_first
from xrm_core.server.app import create_app
from xrm_core.server.assembly import assemble
from xrm_core.settings import load_settings
from xrm_core.storage import file_store
from xrm_core.storage.apply import apply
from xrm_core.storage.file_store import StoredFile


def _text(**more: Any) -> dict[str, Any]:
    return {"type": "string", "maxLength": 80, **more}


def _to(to: str | list[str], inverse: str) -> dict[str, Any]:
    return {"x-relation": {"to": to, "inverse": inverse, "on_delete": "set_null"}}


INTEGER = {"type": "integer"}
FRIENDS = {"x-relation": {"to": "contact", "many": True, "inverse": "friends_of", "attributes": {"remark": _text()}}}
ENTITIES: dict[str, dict[str, Any]] = {
    "user": {"name": _text()},
    "account": {
        "name": _text(**{"x-search": True}),
        "city": _text(),
        "code": _text(**{"x-unique": True}),
        "secret_text": _text(**{"x-search": True}),
        "salary": INTEGER,
        "doubled": {"type": "integer", "x-computed": "salary * 2"},
        "coded": {"type": "string", "x-computed": "name || COALESCE(code, '-')"},
        "note_sum": {"x-rollup": {"relation": "notes", "function": "sum", "field": "amount"}},
        "note_count": {"x-rollup": {"relation": "notes", "function": "count"}},
        "last_note": {"x-rollup": {"relation": "notes", "function": "last", "field": "text", "order_by": "text"}},
        "ticket": {"type": "string", "x-sequence": {"format": "T-{000000}"}},
        "paper": {"x-type": "file"},
        "owner": {**_to("user", "accounts"), "default": "$user"},
        "parent": _to("account", "children"),
        "vault": _to("vault", "accounts"),
        "friends": FRIENDS,
    },
    "contact": {"name": _text(**{"x-search": True}), "phone": _text(), "account": _to("account", "contacts")},
    "note": {
        "text": _text(**{"x-search": True}),
        "amount": INTEGER,
        "account": _to("account", "notes"),
        "about": _to(["account", "vault", "contact"], "mentions"),
    },
    "vault": {"word": _text(**{"x-search": True}), "amount": INTEGER},
}
KNOWS = {"x-relationship": "knows", "x-pairs": [{"from": "contact", "to": "account"}], "x-reverse": "known_by"}
KNOWS |= {"x-labels": {"en": "knows"}, "type": "object", "properties": {"strength": _text()}}
ROLES = {
    "roles": {"admin": {}, "rep": {}, "guest": {}, "nobody": {}},
    "rules": {
        "own": {"owner": {"id": {"eq": "$user"}}},
        "of_own": {"account": {"owner": {"id": {"eq": "$user"}}}},
        "in_ulm": {"city": {"eq": "Ulm"}},
        "closed": {"text": {"eq": "closed"}},
    },
}
POLICIES = """role,entity,action,fields,rule,effect
admin,*,*,*,,allow
rep,user,read,name,,allow
rep,account,read,*,own,allow
rep,account,read,secret_text salary ticket paper,,deny
rep,account,read,code,in_ulm,deny
rep,account,create,name owner parent friends,own,allow
rep,account,update,name owner parent friends,own,allow
rep,contact,read,name account created_at,of_own,allow
rep,contact,read,phone,,last_4
rep,note,read,*,of_own,allow
rep,note,read,amount,closed,deny
rep,note,create,text account about,of_own,allow
rep,knows,read,*,,allow
rep,knows,read,strength,,deny
rep,account_friend,read,*,,allow
rep,account_friend,read,remark,,deny
rep,account_friend,create,account contact,,allow
guest,account,read,name city note_count,in_ulm,allow
"""
REP, OTHER = 1, 2


@dataclass(frozen=True)
class Secrets:
    """What is hidden in a world: ``word`` is in all texts, ``number`` the first of the numbers."""

    word: str
    number: int

    def marks(self) -> list[bytes]:
        """What must not leave: the word, in either case, the numbers, twice them, and sums of them."""
        numbers = [self.number + each for each in range(12)]
        sums = {2 * each for each in numbers}
        return [self.word.encode(), self.word.upper().encode(), *(str(each).encode() for each in (*numbers, *sums))]


WORLDS = (Secrets("zqalpha", 777000100), Secrets("zqbravo", 888000200))


@dataclass(frozen=True)
class Served:
    """A world that answers."""

    http: TestClient
    tokens: dict[str, str]
    secrets: Secrets


def records(secret: Secrets) -> Iterator[tuple[str, dict[str, Any]]]:
    """The records of a world, what refers to others behind them."""
    word, number = secret.word, secret.number
    yield from (("user", {"id": uid(each), "name": f"user {each}"}) for each in (REP, OTHER, 3, 4))
    yield "vault", {"id": uid(900), "word": word, "amount": number}
    accounts = [(13, f"{word} GmbH", "Ulm", OTHER), (11, "Ulmer Bank", "Ulm", REP), (12, "Bonner Werke", "Bonn", REP)]
    if secret is WORLDS[0]:
        accounts.append((14, f"{word} & Co", "Ulm", OTHER))
    else:
        accounts.append((15, f"Alpha {word}", word, OTHER))
    for place, (id_, name, city, owner) in enumerate(accounts):
        hidden = id_ > 12
        # guests see accounts in Ulm: those that are hidden from both are elsewhere
        yield (
            "account",
            {
                "id": uid(id_),
                "name": name,
                "city": f"{word} city" if hidden else city,
                "code": f"{word}-{place}" if hidden or city == "Ulm" else "C-1",
                "secret_text": f"secret {word} {place}",
                "salary": number + place,
                "paper": uid(990),
                "owner": uid(owner),
                "parent": uid(13) if id_ == 12 else None,
                "vault": uid(900),
            },
        )
    yield "contact", {"id": uid(21), "name": "Kim", "phone": f"{word} 12345", "account": uid(11)}
    yield "contact", {"id": uid(22), "name": f"Lou {word}", "phone": f"{word} 67890", "account": uid(13)}
    yield "note", {"id": uid(31), "text": "open", "amount": 5, "account": uid(11), "about": {"contact": uid(21)}}
    yield "note", {"id": uid(32), "text": "closed", "amount": number + 5, "account": uid(11)}
    yield "note", {"id": uid(33), "text": f"x {word}", "amount": number + 6, "account": uid(13)}
    yield "note", {"id": uid(34), "text": "about", "amount": 7, "account": uid(12), "about": {"vault": uid(900)}}
    yield "note", {"id": uid(35), "text": "zz", "amount": 8, "account": uid(12), "about": {"account": uid(13)}}
    yield "account_friend", {"id": uid(41), "account": uid(11), "contact": uid(21), "remark": word}
    yield "account_friend", {"id": uid(42), "account": uid(11), "contact": uid(22), "remark": word}
    yield "account_friend", {"id": uid(43), "account": uid(13), "contact": uid(21), "remark": word}
    ends = [(51, 21, 11), (52, 22, 11), (53, 21, 13)]
    for id_, near, far in ends:
        joined = {"source": {"contact": uid(near)}, "target": {"account": uid(far)}}
        yield "knows", {"id": uid(id_), **joined, "strength": word}


@contextmanager
def serving(secret: Secrets, url: str, folder: Path) -> Iterator[Served]:
    """A server of a world on an empty database, and a token for a user of each role."""
    pack = folder / "pack"
    (pack / "permissions").mkdir(parents=True)
    (pack / "relationships").mkdir()
    for name, properties in ENTITIES.items():
        body = {"x-entity": name, "type": "object", "properties": properties}
        (pack / f"{name}.json").write_text(json.dumps(body))
    (pack / "relationships" / "knows.json").write_text(json.dumps(KNOWS))
    (pack / "permissions" / "roles.json").write_text(json.dumps(ROLES))
    (pack / "permissions" / "policies.csv").write_text(POLICIES)
    platform = assemble(load_settings(schemas=pack, database_url=url, data_dir=folder / "data"))
    rights = platform.authority.policies
    apply(platform.database, platform.model, along=lambda connection, _: put_first(connection, rights))
    people = dict(zip(("rep", "admin", "guest", "nobody"), (REP, OTHER, 3, 4), strict=True))
    with platform.database.begin() as connection:
        content = f"{secret.word} on paper".encode()
        digest = hashlib.sha256(content).hexdigest()
        file = StoredFile(uid(990), f"{secret.word}.txt", "text/plain", len(content), digest)
        file_store.add(connection, file, BytesIO(content), None)
        caller = system(platform.model, "test", sets_system_fields=True)
        for entity, values in records(secret):
            times = {"created_at": NOW, "updated_at": NOW}
            platform.records.create(connection, caller, entity, {**times, **values})
        for role, number in people.items():
            set_roles(connection, uid(number), [role])
        tokens = {role: create_token(connection, uid(number), "test") for role, number in people.items()}
    with TestClient(create_app(platform)) as http:
        yield Served(http, tokens, secret)
