"""``xrm permissions explain``: why somebody may, or may not, do something with an entity or a record."""

import json
from contextlib import nullcontext
from typing import TYPE_CHECKING, Annotated, Any

import typer

from xrm_core.cli.options import AsJson, DatabaseUrl, Schemas

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from xrm_core.cli.workplace import Workplace
    from xrm_core.metadata.model import Entity
    from xrm_core.permissions.authority import Authority
    from xrm_core.permissions.caller import User
    from xrm_core.permissions.policy import Action
    from xrm_core.permissions.reasons import Reasons
    from xrm_core.records.verdicts import Verdict


def explain(
    who: Annotated[str, typer.Argument(metavar="WHO", help="A role, or a user's e-mail address.", show_default=False)],
    action: Annotated[
        str, typer.Argument(metavar="ACTION", help="read, create, update or delete.", show_default=False)
    ],
    entity: Annotated[str, typer.Argument(metavar="ENTITY", help="An entity of the model.", show_default=False)],
    record: Annotated[
        str | None, typer.Argument(metavar="[ID]", help="A record: says which rules hold for it.", show_default=False)
    ] = None,
    field: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Only this field and the policies about it.", show_default=False),
    ] = None,
    as_json: AsJson = False,
    schemas: Schemas = None,
    database: DatabaseUrl = None,
) -> None:
    """Say which policies decide whether somebody may do something, on which records and with which fields."""
    from xrm_core.cli.permission_text import as_lines, object_lines
    from xrm_core.cli.workplace import opened
    from xrm_core.permissions.authority import Authority
    from xrm_core.permissions.policy import is_object
    from xrm_core.permissions.reasons import reasons

    stored = record is not None or "@" in who
    with opened(schemas, database, new=not stored) as workplace:
        if stored:
            workplace.check_applied()
        policies = workplace.policies()
        authority = Authority(workplace.model, policies)
        with workplace.database.read() if stored else nullcontext() as connection:
            roles, caller = _who(workplace, connection, authority, who)
            if is_object(entity):
                typer.echo("\n".join(object_lines(authority, who, roles, _action(action, entity), entity)))
                return
            kind = _entity(workplace, entity, field)
            why = reasons(authority, roles, kind, _action(action))
            checked = None
            if record is not None and connection is not None:
                checked = _verdict(workplace, connection, caller, why, record.lower())
    if as_json:
        typer.echo(json.dumps(_json(why, checked, field), ensure_ascii=False, indent=2))
    else:
        typer.echo("\n".join(as_lines(policies, why, checked, who, record, field)))


def _who(
    workplace: "Workplace", connection: "Connection | None", authority: "Authority", who: str
) -> tuple[frozenset[str], "User"]:
    """The roles, and somebody who has them; who is only a role is no user: rules that ask for one are false."""
    from xrm_core.cli.account_lists import roles_of
    from xrm_core.cli.accounts import check_roles, user_id
    from xrm_core.permissions.caller import User
    from xrm_core.records.teams import team_of, teams_below

    zone = workplace.settings.time_zone
    if "@" not in who or connection is None:
        check_roles(workplace, [who])
        roles = frozenset({who})
        return roles, User(None, authority.access(roles), zone=zone)
    found = user_id(workplace, connection, who)
    roles = frozenset(roles_of(connection, found))
    users = workplace.tables["user"]
    team = team_of(connection, found, users)
    teams = teams_below(connection, team, users)
    return roles, User(found, authority.access(roles), team, teams=teams, zone=zone)


def _action(word: str, of: str | None = None) -> "Action":
    from xrm_core.permissions.policy import OF_RECORDS, Action, done_with

    known = OF_RECORDS if of is None else done_with(of)
    if word not in known:
        raise typer.BadParameter(f"{word!r} is not one of {', '.join(known)}.", param_hint="ACTION")
    return Action(word)


def _entity(workplace: "Workplace", name: str, field: str | None) -> "Entity":
    from xrm_core.errors import NotFound

    if name not in workplace.model:
        known = ", ".join(sorted(each.name for each in workplace.model))
        raise NotFound(f"There is no entity {name}.", hint=f"There are: {known}.")
    found = workplace.model[name]
    if field is not None and field not in found.grantable():
        raise NotFound(f"There is no field {field} of a {name}.", hint=f"There are: {', '.join(found.grantable())}.")
    return found


def _verdict(workplace: "Workplace", connection: "Connection", caller: "User", why: "Reasons", id_: str) -> "Verdict":
    from xrm_core.query.scan import Scope
    from xrm_core.records.verdicts import verdict

    policies = workplace.policies()
    rules = [policies.rule(workplace.model, why.entity, each.rule) for each in why.policies]
    scope = Scope(workplace.model, workplace.tables, caller.access, connection.dialect)
    return verdict(connection, scope, caller, why.entity, why.action, id_, rules)


def _json(why: "Reasons", checked: "Verdict | None", field: str | None) -> dict[str, Any]:
    from xrm_core.cli.permission_text import fields_text

    holds: Any = [None] * len(why.policies) if checked is None else checked.rules
    answer: dict[str, Any] = {
        "entity": why.entity.name,
        "action": why.action.value,
        "allowed": why.permission is not None,
        "policies": [
            {
                "place": each.place,
                "role": each.role,
                "effect": each.effect.value,
                "fields": fields_text(each),
                "rule": each.rule,
                **({} if checked is None else {"holds": held}),
            }
            for each, held in zip(why.policies, holds, strict=True)
        ],
        "fields": {
            each.name: {
                "extent": each.extent.value,
                "given": [policy.place for policy in each.given],
                "masked": [policy.place for policy in each.masked],
                "withheld": [policy.place for policy in each.withheld],
            }
            for each in why.fields
            if field in (None, each.name)
        },
    }
    if checked is not None:
        fields = [name for name in checked.fields if field in (None, name)]
        masked = [name for name in checked.masked if field in (None, name)]
        answer["record"] = {"allowed": checked.allowed, "fields": fields, "masked": masked}
    return answer
