"""A naive second opinion: reads answered in plain Python, record by record and field by field.

It knows policies, rows and documents only; nothing of it comes from the compiler under test. Documents are the trees
that :mod:`tests.query.documents` draws.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from tests.query.oracle_rights import Tree
from tests.query.oracle_sight import Row, Sight
from tests.query.oracle_values import Near, comparable, iso, on_the_wire, ordering, seconds
from xrm_core import naming
from xrm_core.metadata.model import Field
from xrm_core.metadata.types import WHOLE, FieldType


@dataclass
class Oracle(Sight):
    """Answers documents about rows for one user."""

    default_page: int = 50

    # -- orders -----------------------------------------------------------------------------------------------------

    def along(self, entity: str, row: Row, path: Sequence[str]) -> Any:
        """A value through to-one relations (names of files), and its field."""
        for name in path[:-1]:
            found = self.target(entity, row, self.model[entity][name])
            if found is None:
                return None
            entity, row = found
        return self.value(entity, row, path[-1])

    def end(self, entity: str, path: Sequence[str]) -> Field:
        """The field to which a path leads."""
        for name in path[:-1]:
            entity = self.model[entity][name].reference.targets[0]
        return self.model[entity][path[-1]]

    def sorted(self, entity: str, rows: Iterable[Row], order: Sequence[tuple[Sequence[str], bool]]) -> list[Row]:
        """Rows in an order of (path, descending), the id last in the last direction; empty values are the largest."""
        found = sorted(rows, key=lambda row: row["id"], reverse=bool(order) and order[-1][1])
        for path, descending in reversed(order):
            of = self.end(entity, path)
            found.sort(key=lambda row: ordering(of, self.along(entity, row, path)), reverse=descending)
        return found

    # -- documents --------------------------------------------------------------------------------------------------

    def root(self, request: Tree) -> Any:
        """The answer to a root field."""
        entity = request["entity"]
        if request["kind"] == "record":
            row = self.index[entity].get(request["id"])
            return self.record(entity, row, request["selection"]) if row and self.sees(entity, row) else None
        if request["kind"] == "connection":
            return self.connection(entity, self.visible(entity), request)
        return self.aggregate(entity, request)

    def record(self, entity: str, row: Row, selection: Sequence[Tree]) -> dict[str, Any]:
        answer: dict[str, Any] = {}
        for item in selection:
            match item["kind"]:
                case "typename":
                    answer[item["key"]] = naming.pascal(entity)
                case "value":
                    name = item["field"]
                    answer[item["key"]] = on_the_wire(self.model[entity][name], self.shown(entity, row, name))
                case "one":
                    found = self.target(entity, row, self.model[entity][item["field"]])
                    inner = None if found is None else item["branches"].get(found[0], ())
                    answer[item["key"]] = None if found is None else self.record(*found, inner)
                case "many":
                    other, related = self.related(self.model[entity], row, item["field"])
                    answer[item["key"]] = self.connection(other, related, item["request"])
                case "linked":
                    answer[item["key"]] = self.connection_of_links(entity, row, item["field"], item["request"])
        return answer

    def connection(self, entity: str, rows: list[Row], request: Tree) -> dict[str, Any]:
        found = [row for row in rows if self.holds(entity, row, request["where"])]
        found = self.sorted(entity, found, request["order"])
        size = request["size"]
        size = self.default_page if size is None else size
        backward = request["backward"]
        page = (found[-size:] if size else []) if backward else found[:size]
        answer: dict[str, Any] = {}
        for part in request["parts"]:
            if part == "totalCount":
                answer[part] = len(found)
            elif part == "nodes":
                answer[part] = [self.record(entity, row, request["selection"]) for row in page]
            elif part == "edges":
                answer[part] = [{"node": self.record(entity, row, request["selection"])} for row in page]
            else:
                more = len(found) > size
                answer[part] = {"hasNextPage": more and not backward, "hasPreviousPage": more and backward}
        return answer

    def connection_of_links(self, entity: str, row: Row, name: str, request: Tree) -> dict[str, Any]:
        """A connection whose edges have the attributes of links."""
        link = self.model[entity].links[name]
        joined = self.joined(self.model[entity], row, name)
        joined = [(each, other) for each, other in joined if self.holds(link.through, each, request["where_link"])]
        links = {other["id"]: each for each, other in joined}
        inner = [*request["selection"], {"kind": "value", "key": "xid", "field": "id"}]
        answer = self.connection(link.target, [other for _, other in joined], {**request, "selection": inner})
        for edge in answer.get("edges", []):
            through = self.model[link.through]
            for of in request["attributes"]:
                value = self.shown(link.through, links[edge["node"]["xid"]], of)
                edge[naming.camel(of)] = on_the_wire(through[of], value)
        for node in [*answer.get("nodes", []), *(edge["node"] for edge in answer.get("edges", []))]:
            node.pop("xid")
        return answer

    def aggregate(self, entity: str, request: Tree) -> list[dict[str, Any]]:
        rows = [row for row in self.visible(entity) if self.holds(entity, row, request["where"])]
        paths = list(dict.fromkeys(request["groups"]))
        groups: dict[tuple[Any, ...], list[Row]] = {} if paths else {(): []}
        for row in rows:
            groups.setdefault(tuple(self.along(entity, row, path) for path in paths), []).append(row)
        ends = [self.end(entity, path) for path in paths]

        def place(key: tuple[Any, ...]) -> list[Any]:
            return [ordering(of, value) for of, value in zip(ends, key, strict=True)]

        answers = []
        for key in sorted(groups, key=place)[: request["size"]]:
            answer: dict[str, Any] = {"count": len(groups[key])}
            if paths:
                answer["key"] = {}
                for path, of, value in zip(paths, ends, key, strict=True):
                    inner = answer["key"]
                    *way, last = ".".join(path).split(".")
                    for name in way:
                        inner = inner.setdefault(naming.camel(name), {})
                    inner[naming.camel(last)] = on_the_wire(of, value)
            for function, names in request["measures"].items():
                answer[function] = {
                    naming.camel(name): self._measure(entity, groups[key], function, name) for name in names
                }
            answers.append(answer)
        return answers

    def _measure(self, entity: str, rows: list[Row], function: str, name: str) -> Any:
        of = self.model[entity][name]
        if of.parts:
            return self._measure(entity, rows, function, f"{name}.amount")
        values = [value for row in rows if (value := self.value(entity, row, name)) is not None]
        if function == "countDistinct":
            return len({comparable(of, value) for value in values})
        if not values:
            return None
        if function in ("min", "max"):
            choose = min if function == "min" else max
            return on_the_wire(of, choose(values, key=lambda value: comparable(of, value)))
        if of.type is FieldType.DURATION:
            total = Decimal(sum(seconds(value) for value in values))
            mean = (total / len(values)).quantize(Decimal(1), ROUND_HALF_UP)
            return iso(int(total if function == "sum" else mean))
        total = sum((Decimal(str(value)) for value in values), Decimal())
        if function == "sum":
            return str(int(total)) if of.type in WHOLE else on_the_wire(of, total)
        if of.type is FieldType.BIG_INTEGER:
            return Near(float(total / len(values)))
        return float((total / len(values)).quantize(Decimal("0.000001"), ROUND_HALF_UP))
