"""The public web form: a page without scripts, and where it is sent to. It needs no account and no rights."""

from html import escape

from starlette.responses import HTMLResponse, RedirectResponse, Response

from xrm_core.api import Record, Refuse, Route, RouteContext

HONEYPOT = "homepage_url"
"""A field that people do not see; whoever fills it in is none."""
_FIELDS = ("last_name", "first_name", "company", "email", "phone", "message")
_LENGTHS = {"last_name": 100, "first_name": 100, "company": 200, "email": 254, "phone": 50, "message": 5_000}
_WORDS = {
    "de": {
        "last_name": "Nachname",
        "first_name": "Vorname",
        "company": "Firma",
        "email": "E-Mail",
        "phone": "Telefon",
        "message": "Nachricht",
        "send": "Absenden",
        "thanks": "Vielen Dank. Wir melden uns.",
        "leave": "Dieses Feld bitte leer lassen",
    },
    "en": {
        "last_name": "Last name",
        "first_name": "First name",
        "company": "Company",
        "email": "E-mail",
        "phone": "Phone",
        "message": "Message",
        "send": "Send",
        "thanks": "Thank you. We will be in touch.",
        "leave": "Please leave this field empty",
    },
}


def routes() -> list[Route]:
    """The page, and what takes it."""
    return [
        Route("/forms/{slug}", show, ("GET",), public=True, per_minute=60),
        Route("/forms/{slug}", take, ("POST",), public=True, per_minute=6, max_bytes=32_768),
    ]


def show(context: RouteContext) -> Response:
    """The form as a page."""
    form = _form(context)
    words = _WORDS[form["language"]]
    fields = "".join(_field(name, words[name]) for name in _FIELDS)
    trap = f'<p hidden><label>{words["leave"]} <input name="{HONEYPOT}" tabindex="-1" autocomplete="off"></label></p>'
    body = f'<form method="post">{fields}{trap}<p><button type="submit">{words["send"]}</button></p></form>'
    return _page(form, body)


def take(context: RouteContext) -> Response:
    """Keep what was sent as a lead; what a machine has filled in is thanked for and forgotten.

    Raises:
        Refuse: there is no such form, or it lacks what is needed.
    """
    form = _form(context)
    sent = context.request.form()
    given = {name: str(sent.get(name, "")).strip()[: _LENGTHS[name]] for name in _FIELDS}
    if not given["last_name"] or not (given["email"] or given["phone"]):
        raise Refuse(
            {
                "en": "A name, and an e-mail address or a phone number, are needed.",
                "de": "Ein Name und eine E-Mail-Adresse oder Telefonnummer werden gebraucht.",
            },
            field="last_name" if not given["last_name"] else "email",
        )
    if not sent.get(HONEYPOT):
        values = {_camel(name): value for name, value in given.items() if value}
        context.run_action_as_system("sales.capture", given={"form": form["slug"], **values})
    if form["thanks_url"]:
        return RedirectResponse(form["thanks_url"], 303)
    return _page(form, f"<p>{_WORDS[form['language']]['thanks']}</p>", 201)


def _form(context: RouteContext) -> Record:
    found = context.find("lead_form", {"slug": {"eq": context.request.path["slug"]}, "active": {"eq": True}}, 1)
    if not found:
        raise Refuse({"en": "There is no such form.", "de": "Dieses Formular gibt es nicht."})
    return found[0]


def _field(name: str, label: str) -> str:
    needed = " required" if name == "last_name" else ""
    length = f' maxlength="{_LENGTHS[name]}"'
    if name == "message":
        return f'<p><label>{label}<br><textarea name="{name}" rows="6"{length}></textarea></label></p>'
    kind = {"email": "email", "phone": "tel"}.get(name, "text")
    return f'<p><label>{label}<br><input type="{kind}" name="{name}"{length}{needed}></label></p>'


def _page(form: Record, body: str, status: int = 200) -> HTMLResponse:
    title = f"<title>{escape(form['name'])}</title>"
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width">{title}'
    text = f'<!doctype html><html lang="{form["language"]}"><head>{head}</head><body><main>'
    return HTMLResponse(f"{text}<h1>{escape(form['name'])}</h1>{body}</main></body></html>", status)


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)
