"""With whose rights workflows see and write: those of their role in the policies in force, or all, if they say so."""

import threading
from collections.abc import Sequence
from dataclasses import replace
from weakref import WeakKeyDictionary

from sqlalchemy import Connection

from xrm_core.errors import Forbidden
from xrm_core.permissions.authority import Authority
from xrm_core.permissions.caller import Caller, User, system
from xrm_core.permissions.in_force import in_force
from xrm_core.records.door import Records
from xrm_core.storage.policy_sets import applied_versions
from xrm_core.workflows.definition import CAUSE, Workflow


class Rights:
    """Callers of workflows. The policies of a door for records are kept until others are in force."""

    def __init__(self) -> None:
        self._kept: WeakKeyDictionary[Records, tuple[str | None, Authority]] = WeakKeyDictionary()
        self._lock = threading.Lock()

    def caller(
        self, records: Records, connection: Connection, workflow: Workflow, causes: Sequence[tuple[str, str]], zone: str
    ) -> Caller:
        """Who a workflow is, in what it does.

        Raises:
            Forbidden: its role is none of those in force.
            PolicyInvalid: no policies are.
        """
        led_by = (*causes, (CAUSE, workflow.name))
        if workflow.role is None:
            return system(records.model, f"{CAUSE} {workflow.name}", led_by=led_by)
        authority = self._authority(records, connection)
        if workflow.role not in authority.policies.roles:
            raise Forbidden(
                f"The role {workflow.role} of the workflow {workflow.name} is not in force here.",
                hint="«xrm permissions apply» puts roles in force.",
            )
        access = authority.access(frozenset([workflow.role]))
        return replace(User(None, access, zone=zone), causes=led_by)

    def _authority(self, records: Records, connection: Connection) -> Authority:
        _, digest = applied_versions(connection)
        with self._lock:
            known = self._kept.get(records)
        if known is not None and known[0] == digest:
            return known[1]
        authority = Authority(records.model, in_force(connection, records.model))
        with self._lock:
            self._kept[records] = (digest, authority)
        return authority
