"""graphql-core's executor with variables that were coerced before: of 10 000 inputs, that takes as long as SQL."""

from dataclasses import replace
from typing import Any

from graphql import DocumentNode, OperationDefinitionNode
from graphql.execution.incremental.incremental_executor import IncrementalExecutor
from graphql.execution.values import VariableValues


class KnownVariables:
    """Stands for a class of executors (``executor_class`` of :func:`graphql.execute_sync`).

    Args:
        operation: that is executed, the one in the document that it is given.
        values: its variables.
    """

    def __init__(self, operation: OperationDefinitionNode, values: VariableValues) -> None:
        self._operation = operation
        self._values = values

    def build(self, schema: Any, document: DocumentNode, *arguments: Any, **named: Any) -> Any:
        """An executor, as the class would build it; the variables that it is given are not looked at."""
        bare = replace(self._operation, variable_definitions=())
        others = (each for each in document.definitions if not isinstance(each, OperationDefinitionNode))
        found = IncrementalExecutor.build(schema, DocumentNode(definitions=(bare, *others)), *arguments, **named)
        if not isinstance(found, list):
            found.operation, found.variable_values = self._operation, self._values
        return found
