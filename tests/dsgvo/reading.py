"""Reads of all kinds: what the schema of a role offers, and the lists of some entities alone, which is quicker."""

from collections.abc import Collection, Iterator

from graphql import GraphQLSchema, build_client_schema, get_introspection_query

from tests.attack.crawler import _document, _roots
from xrm_core import naming
from xrm_core.metadata.model import Model
from xrm_core.testing import Client

_AT_ONCE = 12
"""Root fields of one document."""


_PLAIN = frozenset({"text", "long_text", "email", "phone", "url", "json"})


def lists(client: Client, model: Model, entities: Collection[str]) -> Iterator[tuple[str, bytes]]:
    """Of each entity its list and its trash, with all texts that its records have."""
    for entity in sorted(entities):
        fields = [naming.camel(each.name) for each in model[entity].fields.values() if str(each.type) in _PLAIN]
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
    """Names of root fields and the answer, for all that need no arguments; records with their own values."""
    schema = build_client_schema(client.query(get_introspection_query(descriptions=False)))
    asked = list(_asked(schema))
    for at in range(0, len(asked), _AT_ONCE):
        some = asked[at : at + _AT_ONCE]
        answer = client.post("query { " + " ".join(part for _, part in some) + " }")
        yield " ".join(name for name, _ in some), answer.content


def _asked(schema: GraphQLSchema) -> Iterator[tuple[str, str]]:
    for word, name, of in _roots(schema):
        needed = [each for each in of.args.values() if str(each.type).endswith("!")]
        if word == "query" and not needed and name != "changes":
            document = _document(schema, word, name, of, {}, 0)
            yield name, document.removeprefix("query { ").removesuffix("}")
