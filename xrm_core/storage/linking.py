"""A relation to one record that becomes one to many, and back: the column fills the links, and is filled by them.

The first link of a record has the record's own id, so that the same change makes the same links again.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, case, func, insert, literal, null, select, update

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


def make_links(connection: Connection, evolution: Evolution, new: Tables) -> None:
    """Fill new tables of links from the columns that have been put aside; their other columns get defaults."""
    for each in became_many(evolution):
        owner, links = new[each.pair.new.name], new[each.link.name]
        other = owner.c[naming.aside(evolution.asides.number, each.field.columns[0])]
        values: dict[str, Any] = {name: owner.c[name] for name in ("id", "created_at", "created_by", "updated_at")}
        values |= {"updated_by": owner.c.updated_by, "version": literal(1), each.near: owner.c.id, each.far: other}
        for field in each.link.fields.values():
            for name in field.columns:
                default = backfill(field)
                values.setdefault(name, null() if default is None else literal(default, links.c[name].type))
        rows = select(*values.values()).where(other.is_not(None))
        connection.execute(insert(links).from_select(list(values), rows))


def unmake_links(connection: Connection, evolution: Evolution, old: Tables) -> None:
    """Fill the column that is about to come back from aside: with the only link, or the one that it had."""
    for each in became_one(evolution):
        owner, links = old[each.pair.old.name], old[each.link.name]
        column = owner.c[each.pair.columns[each.field.columns[0]]]
        connection.execute(update(owner).values({column.name: _one(each, owner, links, column)}))


def _one(each: Linked, owner: Table, links: Table, former: ColumnElement[Any]) -> ColumnElement[Any]:
    own = links.c[each.near] == owner.c.id
    count = select(func.count()).select_from(links).where(own).scalar_subquery()
    has_former = select(links.c.id).where(own, links.c[each.far] == former).exists()
    only = select(links.c[each.far]).where(own).order_by(links.c.id).limit(1).scalar_subquery()
    return case((count == 1, only), (has_former, former), else_=null())


def too_many(each: Linked, owner: Table, links: Table) -> ColumnElement[bool]:
    """The condition of records that have several links: at most one of them comes back."""
    count = select(func.count()).select_from(links).where(links.c[each.near] == owner.c.id).scalar_subquery()
    return count > 1
