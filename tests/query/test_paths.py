"""Two ways to one answer: statements' bytes put together, and graphql-core's executor on the same plans.

The test marked ``slow`` tries many more documents; ``XRM_HYPOTHESIS=night`` does, too.
"""

import json
import random
import re
from dataclasses import replace

import pytest
from hypothesis import given, note
from hypothesis import strategies as st

from tests.query import random_rights, random_rows
from tests.query.client_documents import ClientDocument
from tests.query.examples import examples, many_examples
from tests.query.test_oracle import policy_set
from tests.query.two_ways import CURSOR, INTROSPECTED, INTROSPECTION, Ways, alike, compact
from xrm_core.graphql.engine import Request
from xrm_core.metadata.model import Model


@examples(8)
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
        document = ClientDocument(schema, roots, chance, cursors)
        bodies = {name: _answer(each, document) for name, each in ways.items()}
        note(str(bodies))
        cursors += [found.decode() for body in bodies.values() for found in CURSOR.findall(body)]
        if b"SQLite" not in bodies["sqlite"]:  # it has limits of its own, and says so
            assert len({alike(body) for body in bodies.values()}) == 1


def _answer(ways: Ways, document: ClientDocument) -> bytes:
    """The answer to a document, after a look whether both paths give it, and the same beside introspection."""
    request = Request(document.text(), document.variables, document.operation_name, tells_cost=True)
    note(f"{request.query}\n{json.dumps(request.variables)} {request.operation_name}")
    fast, executed = ways.ask(request), ways.executed(request)
    body = compact(fast.body)
    assert (compact(executed.body), executed.executed, executed.status) == (body, fast.executed, fast.status)
    assert b"INTERNAL_ERROR" not in body
    mixed = ways.ask(replace(request, query=document.text(beside=INTROSPECTION)))
    if fast.executed:
        data, extensions = body.removesuffix(b"}").split(b',"extensions":')
        inner = data.removeprefix(b'{"data":{').removesuffix(b"}")
        parts = b",".join(each for each in (inner, INTROSPECTED) if each)
        assert compact(mixed.body) == b'{"data":{' + parts + b'},"extensions":' + extensions + b"}"
    elif b"locations" not in body:
        assert (compact(mixed.body), mixed.executed, mixed.status) == (body, fast.executed, fast.status)
    return body


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
