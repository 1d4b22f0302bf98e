"""What tests of consents begin with: purposes, a declaration, and short words for what is done."""

from dataclasses import dataclass
from email.message import EmailMessage
from typing import Any

import pytest

from xrm_core.testing import Client, Refusal, Xrm

REQUEST = "mutation ($i: DsgvoConsentRequestInput!) { dsgvoConsentRequest(input: $i) { consent status link } }"
CONFIRM = "mutation ($t: String!) { dsgvoConsentConfirm(input: {token: $t}) { consent status } }"
RECORD = "mutation ($i: DsgvoConsentRecordInput!) { dsgvoConsentRecord(input: $i) { consent status link } }"
WITHDRAW = "mutation ($c: String!) { dsgvoConsentWithdraw(input: {consent: $c}) { consents } }"
OBJECT = "mutation ($i: DsgvoObjectionRecordInput!) { dsgvoObjectionRecord(input: $i) { objection status withdrawn } }"
PREFER = "mutation ($i: DsgvoPreferenceSetInput!) { dsgvoPreferenceSet(input: $i) { preference status } }"
CLAIM = """
mutation ($i: DsgvoClaimInput!) { dsgvoClaim(input: $i) { allowed code consent tracking unsubscribe } }"""
PERMIT = """
query ($channel: DsgvoPermitChannel!, $to: String!, $kind: DsgvoPermitKind, $purpose: String, $free: Boolean,
  $products: [String!], $category: String, $notice: Boolean, $controller: String) {
  dsgvoPermit(channel: $channel, to: $to, kind: $kind, purpose: $purpose, advertisingFree: $free, products: $products,
    productCategory: $category, optOutNotice: $notice, controller: $controller) { allowed code consent tracking }
}"""


@dataclass
class Consents:
    """An app with the purposes ``marketing`` and, below it, ``news`` and ``events``; and ``tracking``."""

    xrm: Xrm
    admin: Client
    declaration: str
    purposes: dict[str, str]

    def given(self, to: str, purpose: str = "news", channel: str = "email", **more: Any) -> dict[str, Any]:
        """Of a request."""
        more = {"source": "form", "declaration": self.declaration, **more}
        return {"channel": channel, "to": to, "purpose": purpose, **more}

    def request(self, to: str, purpose: str = "news", **more: Any) -> tuple[str, str | None]:
        """Ask for a consent: its id, and the token of the link."""
        found = self.admin.query(REQUEST, i=self.given(to, purpose, **more))["dsgvoConsentRequest"]
        return found["consent"], found["link"] and found["link"].rpartition("/")[2]

    def consent(self, to: str, purpose: str = "news", **more: Any) -> str:
        """One that is confirmed."""
        id_, token = self.request(to, purpose, **more)
        assert self.admin.query(CONFIRM, t=token)["dsgvoConsentConfirm"]["status"] == "given"
        return id_

    def consent_by_mail(self, to: str, purpose: str = "news") -> str:
        """One that is confirmed by the link in the mail that the platform sends."""
        id_, _ = self.request(to, purpose)
        self.xrm.work()
        token = self.mails(to)[-1].get_content().partition("/confirm/")[2].split()[0]
        self.admin.query(CONFIRM, t=token)
        return id_

    def mails(self, to: str) -> list[EmailMessage]:
        """Those that were sent to somebody; the platform may have told its users something, too."""
        return [mail for mail in self.xrm.mails if mail["To"] == to]

    def record(self, to: str, channel: str, at: str = "2026-01-02T03:04:05Z", **more: Any) -> str:
        """One with evidence."""
        values = {"evidence": "Recording 17", "collectionMethod": "phone", **more}
        given = self.given(to, values.pop("purpose", "news"), channel, **values)
        return str(self.admin.query(RECORD, i={"consent": given, "grantedAt": at})["dsgvoConsentRecord"]["consent"])

    def withdraw(self, consent: str) -> int:
        """How many ended."""
        return int(self.admin.query(WITHDRAW, c=consent)["dsgvoConsentWithdraw"]["consents"])

    def object(self, to: str | None = None, **more: Any) -> dict[str, Any]:
        """Somebody objects."""
        return dict(self.admin.query(OBJECT, i={"to": to, **more})["dsgvoObjectionRecord"])

    def prefer(self, to: str, **more: Any) -> dict[str, Any]:
        """Somebody wants something."""
        return dict(self.admin.query(PREFER, i={"to": to, **more})["dsgvoPreferenceSet"])

    def permit(self, to: str, purpose: str | None = "news", channel: str = "email", **more: Any) -> str:
        """The code of a dry run."""
        found = self.admin.query(PERMIT, channel=channel, to=to, purpose=purpose, **more)["dsgvoPermit"]
        return str(found["code"])

    def claim(self, to: str, purpose: str | None = "news", channel: str = "email", **more: Any) -> dict[str, Any]:
        """What a real one answers."""
        given = {"channel": channel, "to": to, "purpose": purpose, **more}
        return dict(self.admin.query(CLAIM, i=given)["dsgvoClaim"])

    def refused(self, document: str, **variables: Any) -> Refusal:
        """What the plugin says against it."""
        return self.admin.refused(document, "REFUSED_BY_PLUGIN", **variables)

    def rows(self, entity: str, fields: str, where: str = "{}") -> list[dict[str, Any]]:
        """Records as the administrator sees them, the oldest first."""
        found = self.admin.query(
            f"{{ {entity}(first: 500, where: {where}, orderBy: [{{id: ASC}}]) {{ nodes {{ {fields} }} }} }}"
        )
        return list(found[entity]["nodes"])


@pytest.fixture
def consents(xrm: Xrm) -> Consents:
    purposes: dict[str, str] = {}
    for key, parent in (("marketing", None), ("news", "marketing"), ("events", "marketing"), ("tracking", None)):
        values = {"key": key, "name_de": key, "name_en": key, "parent": purposes.get(parent or "")}
        purposes[key] = xrm.create("consent_purpose", values)
    text = {"key": "news", "language": "de", "edition": 1, "text": "Ja, ich möchte Neuigkeiten per E-Mail bekommen."}
    return Consents(xrm, xrm.as_role("admin"), xrm.create("consent_declaration", text), purposes)
