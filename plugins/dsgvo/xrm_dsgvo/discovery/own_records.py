"""The records that surely are a person: what an answer to them would join."""

from typing import Any

from xrm_dsgvo.discovery.graph import Key, Seed
from xrm_dsgvo.discovery.joining import Joining
from xrm_dsgvo.discovery.sources import Sources
from xrm_dsgvo.own import Writing
from xrm_dsgvo.privacy import privacy_of
from xrm_dsgvo.subjects import SUBJECT


def own_records(context: Writing, subject: str) -> list[Key]:
    """Those of a data subject: duplicates, and what became part of one of them, among them."""
    searching: Any = context
    model = context.records.model
    sources = Sources(searching, model, privacy_of(model), aside=False)
    return sorted(Joining(sources, Seed(((SUBJECT, subject),)), context.settings.region).own)
