"""Reads of all kinds: what the schema of a role offers, and the lists of some entities alone, which is quicker."""

from collections.abc import Collection, Iterator

from graphql import build_client_schema, get_introspection_query

from tests.attack.crawler import documents
from xrm_core import naming
from xrm_core.metadata.model import Model
from xrm_core.testing import Client

_PLAIN = frozenset({"text", "long_text", "email", "phone", "url", "json"})


def lists(client: Client, model: Model, entities: Collection[str]) -> Iterator[tuple[str, bytes]]:
    """Of each entity its list and its trash, with all texts that its records have and that can be read."""
    for entity in sorted(entities):
        read = (each for each in model[entity].fields.values() if each.sealing is None)
        fields = [naming.camel(each.name) for each in read if str(each.type) in _PLAIN]
        chosen = " ".join(["id", *fields])
        name = naming.camel(model[entity].plural)
        for root in (name, f"{name}Trash"):
            answer = client.post(f"{{ {root} {{ nodes {{ {chosen} }} }} }}")
            if (
                b'"errors"' in answer.content and f"'{name}Trash' on type 'Query'" not in answer.text
            ):  # not all have one
                raise AssertionError(answer.text)
            yield root, answer.content


def everything(client: Client) -> Iterator[tuple[str, bytes]]:
    """All that a role is offered to read without arguments: lists, trash, figures, pages of plugins."""
    schema = build_client_schema(client.query(get_introspection_query(descriptions=False)))
    for document in documents(schema, 0, 0):
        if document.startswith("query") and "(" not in document:
            yield document, client.post(document).content
