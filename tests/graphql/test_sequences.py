"""A sequence number in the API: always there in answers, never in inputs."""

import re

from tests.graphql.kit import load_model
from xrm_core.graphql.schema import build
from xrm_core.permissions.access import full_access


def test_a_sequence_number_is_read_and_filtered_but_not_given() -> None:
    model = load_model(
        {"ticket": {"number": {"type": "string", "x-sequence": {"format": "{0}"}}, "topic": {"type": "string"}}}
    )
    text = build(model, full_access(model)).text()
    types = dict(re.findall(r"(?:type|input) (\w+)(?: implements Node)? \{(.*?)\n\}", text, re.DOTALL))
    assert re.search(r"\n  number: String!", types["Ticket"])
    assert "number: StringFilter" in types["TicketFilter"]
    assert "topic" in types["CreateTicketInput"]
    assert "number" not in types["CreateTicketInput"]
    assert "topic" in types["UpdateTicketInput"]
    assert "number" not in types["UpdateTicketInput"]
