"""Root fields about the permissions, for roles that may see or change them: ``permissions``, ``planPermissions``,
``applyPermissions``. What they do stands above this room, behind :class:`PermissionAdministration`.
"""

from collections.abc import Mapping
from typing import Any, Protocol

from xrm_core.graphql import builder
from xrm_core.graphql.builder import Argument, ObjectType
from xrm_core.graphql.meanings import AdministrationField
from xrm_core.graphql.types import Types
from xrm_core.permissions.caller import User
from xrm_core.permissions.policy import PERMISSIONS, Action


class PermissionAdministration(Protocol):
    """Sees, plans and applies policy sets. Blocking. Answers have the shape of the GraphQL types below."""

    def current(self) -> dict[str, Any]:
        """The set in force."""

    def plan(self, caller: User, files: Mapping[str, str]) -> dict[str, Any]:
        """What it would be to put files in force. Raises PolicyInvalid: they have mistakes."""

    def apply(
        self, caller: User, files: Mapping[str, str], version: int, note: str, policies: str | None
    ) -> dict[str, Any]:
        """Put files in force in the place of ``version``, if the policies of this digest are still in force.

        Raises:
            PolicyInvalid: they have mistakes.
            PermissionsRefused: they would give what the caller does not hold.
            VersionConflict: another version is in force.
            PermissionsChanged: the caller was authorised under other policies than those in force.
        """


def add_permission_fields(types: Types) -> None:
    """The fields, as far as the role has the right."""
    if not types.access.may(PERMISSIONS, Action.READ):
        return
    file = builder.object_type("PermissionFile", "One of the two files of a policy set.")
    given = builder.input_type("PermissionFileInput", "One of the two files of a policy set; both have to be given.")
    for kind in (file, given):
        builder.add(kind, "name", str, "roles.json or policies.csv.")
        builder.add(kind, "text", str)
    current, plan = _current(types, file), _plan(types)
    types.know(file, given, current, plan)
    builder.add(types.query, "permissions", current, "The roles, rules and policies that are in force.")
    types.meanings.add("Query", "permissions", AdministrationField("permissions"))
    files = Argument("files", builder.list_of(given), "Both files of the set.")
    description = "What it would be to put these files in force. Changes nothing."
    builder.add(types.query, "planPermissions", plan, description, [files])
    types.meanings.add("Query", "planPermissions", AdministrationField("plan_permissions"))
    if not types.access.may(PERMISSIONS, Action.UPDATE):
        return
    more = [
        Argument("version", int, "The version that you have seen; if another is in force, nothing is done."),
        Argument("note", builder.optional(str), "Why, for the history."),
    ]
    description = (
        "Put these files in force. They cannot give what you do not hold. The answer comes when the server has them; "
        "it stands alone in a document."
    )
    builder.add(types.mutation, "applyPermissions", plan, description, [files, *more])
    types.meanings.add("Mutation", "applyPermissions", AdministrationField("apply_permissions"))


def _current(types: Types, file: ObjectType) -> ObjectType:
    role = builder.object_type("PermissionRole", "A role.")
    builder.add(role, "name", str)
    builder.add(role, "description", str)
    builder.add(role, "inherits", builder.list_of(str), "Roles whose rights it has, too.")
    rule = builder.object_type("PermissionRule", "A named condition for records.")
    builder.add(rule, "name", str)
    builder.add(rule, "condition", str, "As JSON text.")
    policy = builder.object_type("PermissionPolicy", "One row of the policies.")
    for name, text in (
        ("role", "Who."),
        ("entity", "With what; * is everything."),
        ("action", "What they do; * is everything."),
        ("fields", "Names separated by spaces; * is all."),
        ("rule", "On which records; empty: all."),
        ("effect", "allow or deny."),
    ):
        builder.add(policy, name, str, text)
    types.know(role, rule, policy)
    found = builder.object_type("Permissions", "A policy set.")
    builder.add(found, "version", int, "Its number.")
    builder.add(found, "appliedAt", str, "When it was put in force (RFC 3339).")
    builder.add(found, "appliedBy", builder.optional(str), "Id of who did it; null: the command line.")
    builder.add(found, "note", str, "Why.")
    builder.add(found, "roles", builder.list_of(role))
    builder.add(found, "rules", builder.list_of(rule))
    builder.add(found, "policies", builder.list_of(policy))
    builder.add(found, "files", builder.list_of(file), "The same as texts.")
    return found


def _plan(types: Types) -> ObjectType:
    difference = builder.object_type("PermissionDifference", "One difference between two policy sets.")
    builder.add(difference, "subject", str, "role, rule, policy, or right: what a role may do.")
    builder.add(difference, "change", str, "gains, loses or changes.")
    builder.add(difference, "role", str, "The role that it is about; empty if there is none.")
    builder.add(difference, "text", str, "The difference in one sentence.")
    types.know(difference)
    plan = builder.object_type("PermissionPlan", "What would be different, or is.")
    builder.add(plan, "version", int, "The version that is in force.")
    builder.add(plan, "differences", builder.list_of(difference))
    builder.add(plan, "beyond", builder.list_of(str), "What you do not hold, so that you cannot give it.")
    return plan
