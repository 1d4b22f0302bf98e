"""``xrm permissions roles``, and ``--roles-of``: the roles that plugins bring."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from xrm_core.cli.options import AsJson, DatabaseUrl, Schemas

if TYPE_CHECKING:
    from xrm_core.cli.workplace import Workplace
    from xrm_core.permissions.in_force import PolicyChange
    from xrm_core.permissions.plugin_roles import Brought
    from xrm_core.permissions.policy import PolicySet

RolesOf = Annotated[
    list[str] | None,
    typer.Option("--roles-of", metavar="PLUGIN", help="Put the roles of a plugin upon those that are in force."),
]
Accept = Annotated[
    list[str] | None,
    typer.Option("--accept", metavar="ROLE", help="With --roles-of: a role in force that may change by that."),
]


def roles(as_json: AsJson = False, schemas: Schemas = None, database: DatabaseUrl = None) -> None:
    """List the roles that plugins bring, and whether they are in force."""
    from xrm_core.cli.account_lists import aligned
    from xrm_core.cli.failures import printable
    from xrm_core.cli.workplace import opened
    from xrm_core.permissions.plugin_roles import brought

    with opened(schemas, database) as workplace:
        workplace.check_applied()
        found, in_force = brought(workplace.plugins), _in_force(workplace).roles
    rows = [(each, name, each.document["roles"][name]) for each in found for name in each.names]
    if as_json:
        listed = [
            {"plugin": each.plugin, "role": name, "in_force": name in in_force, "labels": body.get("labels", {})}
            for each, name, body in rows
        ]
        typer.echo(json.dumps({"roles": listed}, ensure_ascii=False))
        return
    lines = aligned(
        (each.plugin, name, "in force" if name in in_force else "not in force", _label(body))
        for each, name, body in rows
    )
    typer.echo(printable("\n".join(line.strip() for line in lines)) or "No plugin brings any.")


def with_roles_of(workplace: "Workplace", names: Sequence[str]) -> tuple[dict[str, str], int]:
    """The texts of the policies in force with the roles of some plugins upon them, and the version that is in force.

    Raises:
        SettingsError: a plugin brings none.
        PolicyInvalid: nothing is in force, or they do not fit it.
    """
    from xrm_core.errors import SettingsError
    from xrm_core.permissions.plugin_roles import brought, put_upon
    from xrm_core.storage.policy_sets import newest_set

    found: dict[str, list[Brought]] = {}
    for each in brought(workplace.plugins):
        found.setdefault(each.plugin, []).append(each)
    for name in names:
        if name not in found:
            raise SettingsError(
                f"The plugin {name} brings no roles, or is not there.",
                hint=f"Those that do: {', '.join(found) or 'none'}.",
            )
    files = dict(_in_force(workplace).files)
    with workplace.database.read() as connection:
        newest = newest_set(connection)
    for name in dict.fromkeys(names):
        for each in found[name]:
            files = put_upon(files, each, workplace.model)
    return files, 0 if newest is None else newest.number


def accepting(names: Sequence[str]) -> Any:
    """What judges a change: roles in force change only if they are named."""
    from xrm_core.permissions.plugin_roles import require_accepted

    def judge(change: "PolicyChange") -> None:
        if change.before is not None:
            require_accepted(change.model, change.before, change.after, names)

    return judge


def _in_force(workplace: "Workplace") -> "PolicySet":
    from xrm_core.permissions.in_force import in_force

    with workplace.database.read() as connection:
        return in_force(connection, workplace.model)


def _label(body: Any) -> str:
    labels = body.get("labels", {}) if isinstance(body, dict) else {}
    return str(labels.get("en") or next(iter(labels.values()), "")) if isinstance(labels, dict) else ""
