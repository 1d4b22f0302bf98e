"""The gate of the outbox: plugins that know nothing of data protection pass it; and mails that ask to confirm."""

import re
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import aiosmtplib
import pytest

from tests.dsgvo.conftest import KEY
from tests.dsgvo.consents import CONFIRM, Consents, consents  # noqa: F401 - a fixture
from tests.dsgvo.test_informing import OWE
from tests.dsgvo.test_templates import approved
from xrm_core.api import Action, ActionContext, Message, MessageContent, MessageKind, Record, hookimpl, send_message
from xrm_core.plugins import load_plugins
from xrm_core.testing import Setup

ADA = "ada@example.com"
PIXEL = '<img src="https://count.example.net/o.gif" width="1">'


class Marketing:
    """A plugin that sends news and reminders to contacts, and imports nothing of data protection."""

    def __init__(self) -> None:
        self.watched: list[bool] = []

    @hookimpl
    def register_actions(self) -> list[Action]:
        names = ("news", "bill", "trick", "offer", "stored", "inform")
        return [Action(f"mk.{kind}", getattr(self, f"_{kind}"), "contact") for kind in names]

    def _trick(self, context: ActionContext, contact: Record) -> None:
        send_message(context, Message("mk.news", ("contact", contact["id"]), payload={"purpose": "contract"}))

    def _offer(self, context: ActionContext, contact: Record) -> None:
        send_message(context, Message("mk.bill", ("contact", contact["id"]), payload={"purpose": "news"}))

    def _news(self, context: ActionContext, contact: Record) -> None:
        send_message(context, Message("mk.news", ("contact", contact["id"]), ("contact", contact["id"])))

    def _inform(self, context: ActionContext, contact: Record) -> None:
        person, notice = ("contact", contact["id"]), context.find("privacy_notice", {}, 1)[0]["id"]
        send_message(context, Message("mk.bill", person, person, payload={"notice": notice}))

    def _bill(self, context: ActionContext, contact: Record) -> None:
        send_message(context, Message("mk.bill", ("contact", contact["id"])))

    def _stored(self, context: ActionContext, contact: Record) -> None:
        """A text that is stored, by a template that the contact names."""
        kind, template = contact["job_title"].split()
        send_message(context, Message(f"mk.{kind}", ("contact", contact["id"]), payload={"template": template}))

    @hookimpl
    def register_message_kinds(self) -> list[MessageKind]:
        def address(context: Any) -> Any:
            return context.read(*context.message.about)["email"]

        def compose(context: Any) -> MessageContent:
            self.watched.append(context.message.tracking)
            text = f"About something. {context.message.unsubscribe or ''}"
            return MessageContent("Something", text, f"<p>About something. {PIXEL}</p>")

        return [MessageKind("mk.news", address, compose, "news"), MessageKind("mk.bill", address, compose, "contract")]


MARKETING = Marketing()


@pytest.fixture(scope="module")
def xrm_setup() -> Setup:
    dsgvo = load_plugins(enabled=("dsgvo",))
    [found] = [each for each in dsgvo.infos if each.name == "dsgvo"]
    import xrm_dsgvo

    public = {**KEY, "XRM_DSGVO_PUBLIC_URL": "https://crm.example.com", "XRM_DSGVO_CONTROLLER": "Kern KG"}
    return Setup(plugins={found.name: xrm_dsgvo, "mk": MARKETING}, environment=public)


NEWS = "mutation ($id: ID!) { newsContact(id: $id) { id } }"
BILL = "mutation ($id: ID!) { billContact(id: $id) { id } }"


def test_what_other_plugins_send_passes_the_gate_twice(consents: Consents):  # noqa: F811
    xrm, admin = consents.xrm, consents.admin
    contact = xrm.create("contact", last_name="Kern", email=ADA)

    # what is needed for a contract goes, advertising does not
    admin.query(BILL, id=contact)
    refused = admin.refused(NEWS, "MESSAGE_REFUSED", id=contact)
    assert (refused.details["reason"], refused.message) == ("E_NO_BASIS", "Nothing allows it.")
    xrm.work()
    assert [mail["Subject"] for mail in consents.mails(ADA)] == ["Something"]

    # with a consent it is let into the outbox, and stopped when somebody objects before it leaves
    asked, _ = consents.request(ADA)
    xrm.work()
    [_, mail] = consents.mails(ADA)
    link = re.search(r"https://crm\.example\.com/plugins/dsgvo/confirm/(\S+)", mail.get_body(("plain",)).get_content())
    assert link is not None
    assert admin.query(CONFIRM, t=link[1])["dsgvoConsentConfirm"]["status"] == "given"
    admin.query(NEWS, id=contact)
    consents.object(ADA)
    assert xrm.work().job("send_message").result == {"state": "refused", "reason": "E_OBJECTION"}
    assert len(consents.mails(ADA)) == 2

    # … at once, where it is known who gets it
    consents.consent_by_mail(ADA)
    admin.query(NEWS, id=contact)
    consents.object(ADA, person={"entity": "contact", "record": contact})
    with xrm.database.read() as connection:
        newest = connection.exec_driver_sql("SELECT state, reason FROM xrm_message ORDER BY id DESC").first()
    assert newest is not None
    assert tuple(newest) == ("refused", "E_OBJECTION")

    # what is let go is noted when it leaves, once
    consents.consent_by_mail(ADA)
    admin.query(NEWS, id=contact)
    assert len(consents.rows("consentUses", "id", '{code: {eq: "C_CONSENT"}}')) == 0
    assert xrm.work().job("send_message").result == {"state": "sent", "reason": None}
    [use] = consents.rows("consentUses", "message kind channel at consent { lastUsedAt }", '{code: {eq: "C_CONSENT"}}')
    assert (use["kind"], use["channel"], bool(use["message"])) == ("advertising", "email", True)
    assert use["consent"] == {"lastUsedAt": use["at"]}  # a consent shows when it was used last
    assert asked

    # with a link by which mail programs unsubscribe
    mail = consents.mails(ADA)[-1]
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    url = mail["List-Unsubscribe"].strip("<>")
    assert url in mail.get_body(("plain",)).get_content()
    assert consents.mails(ADA)[0]["List-Unsubscribe"] is None
    xrm.http.post(url.removeprefix("https://crm.example.com"), data={"List-Unsubscribe": "One-Click"})
    assert consents.permit(ADA) == "E_OBJECTION"


def test_a_notice_was_given_once_its_message_was_taken(
    consents: Consents,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # given somebody who is to be told, and a mail with the notice that no server takes
    xrm, inform = consents.xrm, "mutation ($id: ID!) { informContact(id: $id) { id } }"
    contact = xrm.create("contact", last_name="Kern", email=ADA)
    person = {"entity": "contact", "record": contact}
    owed = {"person": person, "source": "Adressen AG", "collectedOn": date.today().isoformat()}
    xrm.as_role("dsgvo_agent").query(OWE, i=owed)
    text = {"key": "prospects", "language": "en", "edition": 1, "article": "article_14", "text": "We have your data."}
    xrm.create("privacy_notice", text)

    async def unwilling(*_: Any, **__: Any) -> None:
        raise aiosmtplib.SMTPDataError(554, "no")

    with monkeypatch.context() as patch:
        patch.setattr(aiosmtplib, "send", unwilling)
        consents.admin.query(inform, id=contact)
        assert xrm.work().job("send_message").result == {"state": "failed", "reason": "MAIL_NOT_TAKEN"}

    # then nobody was told
    assert consents.rows("noticeDeliveries", "id") == []
    assert [each["status"] for each in consents.rows("noticeDuties", "status")] == ["open"]

    # when another one is taken
    consents.admin.query(inform, id=contact)
    xrm.work()

    # then they were, once
    [delivery] = consents.rows("noticeDeliveries", "via contactPoint { value } dataSubject { id }")
    assert (delivery["via"], delivery["contactPoint"]) == ("email", {"value": ADA})
    assert delivery["dataSubject"] is not None
    assert [each["status"] for each in consents.rows("noticeDuties", "status")] == ["told"]


def test_a_payload_makes_no_contract_of_advertising(consents: Consents):  # noqa: F811
    contact = consents.xrm.create("contact", last_name="Kern", email=ADA)
    send = "mutation ($id: ID!) { %sContact(id: $id) { id } }"

    for each in ("trick", "offer"):
        refused = consents.admin.refused(send % each, "MESSAGE_REFUSED", id=contact)
        assert refused.details["reason"] == "E_NO_BASIS"
    consents.consent_by_mail(ADA)
    refused = consents.admin.refused(send % "trick", "MESSAGE_REFUSED", id=contact)
    assert refused.details["reason"] == "E_NO_BASIS"  # there is no purpose of advertising that is called so
    consents.admin.query(send % "offer", id=contact)
    assert consents.xrm.work().job("send_message").result == {"state": "sent", "reason": None}
    assert consents.rows("consentUses", "kind", '{code: {eq: "C_CONSENT"}}') == [{"kind": "advertising"}]


def test_a_template_makes_advertising_of_a_message_and_never_less(consents: Consents):  # noqa: F811
    stored = "mutation ($id: ID!) { storedContact(id: $id) { id } }"
    for key, more in (("plain", {}), ("survey", {"kind": "advertising", "containsAdvertising": True})):
        approved(consents, key, **more)
    codes = {"bill unknown": "E_TEMPLATE", "bill survey": "E_NO_BASIS", "news plain": "E_NO_BASIS"}

    for title, code in codes.items():
        contact = consents.xrm.create("contact", last_name="Kern", email=ADA, job_title=title)
        assert consents.admin.refused(stored, "MESSAGE_REFUSED", id=contact).details["reason"] == code
    consents.admin.query(stored, id=consents.xrm.create("contact", last_name="K", email=ADA, job_title="bill plain"))

    consents.xrm.work()
    assert consents.rows("consentUses", "code kind") == [{"code": "T_CONTRACT", "kind": "transactional"}]


def test_who_sleeps_gets_it_in_the_morning_and_is_watched_only_if_they_have_agreed(consents: Consents):  # noqa: F811
    xrm = consents.xrm
    contact = xrm.create("contact", last_name="Kern", email=ADA)
    consents.consent_by_mail(ADA)
    now = xrm.clock.now().astimezone(ZoneInfo("Europe/Berlin"))
    begins, ends = now - timedelta(hours=1), now + timedelta(hours=2)
    consents.prefer(ADA, quietFrom=f"{begins:%H:%M}", quietUntil=f"{ends:%H:%M}")

    consents.admin.query(NEWS, id=contact)
    xrm.work()

    assert len(consents.mails(ADA)) == 1  # the one that asked to confirm
    answer = consents.admin.query(
        '{ dsgvoPermit(channel: email, to: "ada@example.com", purpose: "news") { code until } }'
    )
    assert answer["dsgvoPermit"]["code"] == "P_PREFERENCE"
    assert datetime.fromisoformat(answer["dsgvoPermit"]["until"]) == ends.replace(second=0, microsecond=0)
    # who gets nothing anyway is not waited for
    assert consents.admin.query(
        '{ dsgvoPermit(channel: email, to: "ada@example.com", purpose: "events") { code until } }'
    ) == {"dsgvoPermit": {"code": "P_PREFERENCE", "until": None}}

    MARKETING.watched.clear()
    xrm.clock.set(ends)
    xrm.work()
    assert len(consents.mails(ADA)) == 2
    consents.consent_by_mail(ADA, "tracking")
    consents.admin.query(NEWS, id=contact)
    xrm.work()
    assert MARKETING.watched == [False, True]
    # a plugin that looks at neither counts only where that was consented to
    bodies = [mail.get_body(("html",)) for mail in consents.mails(ADA)]
    assert [PIXEL in str(body.get_content()) for body in bodies if body is not None] == [False, True]


def test_the_mail_that_asks_says_what_it_is_about_and_no_more(consents: Consents):  # noqa: F811
    xrm = consents.xrm
    consents.request(ADA)
    [before] = consents.rows("consents", "status tokenHash")
    assert before == {"status": "requested", "tokenHash": None}

    xrm.work()

    [mail] = consents.mails(ADA)
    assert (mail["To"], mail["Subject"], mail["Content-Language"]) == (ADA, "Bitte bestätigen: news", "de")
    text = mail.get_content()
    assert "Ja, ich möchte Neuigkeiten per E-Mail bekommen." in text
    assert "verfällt nach 14 Tagen" in text
    [after] = consents.rows("consents", "status tokenHash messageId")
    assert after["status"] == "pending_confirmation"
    assert after["messageId"]
    token = text.partition("/confirm/")[2].split()[0]
    assert token not in str(after)
