"""Links of a many-to-many relation, given in place of a field: ``members: {add: [{id, role}], remove: [id]}``.

They are written as records of their entity through the same door as all others, so its rights, validation and hooks
hold for them, in the transaction of the record that they belong to.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, select

from xrm_core.errors import NotFound, ValidationFailed
from xrm_core.metadata.model import Entity, Link
from xrm_core.permissions.caller import Caller
from xrm_core.query.predicates import scan
from xrm_core.query.scan import Scope
from xrm_core.records.rights import context
from xrm_core.records.wording import invalid
from xrm_core.translation import say

if TYPE_CHECKING:
    from xrm_core.records.door import Records

MAX_LINKS = 1000
"""Links that one relation of one record may gain or lose at a time."""


@dataclass(frozen=True, slots=True)
class LinkChange:
    """What happens to the links of one record: they become ``replace`` (if given), gain ``add``, lose ``remove``.

    ``add`` has the attributes of each link by the id of the record on the other side; one that is linked already
    gets these attributes. All that the caller cannot see stays as it is.
    """

    replace: tuple[str, ...] | None
    add: Mapping[str, Mapping[str, Any]]
    remove: tuple[str, ...]


def split(kind: Entity, values: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, LinkChange]]:
    """The values that are fields, and the changes of links among them.

    Raises:
        ValidationFailed: a change contradicts itself, or is too large.
    """
    if not kind.links:
        return dict(values), {}
    fields = {name: value for name, value in values.items() if name not in kind.links}
    changes = {}
    for name, value in values.items():
        if name not in kind.links or value is None:
            continue
        problems = [{"field": name, "rule": rule, "message": message} for rule, message in _problems(value)]
        if problems:
            raise invalid(kind, problems)
        given = value.get("set")
        added = {each["id"].lower(): _attributes(each) for each in value.get("add") or ()}
        changes[name] = LinkChange(None if given is None else _ids(given), added, _ids(value.get("remove") or ()))
    return fields, changes


def owned(kind: Entity, values: Mapping[str, Any]) -> Mapping[str, Any]:
    """The values without links that belong to the other side: for those, the rights there count."""
    if not kind.links:
        return values
    return {name: value for name, value in values.items() if name not in kind.links or kind.links[name].owned}


def _attributes(given: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in given.items() if name != "id"}


def _ids(given: Any) -> tuple[str, ...]:
    return tuple(dict.fromkeys(str(each).lower() for each in given))


def _problems(value: Any) -> Iterator[tuple[str, str]]:
    if not isinstance(value, Mapping) or set(value) - {"set", "add", "remove"}:
        yield "links", say("must be an object with set, or with add and remove")
        return
    added = value.get("add") or ()
    if not all(isinstance(each, Mapping) and isinstance(each.get("id"), str) for each in added):
        yield "links", say("each of add must have an id")
        return
    ids = [each["id"].lower() for each in added]
    if value.get("set") is not None and (added or value.get("remove")):
        yield "links", say("set says all links there are to be; it cannot stand beside add or remove")
    if len(set(ids)) < len(ids):
        yield "links", say("the same record stands in add twice")
    if set(ids) & set(_ids(value.get("remove") or ())):
        yield "links", say("the same record stands in add and in remove")
    if sum(len(value.get(word) or ()) for word in ("set", "add", "remove")) > MAX_LINKS:
        yield "maxItems", say("at most {limit} links can be changed at once", limit=MAX_LINKS)


def change_links(
    records: "Records",
    connection: Connection,
    caller: Caller,
    kind: Entity,
    id_: str,
    changes: Mapping[str, LinkChange],
    *,
    touch: bool = True,
) -> bool:
    """Write the changes of a record's links; answers whether there were any. Raises what the door raises for records.

    ``touch``: a link that is given the attributes that it has counts as changed.
    """
    changed = False
    for name, change in changes.items():
        try:
            written = _change(records, connection, caller, kind, kind.links[name], id_, change, touch=touch)
        except (NotFound, ValidationFailed) as error:
            # What was there is gone, with the record on its other side, or what was not is: made from there meanwhile.
            error.overtaken = isinstance(error, NotFound) or any(each["rule"] == "unique" for each in error.problems)
            raise
        changed = changed or written
    return changed


def _change(
    records: "Records",
    connection: Connection,
    caller: Caller,
    kind: Entity,
    link: Link,
    id_: str,
    change: LinkChange,
    *,
    touch: bool,
) -> bool:
    there = _there(records, connection, caller, link, id_)
    wanted = dict(change.add)
    removed = set(change.remove)
    if change.replace is not None:
        wanted = {each: {} for each in change.replace}
        removed = there.keys() - wanted.keys()
        if len(removed) > MAX_LINKS:
            message = say("at most {limit} links can be changed at once", limit=MAX_LINKS)
            raise invalid(kind, [{"field": link.name, "rule": "maxItems", "message": message}])
    changed = False
    for other in sorted(removed & there.keys()):
        records.delete(connection, caller, link.through, there[other])
        changed = True
    for other, attributes in wanted.items():
        if other in there and attributes:
            written = records.update(connection, caller, link.through, there[other], attributes, touch=touch)
            changed = changed or written
    new = [
        {link.near: id_, link.far: other, **attributes} for other, attributes in wanted.items() if other not in there
    ]
    records.create_many(connection, caller, link.through, new)
    return changed or bool(new)


def _there(records: "Records", connection: Connection, caller: Caller, link: Link, id_: str) -> dict[str, str]:
    """Id of the record on the other side → id of the link, for the links of which the caller can see both ends.

    A link that can be seen, but not whom it joins, is none here: what becomes of it would tell.
    """
    if not all(caller.access.readable(link.through, end) for end in (link.near, link.far)):
        return {}
    scope = Scope(records.model, records.tables, caller.access, connection.dialect)
    through = records.model[link.through]
    found = scan(scope, through)
    far, near = found.column(through[link.far]), found.column(through[link.near])
    conditions = [near == id_, far.is_not(None), *([] if found.rule is None else [found.rule])]
    rows = connection.execute(select(far, found.source.c.id).where(*conditions), context(caller))
    return {str(other): str(link_id) for other, link_id in rows}
