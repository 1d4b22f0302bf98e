"""``xrm permissions matrix``: what every role may do with every entity."""

import csv
import html
import io
from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from xrm_core.cli.options import DatabaseUrl, Schemas

if TYPE_CHECKING:
    from xrm_core.permissions.authority import Authority
    from xrm_core.permissions.reasons import Reasons


class Format(StrEnum):
    """How the matrix is printed."""

    TABLE = "table"
    CSV = "csv"
    HTML = "html"


def matrix(
    entity: Annotated[
        list[str] | None, typer.Option(help="Only this entity; repeat it for several.", show_default=False)
    ] = None,
    role: Annotated[
        list[str] | None, typer.Option(help="Only this role; repeat it for several.", show_default=False)
    ] = None,
    form: Annotated[Format, typer.Option("--format", help="table, csv or html.")] = Format.TABLE,
    schemas: Schemas = None,
    database: DatabaseUrl = None,
) -> None:
    """Print roles × entities × actions: on which rows, with how many of the fields. «-» is: not at all."""
    from xrm_core.cli.account_lists import aligned
    from xrm_core.cli.accounts import check_roles
    from xrm_core.cli.workplace import opened
    from xrm_core.errors import NotFound
    from xrm_core.graphql.query_fields import QueryFields
    from xrm_core.permissions.authority import Authority
    from xrm_core.permissions.policy import OBJECTS, is_action, named_actions

    with opened(schemas, database, new=True) as workplace:
        check_roles(workplace, role or [])
        policies = workplace.policies()
        records = workplace.records
        queries = QueryFields(records.plugins, records.model, records.actions)
        actions = {*records.actions, *queries, *named_actions(policies.policies)}
        known = [*(each.name for each in workplace.model), *OBJECTS, *sorted(actions)]
        unknown = [name for name in entity or () if name not in known]
        if unknown:
            raise NotFound(f"There is no entity {', '.join(unknown)}.", hint=f"There are: {', '.join(sorted(known))}.")
        authority = Authority(workplace.model, policies)
    names = entity or known
    header = (*_HEADER, "run") if any(map(is_action, names)) else _HEADER
    rows = [header, *_rows(authority, role or list(policies.roles), names)]
    if form is Format.TABLE:
        typer.echo("\n".join(aligned(rows)))
    elif form is Format.CSV:
        typer.echo(_csv(rows), nl=False)
    else:
        typer.echo(_html(rows), nl=False)


_HEADER = ("role", "entity", "read", "create", "update", "delete", "share", "history", "purge")
_NOTHING = "-"


def _rows(authority: "Authority", roles: Sequence[str], names: Sequence[str]) -> Iterator[tuple[str, ...]]:
    from xrm_core.permissions.policy import OF_RECORDS, Action, is_action, is_object
    from xrm_core.permissions.reasons import may_object, reasons

    shown = [*OF_RECORDS, *([Action.RUN] if any(map(is_action, names)) else [])]

    for role in roles:
        access = authority.access(frozenset({role}))
        for name in names:
            if is_object(name):
                cells = ["all" if may_object(access, name, action) else _NOTHING for action in shown]
            else:
                entity, roles_ = authority.model[name], frozenset({role})
                cells = [_cell(reasons(authority, roles_, entity, action)) for action in OF_RECORDS]
                cells += [_NOTHING] * (len(shown) - len(cells))
            yield (role, name, *cells)


def _cell(why: "Reasons") -> str:
    """Rows and fields in short: ``own or german, 3 of 12 fields, 1 on some``."""
    from xrm_core.permissions.policy import Action, Effect
    from xrm_core.permissions.reasons import Extent

    if why.permission is None:
        return _NOTHING
    if why.follows is not None:
        rows = f"as {why.follows[0]}.{why.follows[1]}"
    else:
        names = list(dict.fromkeys(each.rule for each in why.rows(Effect.ALLOW)))
        rows = "all" if None in names else " or ".join(filter(None, names))
        barred = list(dict.fromkeys(each.rule for each in why.rows(Effect.DENY)))
        rows += f" but not {' or '.join(filter(None, barred))}" if barred else ""
    parts = [rows]
    if why.action not in (Action.DELETE, Action.SHARE, Action.PURGE) and why.follows is None:
        found = [each for each in why.fields if each.extent is not Extent.NONE]
        some = sum(each.extent is Extent.SOME for each in found)
        masked = sum(each.extent is Extent.MASKED for each in found)
        parts += [f"{len(found)} of {len(why.fields)} fields"] if len(found) < len(why.fields) else []
        parts += [f"{some} on some of them"] if some else []
        parts += [f"{masked} masked"] if masked else []
    return ", ".join(parts)


def _csv(rows: Sequence[Sequence[str]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


def _html(rows: Sequence[Sequence[str]]) -> str:
    head, *body = rows

    def line(cells: Sequence[str], tag: str) -> str:
        return "<tr>" + "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in cells) + "</tr>\n"

    return (
        '<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n<title>Permissions</title>\n'
        "<style>table{border-collapse:collapse}th,td{border:1px solid #999;padding:.2em .5em;text-align:left}</style>\n"
        f"<table>\n<thead>\n{line(head, 'th')}</thead>\n<tbody>\n"
        + "".join(line(cells, "td") for cells in body)
        + "</tbody>\n</table>\n</html>\n"
    )
