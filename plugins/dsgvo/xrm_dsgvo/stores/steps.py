"""The stores of an erasure, each a step of its own: how far they are is kept, without content.

They come once nothing in the tables names the person any more, so that nothing can flow there again, and before the
change log forgets what named them, so that it is known what to look for, whatever died meanwhile.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from xrm_core.api import DataStore, JobContext, StoreSubject, ask_stores, data_stores
from xrm_dsgvo.stores.keeping import kept
from xrm_dsgvo.stores.saying import said_of

OPEN, DONE, FAILED = "open", "done", "failed"
GONE, NOT_EMPTY, STILL_NAMED = "STORE_GONE", "STORE_NOT_EMPTY", "STORE_STILL_NAMES"
"""No plugin has it any more; it still has what it said was erased; something there still names the person."""

NAMES_LOST = "STORE_NAMES_LOST"
"""Nobody knows any more by what a store could be asked."""

FOUND = frozenset({NOT_EMPTY, STILL_NAMED, NAMES_LOST})
"""What no further attempt mends: somebody has to look."""

State = dict[str, Any]
"""How a store is: ``status``, ``erased``, ``kept``, ``code``."""


def begun(stores: Mapping[str, DataStore]) -> dict[str, State]:
    """How they are at first."""
    return {name: {"status": OPEN, "erased": 0, "kept": 0, "code": ""} for name in stores}


def again(states: Mapping[str, State], stores: Mapping[str, DataStore]) -> dict[str, State]:
    """All of them are asked once more, those that have come since, too."""
    return begun(stores) | {name: {**each, "status": OPEN, "code": ""} for name, each in states.items()}


def open_of(states: Mapping[str, State]) -> list[str]:
    """Those that are not done."""
    return [name for name, each in states.items() if each["status"] != DONE]


def erased(job: JobContext, name: str, state: State, about: StoreSubject, running: list[str]) -> State:
    """Erase what a store has of a person, unless something keeps it, and look whether it is gone; how it is then."""
    store = data_stores(job).get(name)
    if store is None:
        return {**state, "status": FAILED, "code": GONE}
    registers = job.settings.all_registers()
    day = datetime.now(ZoneInfo(job.settings.time_zone)).date()
    found = ask_stores(job, "discover", about, [name])[name]
    if found.code:
        return {**state, "status": FAILED, "code": found.code}
    keep = kept(said_of(store, registers), found.items, registers, day, running)
    whom = replace(about, keep=keep)
    went = ask_stores(job, "erase", whom, [name])[name]
    if went.code:
        return {**state, "status": FAILED, "code": went.code}
    state = {**state, "erased": state["erased"] + went.count, "kept": len(keep)}
    left = ask_stores(job, "discover", about, [name])[name]
    code = left.code or (NOT_EMPTY if {each.id for each in left.items} - keep else "")
    if not code:
        named = ask_stores(job, "verify", whom, [name])[name]
        code = named.code or (STILL_NAMED if named.count else "")
    return {**state, "status": FAILED if code else DONE, "code": code}
