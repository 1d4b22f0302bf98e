"""What the gate goes by: all that is known of a contact point, out of one document.

It is always the same one, whether anybody is known there or not: how long a verdict takes tells as little as may be.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from xrm_dsgvo.points import restricted_form
from xrm_dsgvo.purposes import Purposes

Ask = Callable[[str, Mapping[str, Any]], dict[str, Any]]
"""``query_as_system`` of whoever asks."""

QUERY = """
query ($kind: ContactPointKind!, $value: String!, $meanwhile: String!, $digest: String!, $channel: ConsentChannel!,
  $since: DateTime!) {
  contactPoints(first: 1, where: {kind: {eq: $kind}, value: {in: [$value, $meanwhile]}}) {
    nodes {
      id value
      holders(first: 50) {
        nodes { dataSubject { id status party minorUntil deceased noticeDeliveries(first: 1) { nodes { id } } } }
        pageInfo { hasNextPage }
      }
      consents(first: 100, where: {channel: {eq: $channel}, status: {eq: given}}, orderBy: [{createdAt: DESC}]) {
        nodes {
          id products controllers confirmedAt grantedAt lastUsedAt keptUntil explicit collectionMethod evidenceText
          purpose { id }
          declaration { id }
          dataSubject { id minorUntil deceased }
          guardianConsent { status }
        }
      }
      preferences(first: 100) {
        nodes { channel wish mostPerDay mostPerWeek mostPerMonth quietFrom quietUntil topic { id } }
        pageInfo { hasNextPage }
      }
      customerExceptions(first: 50, where: {status: {eq: eligible}}) {
        nodes { id orderRef productCategory noticeAtCollection }
      }
      assessments(first: 50, where: {status: {eq: approved}, kind: {eq: presumed_consent}}) {
        nodes { reviewOn purpose { id } }
      }
      noticeDeliveries(first: 1, where: {dataSubject: {isNull: true}}) { nodes { id } }
      uses(first: 1000, where: {kind: {eq: advertising}, at: {gte: $since}}, orderBy: [{at: DESC}]) {
        nodes { channel at message purpose { id } }
      }
    }
  }
  suppressions(first: 200, where: {digest: {eq: $digest}, status: {eq: active}}) {
    nodes { channel reason at purpose { id } }
    pageInfo { hasNextPage }
  }
  assessments(first: 200, where: {status: {eq: approved}, kind: {eq: legitimate_interests}}) {
    nodes { reviewOn purpose { id } }
  }
  consentPurposes(first: 1000) { nodes { id key parent { id } } }
}"""


@dataclass
class Facts:
    """All of it, as the document answers: the fields of entities in the names of GraphQL."""

    purposes: Purposes
    point: str | None = None
    holders: list[dict[str, Any]] = field(default_factory=list)
    consents: list[dict[str, Any]] = field(default_factory=list)
    preferences: list[dict[str, Any]] = field(default_factory=list)
    exceptions: list[dict[str, Any]] = field(default_factory=list)
    presumed: list[dict[str, Any]] = field(default_factory=list)
    told: bool = False
    suppressions: list[dict[str, Any]] = field(default_factory=list)
    interests: list[dict[str, Any]] = field(default_factory=list)
    uses: list[dict[str, Any]] = field(default_factory=list)
    """Advertising that was let go there since a moment."""

    restricted: bool = False
    """The address itself is, whatever else is done with the data of whoever is reached there."""

    too_many: bool = False
    """There is more than was looked at, so nothing can be said for certain."""


def facts_of(ask: Ask, kind: str, value: str, digest: str, channel: str, since: str) -> Facts:
    """What is known of a contact point in its one form, and what was sent there ``since`` a moment."""
    found = ask(
        QUERY,
        {
            "kind": kind,
            "value": value,
            "meanwhile": restricted_form(digest),
            "digest": digest,
            "channel": channel,
            "since": since,
        },
    )
    tree = [
        {"id": each["id"], "key": each["key"], "parent": each["parent"] and each["parent"]["id"]}
        for each in found["consentPurposes"]["nodes"]
    ]
    facts = Facts(Purposes(tree))
    facts.suppressions = found["suppressions"]["nodes"]
    facts.interests = [each for each in found["assessments"]["nodes"] if each["purpose"]]
    facts.too_many = found["suppressions"]["pageInfo"]["hasNextPage"]
    for point in found["contactPoints"]["nodes"]:
        facts.point = point["id"]
        facts.restricted = point["value"] == restricted_form(digest)
        facts.holders = [each["dataSubject"] for each in point["holders"]["nodes"]]
        facts.consents = point["consents"]["nodes"]
        facts.preferences = point["preferences"]["nodes"]
        facts.exceptions = point["customerExceptions"]["nodes"]
        facts.presumed = point["assessments"]["nodes"]
        facts.uses = point["uses"]["nodes"]
        each_told = [bool(each["noticeDeliveries"]["nodes"]) for each in facts.holders]
        facts.told = bool(point["noticeDeliveries"]["nodes"]) or (bool(each_told) and all(each_told))
        more = [point[name]["pageInfo"]["hasNextPage"] for name in ("holders", "preferences")]
        facts.too_many = facts.too_many or any(more)
    return facts
