"""Addresses: what a browser makes of them, whether they lead over a host that counts clicks, and where to. No I/O."""

import re
import unicodedata
from base64 import urlsafe_b64decode
from binascii import Error as NoBase64
from collections.abc import Collection, Iterator
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit, urlunsplit

IDENTIFYING = frozenset(
    {
        *("mc_eid", "_hsenc", "_hsmi", "mkt_tok", "vero_id", "vero_conv", "oly_enc_id", "oly_anon_id", "__s", "_kx"),
        *("ck_subscriber_id", "ml_subscriber", "ml_subscriber_hash", "dm_i"),
    }
)
"""Parameters by which programs for newsletters tell who has clicked: Mailchimp, HubSpot, Marketo, Vero, Omeda, Drip,
Klaviyo, Kit, MailerLite, dotdigital.
"""

_AT_HAND = re.compile(r"(?i)\A(?:cid|data):|\A#|\A\Z")
_WEB = re.compile(r"(?i)\A(https?):[/\\]*")
_NO_SCHEME = re.compile(r"\A[/\\]{2}")
_ADDRESS = re.compile(r"(?i)https?://[^\s<>\"'`\]]+")
_AT_THE_END = ".,;:!?)"
_DOTS = str.maketrans({"。": ".", "．": ".", "｡": "."})
_DEEPEST = 3


class TrackedLink(Exception):
    """A link leads over a host that counts clicks, and nobody can tell where to."""


def plain(address: str) -> str:
    """An address as browsers read it: they leave out tabs and lines, and take a backslash for a slash."""
    text = re.sub(r"[\t\n\r]", "", address).strip("".join(map(chr, range(33))))
    if web := _WEB.match(text):
        rest = text[web.end() :]
        path = re.split(r"[?#]", rest, maxsplit=1)[0]
        return f"{web[1].lower()}://{path.replace(chr(92), '/')}{rest[len(path) :]}"
    return f"https://{text[2:]}" if _NO_SCHEME.match(text) else text


def is_at_hand(address: str) -> bool:
    """Whether nothing is asked from elsewhere for what stands there: it is in the message, or in the address itself."""
    return _AT_HAND.search(plain(address)) is not None


def is_of(address: str, hosts: Collection[str]) -> bool:
    """Whether an address is at one of these hosts, or below one."""
    name = _host(plain(address))
    if name is None:  # nobody knows what a browser makes of it
        return any(host in address.casefold() for host in hosts)
    return any(name == host or name.endswith(f".{host}") for host in hosts)


def unwatched_link(address: str, hosts: Collection[str], depth: int = 0) -> str:
    """Where a link leads in the end, without what says who has clicked.

    Raises:
        TrackedLink: it leads over one of the hosts, and nothing in it says where to.
    """
    if not is_of(address, hosts):
        return _unnamed(address)
    for each in _within(plain(address)) if depth < _DEEPEST else ():
        return unwatched_link(each, hosts, depth + 1)
    raise TrackedLink(_host(plain(address)) or "")


def unwatched_text(text: str, hosts: Collection[str]) -> str:
    """A text with its links as :func:`unwatched_link` has them.

    Raises:
        TrackedLink: as that, or it names one of the hosts otherwise, of which mail programs make a link, too.
    """

    def replaced(found: re.Match[str]) -> str:
        whole = found[0]
        bare = whole.rstrip(_AT_THE_END)
        return unwatched_link(bare, hosts) + whole[len(bare) :]

    new = _ADDRESS.sub(replaced, text)
    if named := next((host for host in hosts if host in new.casefold().translate(_DOTS)), None):
        raise TrackedLink(named)
    return new


def _host(address: str) -> str | None:
    """The name of the host in its one form; empty: there is none; None: it cannot be read."""
    try:
        name = urlsplit(address).hostname or ""
        text = unicodedata.normalize("NFKC", unquote(name)).translate(_DOTS).casefold().rstrip(".")
        return text.encode("idna").decode() if not text.isascii() else text
    except (ValueError, UnicodeError):
        return None


def _within(address: str) -> Iterator[str]:
    """Addresses that stand in another one: in a parameter, behind «#», or in a part of the path, also as base64."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return
    said = [value for _, value in parse_qsl(parts.query)]
    whole = parts.path.lstrip("/") + (f"?{parts.query}" if parts.query else "")
    said += [unquote(parts.fragment), whole, *map(unquote, parts.path.split("/"))]
    for each in said:
        for text in (each, _decoded(each)):
            if _WEB.match(plain(text)):
                yield plain(text)


def _decoded(text: str) -> str:
    try:
        return urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()
    except (NoBase64, ValueError):
        return ""


def _unnamed(address: str) -> str:
    """Without the parameters by which somebody is known; what has none stays as it is written."""
    text = plain(address)
    if not _WEB.match(text) or not any(f"{name}=" in text.casefold() for name in IDENTIFYING):
        return address
    parts = urlsplit(text)
    kept = [(name, value) for name, value in parse_qsl(parts.query, keep_blank_values=True)]
    kept = [(name, value) for name, value in kept if name.casefold() not in IDENTIFYING]
    return urlunsplit(parts._replace(query=urlencode(kept)))
