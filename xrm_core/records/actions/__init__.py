"""Actions of plugins: typed functions on a record or on none, each a mutation, a command and a right of its own."""

from xrm_core.records.actions.action import Action
from xrm_core.records.actions.context import ActionContext
from xrm_core.records.actions.performing import perform
from xrm_core.records.actions.registry import Actions

__all__ = ["Action", "ActionContext", "Actions", "perform"]
