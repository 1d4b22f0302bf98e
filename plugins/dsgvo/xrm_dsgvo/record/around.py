"""What the record has that no annotation says, out of the registers in the database."""

from collections.abc import Callable, Mapping
from typing import Any

from xrm_dsgvo.record.making import Around

QUERY = """
query ($after: String) {
  processors(first: 200, after: $after, orderBy: [{key: ASC}]) {
    nodes {
      key name role country activities
      transfers(first: 20, where: {status: {eq: active}}, orderBy: [{id: ASC}]) {
        nodes { country instrument module validUntil }
      }
      connectors(first: 5) { nodes { key } }
    }
    pageInfo { endCursor hasNextPage }
  }
}"""
MEASURES = "{ technicalMeasures(first: 1000, orderBy: [{key: ASC}]) { nodes { key nameDe nameEn goal activities } } }"

ASSESSMENTS = """
{ assessments(
    first: 1000
    where: {status: {eq: approved}, kind: {in: [impact, legitimate_interests]}, activity: {isNull: false}}
    orderBy: [{activity: ASC}, {kind: ASC}, {approvedAt: ASC}, {id: ASC}]
) { nodes { activity kind outcome reviewOn } } }"""

Ask = Callable[[str, Mapping[str, Any]], dict[str, Any]]


def around_of(ask: Ask, settings: Any) -> Around:
    """All of it, as it is now.

    Args:
        ask: answers documents.
        settings: of the plugin.
    """
    recipients: list[dict[str, Any]] = []
    after = None
    while True:
        page = ask(QUERY, {"after": after})["processors"]
        recipients += page["nodes"]
        if not page["pageInfo"]["hasNextPage"]:
            break
        after = page["pageInfo"]["endCursor"]
    measures = ask(MEASURES, {})["technicalMeasures"]["nodes"]
    assessments = ask(ASSESSMENTS, {})["assessments"]["nodes"]
    return Around(controller_of(settings), recipients, measures, assessments)


def controller_of(settings: Any) -> dict[str, str]:
    """Who is answerable."""
    return {
        "name": settings.controller,
        "contact": settings.controller_contact,
        "officer": settings.officer_contact,
    }
