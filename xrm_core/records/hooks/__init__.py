"""Hooks of plugins before and after writes: of all records, or of an entity and some of its fields."""

from xrm_core.records.hooks.asking import RecordHooks
from xrm_core.records.hooks.check import check_hooks, registered
from xrm_core.records.hooks.on import On, RecordChange
from xrm_core.records.hooks.then import HOOK, MOST_HOOKS, HookContext, Then, follow_together

__all__ = [
    "HOOK",
    "MOST_HOOKS",
    "HookContext",
    "On",
    "RecordChange",
    "RecordHooks",
    "Then",
    "check_hooks",
    "follow_together",
    "registered",
]
