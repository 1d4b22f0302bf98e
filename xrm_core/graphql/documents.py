"""Documents: parsed, held to the limits and validated once for each role's schema, then remembered."""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    parse,
    validate,
)

from xrm_core.errors import BadQuery, QueryTooLarge
from xrm_core.graphql import limits
from xrm_core.graphql.limits import DocumentLimits
from xrm_core.graphql.variables import MAX_ERRORS, Variables

MAX_DOCUMENTS = 1000
MAX_KEPT_LENGTH, MAX_KEPT_LENGTHS = 32_768, 1_048_576
"""Characters of a document that is remembered, and of all of a role's together."""

MAX_PLANS_PER_DOCUMENT = 64


@dataclass
class Document:
    """A document that was parsed. ``errors`` says why it cannot be executed; ``plans`` are made for it over time.

    ``variables`` has those of each operation, by its name, if there are no errors.
    """

    ast: DocumentNode | None
    errors: list[GraphQLError]
    operations: dict[str | None, OperationDefinitionNode] = field(default_factory=dict)
    fragments: dict[str, FragmentDefinitionNode] = field(default_factory=dict)
    variables: dict[str | None, Variables] = field(default_factory=dict)
    plans: dict[Any, Any] = field(default_factory=dict)

    def operation(self, name: str | None) -> OperationDefinitionNode:
        """The operation to execute.

        Raises:
            BadQuery: if the name does not say which one, or says one that is not there.
        """
        if name is None:
            if len(self.operations) != 1:
                raise BadQuery("The document has several operations.", hint="Say which one with operationName.")
            return next(iter(self.operations.values()))
        if name not in self.operations:
            raise BadQuery("The document has no operation of the name in operationName.")
        return self.operations[name]

    def variables_of(self, operation: OperationDefinitionNode) -> Variables:
        """The variables of one of its operations."""
        return self.variables[operation.name.value if operation.name else None]

    def remember(self, key: Any, plan: Any) -> None:
        """Keep a plan; a document that makes ever new ones begins afresh."""
        if len(self.plans) >= MAX_PLANS_PER_DOCUMENT:
            self.plans.clear()
        self.plans[key] = plan


class Documents:
    """The documents of one role's schema, those used last kept."""

    def __init__(self, schema: GraphQLSchema, document_limits: DocumentLimits) -> None:
        self._schema = schema
        self._limits = document_limits
        self._kept: OrderedDict[str, Document] = OrderedDict()
        self._size = 0

    def known(self, text: str) -> Document | None:
        """The document of a text if it was read before."""
        found = self._kept.get(text)
        if found is not None:
            self._kept.move_to_end(text)
        return found

    def keep(self, text: str, document: Document) -> None:
        """Remember a document that can be executed, unless it is uncommonly large."""
        if document.errors or len(text) > MAX_KEPT_LENGTH or text in self._kept:
            return
        self._kept[text] = document
        self._size += len(text)
        while len(self._kept) > MAX_DOCUMENTS or self._size > MAX_KEPT_LENGTHS:
            oldest, _ = self._kept.popitem(last=False)
            self._size -= len(oldest)

    def forget(self, text: str) -> None:
        """Do not keep a document any longer: it may have a secret in it."""
        if self._kept.pop(text, None) is not None:
            self._size -= len(text)

    def check_variables(self, variables: Mapping[str, Any]) -> None:
        """Raise QueryTooLarge if they exceed a limit."""
        if variables:
            limits.check_variables(variables, self._limits)

    def read(self, text: str) -> Document:
        """Parse and validate a text. Takes milliseconds, for large ones a tenth of a second.

        Raises:
            QueryTooLarge: it exceeds a limit.
        """
        try:
            ast = parse(text, max_tokens=self._limits.tokens)
        except GraphQLError as error:
            if "Parsing aborted" in error.message:
                raise QueryTooLarge(
                    f"The document is too long or nests too deep; it may have {self._limits.tokens} tokens.",
                    hint="Split it into several requests.",
                ) from None
            return Document(None, [error])
        except RecursionError:
            raise QueryTooLarge("The document nests too deep to be read.") from None
        limits.check(ast, self._limits)
        if "\\u" in text:
            limits.check_texts(ast)
        errors = validate(self._schema, ast, max_errors=MAX_ERRORS, hide_suggestions=True)
        operations = {
            node.name.value if node.name else None: node
            for node in ast.definitions
            if isinstance(node, OperationDefinitionNode)
        }
        fragments = {node.name.value: node for node in ast.definitions if isinstance(node, FragmentDefinitionNode)}
        variables = {} if errors else {name: Variables(self._schema, node) for name, node in operations.items()}
        return Document(ast, errors, operations, fragments, variables)
