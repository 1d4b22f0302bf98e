"""Selections of the root field ``search`` → what is asked of its hits."""

from collections.abc import Iterator, Sequence
from typing import Any

from graphql import GraphQLField, SelectionSetNode, get_named_type

from xrm_core import naming
from xrm_core.graphql.arguments import Tree
from xrm_core.graphql.groups import GroupReader
from xrm_core.graphql.meanings import HitField
from xrm_core.metadata.predicate import Literal_, Operand, Param
from xrm_core.query.request import Selection
from xrm_core.query.roots import HitPart, Search, SearchBranch

USUAL_PAGE = 20
"""Hits that are answered if nobody says how many."""


class HitReader(GroupReader):
    """Translates selections of hits."""

    def branches(self, sets: Sequence[SelectionSetNode | None], type_: Any) -> Iterator[tuple[str, Selection]]:
        """The selections on a record type, or on each of those that a union or an interface stands for, by entity."""
        raise NotImplementedError

    def search(
        self, definition: GraphQLField, arguments: dict[str, Tree], sets: Sequence[SelectionSetNode | None]
    ) -> Search:
        """The search that a field asks for."""
        searchable: Any = get_named_type(definition.args["entities"].type)
        hit: Any = get_named_type(definition.type)
        known = tuple(searchable.values)
        given: Literal_ | Param = arguments.get("entities") or Literal_(known)
        self.demands.search(given)
        usual = min(USUAL_PAGE, self.demands.limits.largest_page)
        size = self.demands.page_size(arguments.get("first") or Literal_(usual))
        parts, nodes = [], {}
        with self.demands.costs.inside(size):
            for key, fields in self.each(sets, hit):
                name = fields[0].name.value
                meaning = self.meanings.get(hit.name, name)
                parts.append(
                    HitPart(key, meaning.part)
                    if isinstance(meaning, HitField)
                    else HitPart(key, "__typename", hit.name)
                )
                if name == "node":
                    inner = [each.selection_set for each in fields]
                    nodes[key] = dict(self.branches(inner, get_named_type(hit.fields[name].type)))
        self.demands.costs.add(max(1, len(nodes)), size)
        branches = {
            name: SearchBranch(
                {key: selections[name] for key, selections in nodes.items()},
                self._names(name),
                self._wanted(given, name),
            )
            for name in known
            if isinstance(given, Param) or name in given.value
        }
        return Search(arguments["text"], size, branches, tuple(parts))

    def _names(self, entity: str) -> dict[str, str]:
        """What the searched fields of an entity are called."""
        fields = self.model[entity].fields.values()
        return {field.name: naming.camel(field.name) for field in fields if field.searched}

    def _wanted(self, given: Literal_ | Param, entity: str) -> Operand | None:
        if isinstance(given, Literal_):
            return None
        entities = self.arguments.getters[given.name]
        return self.arguments.late(lambda variables: entity in entities(variables))
