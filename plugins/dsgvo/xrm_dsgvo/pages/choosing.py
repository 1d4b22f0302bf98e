"""The preference centre: what somebody has consented to, takes back, and wants less of."""

from html import escape
from typing import Any

from starlette.responses import Response

from xrm_core.api import Record, Route, RouteContext
from xrm_dsgvo.consent.withdrawing import WithdrawInput, withdraw
from xrm_dsgvo.pages.confirming import unknown
from xrm_dsgvo.pages.leaving import address_of, is_fresh, language_for, purpose_name, use_of
from xrm_dsgvo.pages.page import button, page, paragraph
from xrm_dsgvo.pages.words import WORDS
from xrm_dsgvo.points import POINT
from xrm_dsgvo.preferences import CAPS, PREFERENCE, keep

_MOST = 1_000
_NOTHING: dict[str, Any] = dict.fromkeys((*CAPS, "quiet_from", "quiet_until", "language"))
_PERIODS = {"day": "most_per_day", "week": "most_per_week", "month": "most_per_month"}


def routes() -> list[Route]:
    """To look, and to change."""
    path = "/preferences/{token}"
    return [
        Route(path, show, public=True, per_minute=30),
        Route(path, choose, ("POST",), public=True, per_minute=20, max_bytes=16_384),
    ]


def show(context: RouteContext) -> Response:
    """What there is."""
    use = use_of(context)
    return unknown(context) if use is None else _page(context, use)


def choose(context: RouteContext) -> Response:
    """One consent is taken back, or the wishes are kept: for the topics of the consents, and how many messages."""
    use = use_of(context)
    if use is None:
        return unknown(context)
    words = WORDS[language_for(context, use)]
    if not is_fresh(context, use):
        return _page(context, use)
    context.hold(POINT, use["contact_point"])
    sent = context.request.form()
    consents = _consents(context, use)
    if sent.get("withdraw"):
        for each in consents:
            if each["id"] == sent["withdraw"]:
                withdraw(context, WithdrawInput(each["id"], "preferences"))
        return _page(context, use, words["taken_back"])
    most = sent.get("most", "").strip()
    if most and not (most.isascii() and most.isdigit() and int(most) <= _MOST):
        return _page(context, use, words["bad_most"], 422)
    for purpose in dict.fromkeys(each["purpose"] for each in consents):
        wish = "wanted" if sent.get(f"topic_{purpose}") else "unwanted"
        _keep(context, use, purpose, {"wish": wish})
    wanted = _PERIODS.get(sent.get("per", ""), "most_per_month")
    _keep(context, use, None, {name: int(most) if most and name == wanted else None for name in CAPS})
    return _page(context, use, words["saved"])


def _keep(context: RouteContext, use: Record, topic: str | None, wanted: dict[str, Any]) -> None:
    """What else is known of it stays."""
    before = _preference(context, use, topic) or {"wish": "neutral", **_NOTHING}
    values = {name: before[name] for name in ("wish", *_NOTHING)} | wanted
    keep(context, use["contact_point"], {**values, "topic": topic, "channel": None})


def _preference(context: RouteContext, use: Record, topic: str | None) -> Record | None:
    found = context.find(PREFERENCE, {"contact_point": {"id": {"eq": use["contact_point"]}}}, 1_000)
    return next((each for each in found if (each["topic"], each["channel"]) == (topic, None)), None)


def _consents(context: RouteContext, use: Record) -> list[Record]:
    where = {"contact_point": {"id": {"eq": use["contact_point"]}}, "status": {"eq": "given"}}
    return context.find("consent", where, 200)


def _page(context: RouteContext, use: Record, told: str = "", status: int = 200) -> Response:
    language = language_for(context, use)
    words = WORDS[language]
    if not is_fresh(context, use):
        return page(language, words["expired"], paragraph(words["expired_text"]), 410)
    consents = _consents(context, use)
    names = {each["purpose"]: purpose_name(context, each["purpose"], language) for each in consents}
    topics = "".join(_topic(context, use, purpose, name) for purpose, name in names.items())
    every = _preference(context, use, None)
    limit = _limit(every, words)
    chosen = f"<fieldset><legend>{escape(words['topics'])}</legend>{topics or paragraph(words['no_topics'])}</fieldset>"
    form = f'<form method="post">{chosen}{limit}<p><button type="submit">{escape(words["save"])}</button></p></form>'
    body = paragraph(told, told=True) if told else ""
    body += paragraph(words["preferences_text"].format(address=address_of(context, use))) + form
    if consents:
        body += f"<h2>{escape(words['consents'])}</h2>"
        body += "".join(_consent(each, names[each["purpose"]], words) for each in consents)
    return page(language, words["preferences"], body, status)


def _limit(preference: Record | None, words: dict[str, str]) -> str:
    """How many messages at most, and in which time; of several limits that are kept the shortest time."""
    kept = [per for per, name in _PERIODS.items() if preference is not None and preference[name] is not None]
    per = kept[0] if kept else "month"
    most = str((preference or {})[_PERIODS[per]]) if kept else ""
    found = f'<p><label for="most">{escape(words["most"])}</label><br>'
    found += f'<input id="most" name="most" type="text" inputmode="numeric" maxlength="4" value="{most}"></p>'
    options = "".join(
        f'<option value="{each}"{" selected" if each == per else ""}>{escape(words[f"per_{each}"])}</option>'
        for each in _PERIODS
    )
    found += f'<p><label for="per">{escape(words["per"])}</label><br>'
    return f'{found}<select id="per" name="per">{options}</select></p>'


def _topic(context: RouteContext, use: Record, purpose: str, name: str) -> str:
    preference = _preference(context, use, purpose)
    checked = "" if preference is not None and preference["wish"] == "unwanted" else " checked"
    field = f'<input type="checkbox" name="topic_{purpose}" value="1"{checked}>'
    return f"<p><label>{field} {escape(name)}</label></p>"


def _consent(consent: Record, name: str, words: dict[str, str]) -> str:
    since = words["since"].format(purpose=name, day=str(consent["granted_at"])[:10])
    return paragraph(since) + button(words["take_back"].format(purpose=name), "withdraw", consent["id"])
