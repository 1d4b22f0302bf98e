"""What stands in mails, in German and English."""

from collections.abc import Container, Mapping
from dataclasses import dataclass

from xrm_core.auth.one_time import Purpose

_OTHERWISE = "en"


@dataclass(frozen=True)
class Text:
    """The parts of a mail around its link."""

    language: str
    subject: str
    before: str
    after: str


_TEXTS: Mapping[tuple[str, Purpose], Text] = {
    ("en", Purpose.INVITATION): Text(
        "en",
        "Your account",
        "An account was made for you. Set your password here:",
        "The link works once and for some days. If you expected no account, do nothing.",
    ),
    ("de", Purpose.INVITATION): Text(
        "de",
        "Ihr Zugang",
        "Für Sie wurde ein Zugang eingerichtet. Hier vergeben Sie Ihr Passwort:",
        "Der Link gilt einmal und einige Tage lang. Wenn Sie keinen Zugang erwarten, brauchen Sie nichts zu tun.",
    ),
    ("en", Purpose.RESET): Text(
        "en",
        "A new password",
        "Whoever administers your account has made a link by which you set a new password:",
        "The link works once and not for long. Until then your password stays as it is.",
    ),
    ("de", Purpose.RESET): Text(
        "de",
        "Neues Passwort",
        "Wer Ihren Zugang verwaltet, hat einen Link erstellt, mit dem Sie ein neues Passwort vergeben:",
        "Der Link gilt einmal und nicht lange. Bis dahin bleibt Ihr Passwort, wie es ist.",
    ),
    ("en", Purpose.FORGOTTEN): Text(
        "en",
        "A new password",
        "Somebody, probably you, has asked for a new password for your account. Set it here:",
        "The link works once and not for long. If it was not you, do nothing: your password stays as it is.",
    ),
    ("de", Purpose.FORGOTTEN): Text(
        "de",
        "Neues Passwort",
        "Jemand, vermutlich Sie, möchte ein neues Passwort für Ihren Zugang. Hier vergeben Sie es:",
        "Der Link gilt einmal und nicht lange. Wenn Sie es nicht waren, tun Sie nichts: Ihr Passwort bleibt.",
    ),
}


def language_in(language: str | None, known: Container[str]) -> str:
    """The language of a mail: that of the user, such as ``de`` or ``de-AT``; English if it is not known."""
    wanted = (language or _OTHERWISE).partition("-")[0].lower()
    return wanted if wanted in known else _OTHERWISE


def text_of(language: str | None, purpose: Purpose) -> Text:
    """The text of a mail in a language, such as ``de`` or ``de-AT``; in English if there is none."""
    return _TEXTS[language_in(language, {each for each, _ in _TEXTS}), purpose]
