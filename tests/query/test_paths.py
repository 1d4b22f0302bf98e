"""Two ways to one answer: statements' bytes put together, and graphql-core's executor on the same plans.

The test marked ``slow`` tries many more documents; ``XRM_HYPOTHESIS=night`` does, too.
"""

import random
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.query import random_rights, random_rows
from tests.query.client_documents import ClientDocument
from tests.query.examples import examples, many_examples
from tests.query.test_oracle import policy_set
from tests.query.two_ways import CURSOR, Ways, answers
from xrm_core.graphql.engine import Request
from xrm_core.metadata.model import Model


@examples(4)
@given(data=st.data())
def test_both_paths_give_the_same_bytes_and_errors(data: st.DataObject, model: Model, ways: dict[str, Ways]) -> None:
    compare(data, model, ways)


@pytest.mark.slow
@many_examples(300)
@given(data=st.data())
def test_both_paths_give_the_same_for_many_more(data: st.DataObject, model: Model, ways: dict[str, Ways]) -> None:
    compare(data, model, ways)


def compare(data: st.DataObject, model: Model, ways: dict[str, Ways]) -> None:
    """Random documents of clients about random records under random rights, on each database."""
    rights = data.draw(random_rights.rights(model))
    rows = data.draw(random_rows.rows(model))
    chance = random.Random(data.draw(st.integers(0, 2**32)))
    for each in ways.values():
        each.world.change_rights(policy_set(rights))
        each.world.fill(rows)
    schema, roots = ways["sqlite"].roots()
    cursors: list[str] = []
    for _ in range(8 if roots else 0):
        bodies = answers(ways, ClientDocument(schema, roots, chance, cursors))
        cursors += [found.decode() for body in bodies for found in CURSOR.findall(body)]


def test_the_third_way_is_taken(ways: dict[str, Ways]) -> None:
    """Answers that are at hand are compared by ``answers``, if there are any: on SQLite, of what was asked before."""
    near, schema_and_roots, chance = 0, ways["sqlite"].roots(), random.Random(3)
    for _ in range(30):
        document = ClientDocument(*schema_and_roots, chance, [])
        answers(ways, document)
        request = Request(document.text(), document.variables, document.operation_name)
        near += ways["sqlite"].at_hand(request) is not None
        assert ways["postgresql"].at_hand(request) is None if "postgresql" in ways else True
    assert near > 5


FORMS = (
    r"fragment F\d+ on VisitRegarding ",
    r"\.\.\. on Deal ",
    r"\.\.\.F\d",
    r"\.\.\. {",
    r"@include\(if: \$",
    r"@skip\(if: true",
    r": __typename",
    r"query Q1",
    r"groupBy: \[",
    r"groupBy: \$",
    r"totals: CUBE",
    r"having: {",
    r"\(part: ",
    r"timeZone: ",
    r"totalOver",
    r"node.* dealsAggregate\(",
    r"whereLink: ",
    r"orderBy: \$",
    r"[iI]n: \$",
    r"[iI]n: \[[^]]*\$",
    r"eq: \$",
    r"first: \$",
    r": Boolean = ",
    r"cursor",
    r"pageInfo",
)


def test_the_documents_have_what_those_of_clients_have(open_way: Ways) -> None:
    schema, roots = open_way.roots()
    documents = [ClientDocument(schema, roots, random.Random(seed), []) for seed in range(200)]
    text = "\n".join(each.text() for each in documents)
    for form in FORMS:
        assert re.search(form, text), form
    assert any(None in each.variables.values() for each in documents)
    answers = [open_way.ask(Request(each.text(), each.variables)) for each in documents[:40]]
    assert 20 < sum(answer.executed for answer in answers) < 40
