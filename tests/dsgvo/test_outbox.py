"""The gate of the outbox: plugins that know nothing of data protection pass it; and mails that ask to confirm."""

import re
from typing import Any

import pytest

from tests.dsgvo.conftest import KEY
from tests.dsgvo.consents import CONFIRM, Consents, consents  # noqa: F401 - a fixture
from xrm_core.api import Action, ActionContext, Message, MessageContent, MessageKind, Record, hookimpl, send_message
from xrm_core.plugins import load_plugins
from xrm_core.testing import Setup

ADA = "ada@example.com"


class Marketing:
    """A plugin that sends news and reminders to contacts, and imports nothing of data protection."""

    @hookimpl
    def register_actions(self) -> list[Action]:
        return [Action(f"mk.{kind}", getattr(self, f"_{kind}"), "contact") for kind in ("news", "bill")]

    def _news(self, context: ActionContext, contact: Record) -> None:
        send_message(context, Message("mk.news", ("contact", contact["id"]), ("contact", contact["id"])))

    def _bill(self, context: ActionContext, contact: Record) -> None:
        send_message(context, Message("mk.bill", ("contact", contact["id"])))

    @hookimpl
    def register_message_kinds(self) -> list[MessageKind]:
        def address(context: Any) -> Any:
            return context.read(*context.message.about)["email"]

        def compose(context: Any) -> MessageContent:
            return MessageContent("Something", f"About something. {context.message.unsubscribe or ''}")

        return [MessageKind("mk.news", address, compose, "news"), MessageKind("mk.bill", address, compose, "contract")]


@pytest.fixture(scope="module")
def xrm_setup() -> Setup:
    dsgvo = load_plugins(enabled=("dsgvo",))
    [found] = [each for each in dsgvo.infos if each.name == "dsgvo"]
    import xrm_dsgvo

    public = {**KEY, "XRM_DSGVO_PUBLIC_URL": "https://crm.example.com", "XRM_DSGVO_CONTROLLER": "Kern KG"}
    return Setup(plugins={found.name: xrm_dsgvo, "mk": Marketing()}, environment=public)


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
    link = re.search(r"https://crm\.example\.com/plugins/dsgvo/confirm/(\S+)", mail.get_content())
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
    assert url in mail.get_content()
    assert consents.mails(ADA)[0]["List-Unsubscribe"] is None
    xrm.http.post(url.removeprefix("https://crm.example.com"), data={"List-Unsubscribe": "One-Click"})
    assert consents.permit(ADA) == "E_OBJECTION"


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
