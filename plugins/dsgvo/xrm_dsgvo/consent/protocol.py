"""The protocol of a consent as somebody reads and prints it: one page without anything from elsewhere."""

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

from xrm_core.api import Model

_STYLE = (
    "body{font:16px/1.5 sans-serif;max-width:50rem;margin:2rem auto;padding:0 1rem;color:#111;background:#fff}"
    "table{border-collapse:collapse;width:100%}th,td{border:1px solid #767676;padding:.35rem .5rem;text-align:left;"
    "vertical-align:top}th{width:14rem}blockquote{white-space:pre-wrap;border-left:4px solid #767676;margin:0;"
    "padding:0 1rem}td{white-space:pre-wrap}"
)
_WORDS: Mapping[str, tuple[str, str]] = {
    "title": ("Protokoll einer Einwilligung", "Protocol of a consent"),
    "declared": ("Wortlaut, der gezeigt wurde", "What was shown, word for word"),
    "facts": ("Was dazu festgehalten ist", "What is kept of it"),
    "happened": ("Was damit geschehen ist", "What has happened to it"),
    "id": ("Kennung", "Id"),
    "status": ("Stand", "Status"),
    "person": ("Person (Kennung)", "Person (id)"),
    "point": ("Kontaktpunkt", "Contact point"),
    "channel": ("Kanal", "Channel"),
    "purpose": ("Zweck", "Purpose"),
    "products": ("Beschränkt auf", "Limited to"),
    "controllers": ("Erteilt gegenüber", "Given to"),
    "text": ("Erklärung, Fassung", "Declaration, edition"),
    "notice": ("Datenschutzhinweis", "Privacy notice"),
    "method": ("Erhoben", "Collected"),
    "source": ("Quelle", "Source"),
    "evidence": ("Nachweis", "Evidence"),
    "file": ("Nachweis (Datei)", "Evidence (file)"),
    "requested": ("Bestätigung erbeten", "Confirmation asked for"),
    "message": ("Nachricht mit der Bitte", "Message that asked"),
    "confirmed": ("Bestätigt", "Confirmed"),
    "granted": ("Erteilt", "Granted"),
    "withdrawn": ("Widerrufen", "Withdrawn"),
    "guardian": ("Einwilligung der Sorgeberechtigten", "Guardian's consent"),
    "used": ("Zuletzt genutzt", "Last used"),
    "uses": ("Nutzungen", "Uses"),
    "at": ("Zeitpunkt (UTC)", "At (UTC)"),
    "kind": ("Ereignis", "Event"),
    "via": ("Weg", "Via"),
    "note": ("Bemerkung", "Note"),
    "none": ("Ein Wortlaut ist nicht festgehalten.", "No text is kept."),
}


def protocol(consent: Mapping[str, Any], settings: Any, language: str, model: Model) -> str:
    """The page, of a consent as the API answers it; choices are called as the entity files call them."""

    def word(name: str) -> str:
        return escape(_WORDS[name][language != "de"])

    said = consent["declaration"]
    text = f"<blockquote>{escape(said['text'])}</blockquote>" if said else f"<p>{word('none')}</p>"
    if said and said["withdrawalHint"]:
        text += f"<blockquote>{escape(said['withdrawalHint'])}</blockquote>"

    def called(entity: str, field: str, value: str) -> str:
        return model[entity][field].enum_labels.get(value, {}).get(language) or value

    consent = {**consent, "events": {"nodes": [dict(each) for each in consent["events"]["nodes"]]}}
    for name, field in (("status", "status"), ("channel", "channel"), ("collectionMethod", "collection_method")):
        consent[name] = called("consent", field, consent[name])
    for each in consent["events"]["nodes"]:
        each["kind"] = called("consent_event", "kind", each["kind"])
    facts = "".join(
        f'<tr><th scope="row">{word(name)}</th><td>{escape(str(value))}</td></tr>'
        for name, value in _facts(consent, language)
        if value not in (None, "")
    )
    heads = "".join(f'<th scope="col">{word(name)}</th>' for name in ("at", "kind", "via", "note"))
    events = "".join(
        "<tr>"
        + "".join(f"<td>{escape(str(each[name] or ''))}</td>" for name in ("at", "kind", "via", "note"))
        + "</tr>"
        for each in consent["events"]["nodes"]
    )
    body = (
        f"<h1>{word('title')}</h1><p>{escape(settings.controller)}</p><h2>{word('declared')}</h2>{text}"
        f"<h2>{word('facts')}</h2><table>{facts}</table>"
        f"<h2>{word('happened')}</h2><table><thead><tr>{heads}</tr></thead><tbody>{events}</tbody></table>"
    )
    head = f'<meta charset="utf-8"><title>{word("title")}</title><style>{_STYLE}</style>'
    return f'<!doctype html><html lang="{language}"><head>{head}</head><body><main>{body}</main></body></html>'


def _facts(consent: Mapping[str, Any], language: str) -> Iterator[tuple[str, Any]]:
    said, point = consent["declaration"], consent["contactPoint"]
    value = str(point["value"] or "")
    yield "id", consent["id"]
    yield "status", consent["status"]
    yield "person", consent["dataSubject"] and consent["dataSubject"]["id"]
    yield "point", "" if value.startswith("restricted:") else value
    yield "channel", consent["channel"]
    yield "purpose", consent["purpose"]["nameDe" if language == "de" else "nameEn"]
    yield "products", ", ".join((consent["products"] or {}).get("names", ()))
    yield "controllers", ", ".join((consent["controllers"] or {}).get("names", ()))
    yield "text", said and f"{said['key']}, {said['edition']}"
    yield "notice", consent["noticeVersion"]
    yield "method", consent["collectionMethod"]
    yield "source", consent["source"]
    yield "evidence", consent["evidenceText"]
    yield "file", (consent["evidenceFile"] or {}).get("name")
    yield "requested", consent["requestedAt"]
    yield "message", consent["messageId"]
    yield "confirmed", consent["confirmedAt"]
    yield "granted", consent["grantedAt"]
    yield "withdrawn", consent["withdrawnAt"] and f"{consent['withdrawnAt']} ({consent['withdrawalMethod']})"
    guardian = consent["guardianConsent"]
    yield "guardian", guardian and f"{guardian['id']} ({guardian['status']})"
    yield "used", consent["lastUsedAt"]
    yield "uses", consent["uses"]["totalCount"]
