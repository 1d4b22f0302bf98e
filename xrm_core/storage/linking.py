"""A relation to one record that becomes one to many, and back: the column fills the links, and is filled by them.

The first link of a record has the record's own id, so that the same change makes the same links again. On PostgreSQL
most links are made ahead of the change: :mod:`xrm_core.storage.link_ahead`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Select,
    Table,
    Text,
    and_,
    case,
    cast,
    func,
    insert,
    literal,
    null,
    select,
    update,
)

from xrm_core import naming
from xrm_core.metadata.model import Between, Entity, Field
from xrm_core.storage.evolution import EntityPair, Evolution, backfill
from xrm_core.storage.tables import Tables


@dataclass(frozen=True)
class Linked:
    """The relation ``field`` to one record, whose values are the links of ``link``; ``pair`` has the entity."""

    pair: EntityPair
    field: Field
    link: Entity

    @property
    def near(self) -> str:
        """Column of a link that refers to the record which had the relation."""
        return self.link.fields[self._between.source].columns[0]

    @property
    def far(self) -> str:
        """Column of a link that refers to the other record."""
        return self.link.fields[self._between.target].columns[0]

    @property
    def name(self) -> str:
        """Name of the relation to many."""
        return self._between.name

    @property
    def missing(self) -> tuple[str, ...]:
        """Required attributes of the links for which there is no value."""
        sides = (self._between.source, self._between.target)
        others = (field for name, field in self.link.fields.items() if name not in sides)
        return tuple(field.name for field in others if field.required and backfill(field) is None)

    @property
    def _between(self) -> Between:
        if self.link.between is None:
            raise TypeError(f"{self.link.name} holds no links")
        return self.link.between


def became_many(evolution: Evolution) -> Iterator[Linked]:
    """Relations to one record that become relations to many: told by the same name, or by ``x-renamed-from``."""
    if evolution.undone is not None:
        return
    for link in evolution.created:
        for pair in evolution.kept:
            yield from _matching(pair, link, pair.new.name, pair.dropped, evolution.former)


def became_one(evolution: Evolution) -> Iterator[Linked]:
    """Going back, relations to many that become relations to one again."""
    if evolution.undone is None:
        return
    for link in evolution.dropped:
        for pair in evolution.kept:
            yield from _matching(pair, link, pair.old.name, pair.added, evolution.renamed)


def _matching(
    pair: EntityPair, link: Entity, owner: str, fields: Iterator[Field], targets: Mapping[str, str]
) -> Iterator[Linked]:
    """``targets``: entity of the link's model → entity of the field's model."""
    if link.between is None or link.fields[link.between.source].reference.targets != (owner,):
        return
    [far] = link.fields[link.between.target].reference.targets
    for field in fields:
        told = field.name in (link.between.name, link.between.former)
        if told and field.relation is not None and field.relation.targets == (targets.get(far, far),):
            yield Linked(pair, field, link)


def make_links(connection: Connection, each: Linked, evolution: Evolution, new: Tables) -> None:
    """Fill a new table of links from the column that has been put aside."""
    owner, links = new[each.pair.new.name], new[each.link.name]
    other = owner.c[naming.aside(evolution.asides.number, each.field.columns[0])]
    values = link_values(each, owner, other, links)
    rows = select(*values.values()).where(other.is_not(None))
    connection.execute(insert(links).from_select(list(values), rows))


def link_values(
    each: Linked, owner: FromClause, other: ColumnElement[Any], links: Table
) -> dict[str, ColumnElement[Any]]:
    """Column of a link → its value, for a record of ``owner`` that refers to ``other``; attributes get defaults."""
    values: dict[str, Any] = {name: owner.c[name] for name in ("id", "created_at", "created_by", "updated_at")}
    values |= {"updated_by": owner.c.updated_by, "version": literal(1), each.near: owner.c.id, each.far: other}
    for field in each.link.fields.values():
        for name in field.columns:
            default = backfill(field)
            values.setdefault(name, null() if default is None else literal(default, links.c[name].type))
    return values


def unmake_links(connection: Connection, evolution: Evolution, old: Tables) -> None:
    """Fill the column that is about to come back from aside: with the only link, or the one that it had.

    Only records where that is another one by now are written.
    """
    for each in became_one(evolution):
        owner, links = old[each.pair.old.name], old[each.link.name]
        column = owner.c[each.pair.columns[each.field.columns[0]]]
        found = _one(each, owner.alias("records"), links, column.name).subquery("found")
        differs = and_(owner.c.id == found.c.id, column.is_distinct_from(found.c.value))
        connection.execute(update(owner).where(differs).values({column.name: found.c.value}))


def _one(each: Linked, records: FromClause, links: Table, column: str) -> Select[Any]:
    """Id of each record, and the ``value`` that its column gets."""
    near, far, former = links.c[each.near], links.c[each.far], records.c[column]
    # as text: PostgreSQL has a least text, but no least UUID before version 18
    least = func.min(cast(far, Text)).label("least")
    linked = select(near.label("record"), func.count().label("count"), least).group_by(near).subquery("linked")
    same = links.alias("same")
    value = case(
        (linked.c.count == 1, cast(linked.c.least, far.type)),
        (same.c.id.is_not(None), former),
        else_=null(),
    )
    return select(records.c.id, value.label("value")).select_from(
        records.outerjoin(linked, linked.c.record == records.c.id).outerjoin(
            same, and_(same.c[each.near] == records.c.id, same.c[each.far] == former)
        )
    )


def too_many(each: Linked, owner: Table, links: Table) -> ColumnElement[bool]:
    """The condition of records that have several links: at most one of them comes back."""
    count = select(func.count()).select_from(links).where(links.c[each.near] == owner.c.id).scalar_subquery()
    return count > 1
