"""A sequence number in the API: always there in answers, never in inputs."""

import re

from sqlalchemy import select

from tests.graphql.kit import World, load_model, policies
from xrm_core.graphql.schema import build
from xrm_core.permissions.access import full_access
from xrm_core.storage.apply import apply
from xrm_core.storage.engines import Database
from xrm_core.storage.system import SEQUENCE


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


def test_a_dry_run_uses_no_number(database: Database) -> None:
    """Neither a gapless one nor one that is drawn apart from the change; it shows those that come next."""
    loose, gapless = ({"type": "string", "x-sequence": {"format": "{0}", "gapless": which}} for which in (False, True))
    model = load_model({"ticket": {"number": loose, "serial": gapless, "topic": {"type": "string"}}})
    apply(database, model)
    world = World(model, policies(model, ["boss,*,*,*,,allow"], {}), database.url.render_as_string(False), {})
    create = 'mutation { createTicket(input: {topic: "x"}%s) { number serial } }'
    try:
        for number in ("1", "2"):
            next_ = {"createTicket": {"number": number, "serial": number}}
            assert world.ask("boss", create % ", dryRun: true") == next_
            assert world.ask("boss", create % ", dryRun: true") == next_
            with database.read() as connection:
                last = set(connection.scalars(select(SEQUENCE.c.last)))
            assert last == ({1} if number == "2" else set())
            assert world.ask("boss", create % "") == next_
    finally:
        world.close()
