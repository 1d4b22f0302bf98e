"""What stands in security notices, in German and English: what, when, from where, and what to do.

No link: whoever is used to following links in such mails follows those of others, too. And no text
that somebody has chosen, such as the name of a token.
"""

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from xrm_core.auth.mail_texts import language_in
from xrm_core.auth.notices import LINES, Happened
from xrm_core.storage.notices import Notice


@dataclass(frozen=True)
class Letter:
    """A mail as its reader sees it; the lines of ``happened`` stand between the other two."""

    language: str
    subject: str
    before: str
    happened: tuple[str, ...]
    after: str


@dataclass(frozen=True)
class _Words:
    subject: str
    before: str
    after: str
    address: str
    somebody: str
    more: str
    kinds: Mapping[Notice, str]


_WORDS: Mapping[str, _Words] = {
    "en": _Words(
        "Security of your account",
        "This has happened to your account:",
        "If it was you, or you know of it, you need not do anything. If not: set a new password at once, as when you "
        "have forgotten it, which signs you out everywhere; then look at your second factor, passkeys and API "
        "tokens, and tell those who administer your account. This mail has no link on purpose.",
        "from {address}",
        "by whoever administers the accounts",
        "and {number} more",
        {
            Notice.PASSWORD_CHANGED: "Your password was set or changed.",
            Notice.TOTP_ENABLED: "A second factor was added.",
            Notice.TOTP_DISABLED: "Your second factor was removed.",
            Notice.PASSKEY_ADDED: "A passkey was added.",
            Notice.PASSKEY_REMOVED: "A passkey was removed.",
            Notice.RECOVERY_CODES_RENEWED: "Your recovery codes were made anew.",
            Notice.RECOVERY_CODE_USED: "A recovery code was used to sign in.",
            Notice.TOKEN_CREATED: "An API token was created.",
            Notice.IDENTITY_LINKED: "An account of another provider can now sign in as you.",
            Notice.EMAIL_CHANGED: "The e-mail address of your account was changed; this was the former one.",
            Notice.SESSIONS_ENDED: "You were signed out everywhere.",
            Notice.SIGN_IN_BLOCKED: "A wrong password or code was entered many times; attempts have to wait now.",
        },
    ),
    "de": _Words(
        "Sicherheit Ihres Zugangs",
        "Bei Ihrem Zugang ist Folgendes geschehen:",
        "Wenn Sie es waren oder davon wissen, brauchen Sie nichts zu tun. Wenn nicht: Vergeben Sie sofort ein neues "
        "Passwort, so wie wenn Sie es vergessen haben; damit werden Sie überall abgemeldet. Prüfen Sie dann Ihren "
        "zweiten Faktor, Ihre Passkeys und API-Token und benachrichtigen Sie die Verwaltung Ihres Zugangs. Diese "
        "Nachricht enthält absichtlich keinen Link.",
        "von {address}",
        "durch die Verwaltung der Zugänge",
        "und {number} weitere",
        {
            Notice.PASSWORD_CHANGED: "Ihr Passwort wurde gesetzt oder geändert.",
            Notice.TOTP_ENABLED: "Ein zweiter Faktor wurde eingerichtet.",
            Notice.TOTP_DISABLED: "Ihr zweiter Faktor wurde entfernt.",
            Notice.PASSKEY_ADDED: "Ein Passkey wurde hinzugefügt.",
            Notice.PASSKEY_REMOVED: "Ein Passkey wurde entfernt.",
            Notice.RECOVERY_CODES_RENEWED: "Ihre Wiederherstellungscodes wurden neu vergeben.",
            Notice.RECOVERY_CODE_USED: "Ein Wiederherstellungscode wurde zum Anmelden verwendet.",
            Notice.TOKEN_CREATED: "Ein API-Token wurde erstellt.",
            Notice.IDENTITY_LINKED: "Ein Konto eines anderen Anbieters kann sich nun als Sie anmelden.",
            Notice.EMAIL_CHANGED: "Die E-Mail-Adresse Ihres Zugangs wurde geändert; dies war die bisherige.",
            Notice.SESSIONS_ENDED: "Sie wurden überall abgemeldet.",
            Notice.SIGN_IN_BLOCKED: "Ein falsches Passwort oder ein falscher Code wurde oft eingegeben; weitere "
            "Versuche müssen warten.",
        },
    ),
}


def letter(language: str | None, happened: Iterable[Happened], zone: str) -> Letter:
    """A mail of what has happened.

    Args:
        language: of the user, such as ``de`` or ``de-AT``; in English if there is none in it.
        happened: the oldest first.
        zone: IANA name of the time zone in which times are told beside UTC.
    """
    chosen, those = language_in(language, _WORDS), tuple(happened)
    words = _WORDS[chosen]
    lines = [_line(words, each, zone) for each in those[:LINES]]
    if len(those) > LINES:
        lines.append(words.more.format(number=len(those) - LINES))
    return Letter(chosen, words.subject, words.before, tuple(lines), words.after)


def _line(words: _Words, happened: Happened, zone: str) -> str:
    parts = [_moment(happened.at, zone)]
    if happened.address:
        parts.append(words.address.format(address=happened.address))
    elif not happened.own and happened.kind is not Notice.SIGN_IN_BLOCKED:
        parts.append(words.somebody)
    return f"{', '.join(parts)}: {words.kinds[happened.kind]}"


def _moment(at: dt.datetime, zone: str) -> str:
    """As ``2026-11-26 16:05 UTC (17:05 Europe/Berlin)``, which is the same in all languages."""
    utc, here = at.astimezone(dt.UTC), at.astimezone(ZoneInfo(zone))
    text = f"{utc:%Y-%m-%d %H:%M} UTC"
    if zone == "UTC":
        return text
    form = "%H:%M" if here.date() == utc.date() else "%Y-%m-%d %H:%M"
    return f"{text} ({here.strftime(form)} {zone})"
