"""A small world with sealed fields: contacts, notes about them; roles that open them, and roles that do not."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.records.kit import Pack, World, build
from xrm_core.sealed.key_store import KeyStore
from xrm_core.storage.engines import Database

SECRET = "a key of the tests 0123456789 abcdefgh"


def _text(**more: Any) -> dict[str, Any]:
    return {"type": "string", **more}


FILES: dict[str, dict[str, Any]] = {
    "user": {"properties": {"name": _text()}},
    "contact": {
        "required": ["name", "iban"],
        "properties": {
            "name": _text(),
            "iban": _text(pattern="^[A-Z]{2}[0-9]{4,20}$", **{"x-sealed": {"blind": {"bits": 12, "form": "compact"}}}),
            "health": _text(maxLength=40, **{"x-sealed": {"class": "art9"}}),
        },
    },
    "note": {
        "properties": {
            "title": _text(),
            "text": _text(**{"x-type": "long_text", "x-sealed": {"subject": "contact"}}),
            "contact": {"x-relation": {"to": "contact", "inverse": "notes", "on_delete": "set_null"}},
        },
    },
}
ROLES = {
    "roles": {"admin": {}, "dsb": {}, "clerk": {}, "half": {}, "own": {}},
    "rules": {"named": {"name": {"eq": "Anna"}}},
}
POLICIES = """role,entity,action,fields,rule,effect
admin,*,*,*,,allow
dsb,contact,read,*,,allow
dsb,note,read,*,,allow
dsb,xrm_sealed,read,*,,allow
clerk,contact,read,*,,allow
clerk,contact,create,*,,allow
clerk,contact,update,*,,allow
half,contact,read,id name iban,,allow
half,xrm_sealed,read,*,,allow
own,contact,read,*,named,allow
own,xrm_sealed,read,*,,allow
"""
PACK = Pack(FILES, ROLES, POLICIES)


@contextmanager
def sealed_world(database: Database, folder: Path, plugin: object | None = None) -> Iterator[World]:
    """The world; its keys are in a file of their own."""
    world = build(database, folder, plugin, PACK)
    store = KeyStore(f"sqlite:///{folder / 'keys' / 'sealed.db'}", SECRET)
    world.records.key_store = store
    yield world
    store.close()
