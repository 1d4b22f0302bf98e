"""The columns of a report that has no rows: what its query asks for."""

from collections.abc import Iterator

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    parse,
)


def columns_of(document: str) -> list[str]:
    """Paths of what each record or group would have, in the order of the query; each once, of all root fields.

    Args:
        document: that is answered, so that it can be parsed and its fragments end.
    """
    parsed = parse(document)
    names: dict[str, None] = {}
    for each in parsed.definitions:
        if isinstance(each, OperationDefinitionNode):
            for root in _fields(parsed, each.selection_set):
                names.update(dict.fromkeys(_paths(parsed, _row(parsed, root.selection_set), "")))
    return list(names)


def _row(document: DocumentNode, selection: SelectionSetNode | None) -> SelectionSetNode | None:
    """What is asked of each row: of a list of records that of its nodes."""
    nodes = [each for each in _fields(document, selection) if each.name.value == "nodes"]
    return nodes[0].selection_set if nodes else selection


def _paths(document: DocumentNode, selection: SelectionSetNode | None, path: str) -> Iterator[str]:
    for each in _fields(document, selection):
        name = each.alias.value if each.alias else each.name.value
        whole = f"{path}.{name}" if path else name
        if each.selection_set is None:
            yield whole
        else:
            yield from _paths(document, each.selection_set, whole)


def _fields(document: DocumentNode, selection: SelectionSetNode | None) -> Iterator[FieldNode]:
    """The fields of a selection, those of fragments in their place."""
    for each in selection.selections if selection else ():
        if isinstance(each, FieldNode):
            yield each
        elif isinstance(each, FragmentSpreadNode):
            for other in document.definitions:
                if isinstance(other, FragmentDefinitionNode) and other.name.value == each.name.value:
                    yield from _fields(document, other.selection_set)
        elif isinstance(each, InlineFragmentNode):
            yield from _fields(document, each.selection_set)
