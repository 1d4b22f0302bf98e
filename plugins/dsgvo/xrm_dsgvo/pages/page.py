"""The frame of all pages: without scripts, pictures and anything from elsewhere; for screen readers and keyboards."""

from html import escape

from starlette.responses import HTMLResponse

from xrm_core.api import RouteContext

LANGUAGES = ("de", "en")


def language_of(context: RouteContext, known: str | None = None) -> str:
    """In which language somebody reads: as is known of them, else as their browser says, else German."""
    if known in LANGUAGES:
        return str(known)
    for each in context.request.headers.get("accept-language", "").split(","):
        name = each.partition(";")[0].strip().lower().partition("-")[0]
        if name in LANGUAGES:
            return name
    return LANGUAGES[0]


def page(language: str, title: str, body: str, status: int = 200) -> HTMLResponse:
    """A page; ``body`` is HTML already."""
    named = [("viewport", "width=device-width, initial-scale=1"), ("robots", "noindex, nofollow")]
    meta = '<meta charset="utf-8">' + "".join(f'<meta name="{name}" content="{what}">' for name, what in named)
    head = f"<head>{meta}<title>{escape(title)}</title></head>"
    text = (
        f'<!doctype html><html lang="{language}">{head}<body><main><h1>{escape(title)}</h1>{body}</main></body></html>'
    )
    return HTMLResponse(text, status)


def paragraph(text: str, *, told: bool = False) -> str:
    """One paragraph; ``told``: something has happened, and screen readers say so."""
    role = ' role="status"' if told else ""
    return f"<p{role}>{escape(text)}</p>"


def button(text: str, name: str = "", value: str = "") -> str:
    """A form with nothing but its button, which sends it to the page itself."""
    given = f' name="{escape(name)}" value="{escape(value)}"' if name else ""
    return f'<form method="post"><p><button type="submit"{given}>{escape(text)}</button></p></form>'
