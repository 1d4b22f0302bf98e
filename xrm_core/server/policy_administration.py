"""Changes of policies at run time: the same checks, plan and history as on the command line."""

from collections.abc import Mapping
from typing import Any

import structlog
from sqlalchemy import Connection

from xrm_core.auth.events import Event, record
from xrm_core.auth.still_held import require_still_held
from xrm_core.errors import PermissionsRefused
from xrm_core.metadata.model import USER
from xrm_core.permissions.caller import User
from xrm_core.permissions.differences import differences
from xrm_core.permissions.grants import beyond
from xrm_core.permissions.in_force import PolicyChange, apply_set, in_force, plan_set
from xrm_core.permissions.policy import PolicySet
from xrm_core.permissions.role_limits import Decided
from xrm_core.settings import Settings
from xrm_core.storage.applied import current_model
from xrm_core.storage.engines import Database
from xrm_core.storage.policy_sets import newest_set, require_current
from xrm_core.storage.tables import Tables

_log = structlog.get_logger(__name__)


class PolicyAdministration:
    """What :class:`~xrm_core.graphql.permission_fields.PermissionAdministration` asks for, on one database.

    Args:
        settings: have the limits of roles that leave them open.
        database: keeps the policies.
    """

    def __init__(self, settings: Settings, database: Database) -> None:
        self._database = database
        self._usual = usual_limits(settings)

    def current(self) -> dict[str, Any]:
        """The set in force."""
        with self._database.read() as connection:
            model, stored = current_model(connection), newest_set(connection)
            if model is None or stored is None:
                raise PermissionsRefused("The database has no policies any more.")
            policies = in_force(connection, model)
        return {
            "version": stored.number,
            "appliedAt": stored.applied_at,
            "appliedBy": stored.applied_by,
            "note": stored.note,
            **_parts(policies),
            "files": [{"name": name, "text": text} for name, text in policies.files.items()],
        }

    def plan(self, caller: User, files: Mapping[str, str]) -> dict[str, Any]:
        """What it would be to put files in force. Raises PolicyInvalid."""
        change = plan_set(self._database, files)
        return self._shown(change, change.number - (not change.is_empty), self._beyond(change, caller))

    def apply(
        self, caller: User, files: Mapping[str, str], version: int, note: str, policies: str | None
    ) -> dict[str, Any]:
        """Put files in force.

        Raises:
            PolicyInvalid, PermissionsRefused, VersionConflict, PermissionsChanged: they cannot be.
            Unauthenticated, Forbidden: the caller has lost what they were let in with a moment ago.
        """

        def judge(change: PolicyChange) -> None:
            missing = self._beyond(change, caller)
            if missing:
                raise PermissionsRefused(
                    "Nobody gives more than they hold. You do not hold:\n" + "\n".join(missing),
                    hint="Nothing was changed. Leave this out, or have somebody do it who holds it.",
                    details={"beyond": missing},
                )

        def along(connection: Connection, change: PolicyChange) -> None:
            require_current(connection, change.model, policies)
            require_still_held(connection, caller, Tables(change.model, lazy=True)[USER], change.before)
            if not change.is_empty:
                record(
                    connection,
                    Event.PERMISSIONS_CHANGED,
                    user_id=caller.actor,
                    subject=str(change.number),
                    details={"note": note},
                )

        change = apply_set(
            self._database, files, note=note, applied_by=caller.actor, version=version, judge=judge, along=along
        )
        _log.info("permissions_applied", user=caller.actor, version=change.number)
        return self._shown(change, change.number, [])

    def _beyond(self, change: PolicyChange, caller: User) -> list[str]:
        return beyond(caller.access, change.model, change.before, change.after, self._usual)

    @staticmethod
    def _shown(change: PolicyChange, version: int, missing: list[str]) -> dict[str, Any]:
        found = [] if change.is_empty else differences(change.model, change.before, change.after)
        return {"version": version, "differences": [each.to_json() for each in found], "beyond": missing}


def usual_limits(settings: Settings) -> Decided:
    """Limits of roles that leave them open."""
    return Decided(settings.max_cost, settings.max_page_size, settings.max_depth, settings.statement_timeout)


def _parts(policies: PolicySet) -> dict[str, Any]:
    return {
        "roles": [
            {"name": each.name, "description": each.description, "inherits": list(each.inherits)}
            for each in policies.roles.values()
        ],
        "rules": [{"name": name, "condition": policies.rule_text(name)} for name in policies.rules],
        "policies": [
            {
                "role": each.role,
                "entity": each.entity or "*",
                "action": each.action or "*",
                "fields": "*" if each.fields is None else " ".join(sorted(each.fields)),
                "rule": each.rule or "",
                "effect": each.effect.value,
            }
            for each in policies.policies
        ],
    }
