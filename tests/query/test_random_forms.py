"""What is drawn at random has all that it should have: models, records, and the documents about them."""

import random
import re
from collections import Counter
from typing import get_args

from tests.query import random_records
from tests.query.client_documents import ClientDocument
from tests.query.random_models import Drawn, drawn
from tests.query.random_worlds import Open
from xrm_core.metadata.model import Ownership, RollupFunction
from xrm_core.metadata.types import FieldType

WORDS = (
    r"[^a-zA-Z]node\(id:",
    r"[^a-zA-Z]nodes\(ids:",
    r"\.\.\. on Node",
    r"relationships\(",
    r"network\(",
    r"asOf: ",
    r"mediaType",
    r"currency",
    r"whereLink: ",
    r"search: ",
    r"number: ",
    r"ignoring: ",
    r"has(Any|All)?: ",
    r"some: ",
    r"\.\.\. on Nothing",
)


def test_the_documents_ask_for_what_models_have(opened: Open) -> None:
    text = ""
    for seed in (0, 1):
        with opened(drawn(seed)) as (ways, values):
            schema, roots = ways["sqlite"].roots()
            documents = [ClientDocument(schema, roots, random.Random(number), [], values) for number in range(100)]
            text += "\n".join(each.text() for each in documents)
    for word in WORDS:
        assert re.search(word, text), word


def test_the_models_have_everything_and_are_right_by_construction() -> None:
    found = [drawn(seed) for seed in range(40)]
    entities = [entity for each in found for entity in each.model]
    fields = [of for entity in entities for of in entity.fields.values()]
    assert {of.type for of in fields} == set(FieldType)
    assert {of.rollup.function for of in fields if of.rollup} == set(get_args(RollupFunction))
    assert {entity.kind for entity in entities} == {"entity", "link", "relationship"}
    assert {entity.ownership for entity in entities} == {None, *get_args(Ownership)}
    for word in ("required", "unique", "indexed", "searched", "default", "sequence", "computed", "pattern"):
        assert any(getattr(of, word) for of in fields), word
    assert any(of.relation.polymorphic and of.required for of in fields if of.relation)
    assert any(entity.unique_together and entity.indexes for entity in entities)
    kinds = [entity.relationship for entity in entities if entity.relationship]
    assert any(kind.symmetric for kind in kinds)
    assert any(kind.one_at_a_time for kind in kinds)
    assert sum(bool(each.refused) for each in found) < 3
    stored = {entity for each in found for entity in _with_records(each)}
    assert stored == {"entity", "link", "relationship"}


def _with_records(of: Drawn) -> set[str]:
    """The kinds of entities that have more than one record."""
    counts = Counter(entity for entity, _ in random_records.records(of.model, random.Random(of.seed)))
    return {of.model[name].kind for name, count in counts.items() if count > 1}
