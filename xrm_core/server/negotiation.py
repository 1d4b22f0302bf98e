"""What a client and the server agree on: media type and coding of the answer, media type of the body."""

import re
from collections.abc import Iterator
from functools import lru_cache

from xrm_core.errors import BadRequest
from xrm_core.translation import known_language

GRAPHQL_RESPONSE = "application/graphql-response+json"
JSON = "application/json"

_QUALITY = re.compile(r"0(\.[0-9]{0,3})?|1(\.0{0,3})?")
_UTF8 = ("utf-8", "utf8")
_REMEMBERED = 128
_LONG = 256  # characters: clients send the same few headers again and again, and those are shorter


class NotAcceptable(BadRequest):
    """The client accepts none of the media types that there are."""

    code = "NOT_ACCEPTABLE"
    http_status = 406


class UnsupportedMediaType(BadRequest):
    """The body is not JSON in UTF-8."""

    code = "UNSUPPORTED_MEDIA_TYPE"
    http_status = 415


def media_type_of_answer(accept: str | None) -> str:
    """The media type that the client likes best of the two that there are.

    Of two that it likes alike, the one that it names first; if it names none, that of the specification.

    Args:
        accept: the header of this name; several of them joined by commas.

    Raises:
        NotAcceptable: it accepts neither.
    """
    if not accept:
        return GRAPHQL_RESPONSE
    return _best(accept) if len(accept) <= _LONG else _best.__wrapped__(accept)


@lru_cache(_REMEMBERED)
def _best(accept: str) -> str:
    ranges = list(_weighed(accept))
    liked = [(each, *_liking(each, ranges)) for each in (GRAPHQL_RESPONSE, JSON)]
    best = max(liked, key=lambda each: each[1:])
    if best[1] == 0:
        raise NotAcceptable(f"The answer comes as {GRAPHQL_RESPONSE} or {JSON}.", hint="Name one of them in Accept.")
    return best[0]


def accepts_gzip(accept_encoding: str | None) -> bool:
    """Whether the answer may be compressed by gzip."""
    if not accept_encoding:
        return False
    return _takes_gzip(accept_encoding) if len(accept_encoding) <= _LONG else _takes_gzip.__wrapped__(accept_encoding)


@lru_cache(_REMEMBERED)
def _takes_gzip(accept_encoding: str) -> bool:
    found = {name: quality for name, _, quality in _weighed(accept_encoding)}
    return found.get("gzip", found.get("x-gzip", found.get("*", 0.0))) > 0


def language_of_answer(accept_language: str | None) -> str | None:
    """The language that the client likes best of those that errors are told in, such as ``de-AT``; None: it names none.

    Of two that it likes alike, the one that it names first.
    """
    if not accept_language:
        return None
    if len(accept_language) > _LONG:
        return _language.__wrapped__(accept_language)
    return _language(accept_language)


@lru_cache(_REMEMBERED)
def _language(accept_language: str) -> str | None:
    found = [
        (quality, -place, tag)
        for place, (name, _, quality) in enumerate(_weighed(accept_language))
        if quality > 0 and (tag := known_language(name)) is not None
    ]
    return max(found)[2] if found else None


def require_json(content_type: str | None) -> None:
    """Raise :class:`UnsupportedMediaType` unless a header «Content-Type» says JSON, in UTF-8 if it says so."""
    if content_type == JSON:
        return
    name, parameters = _parts(content_type or "")
    if name != JSON or parameters.get("charset", "utf-8") not in _UTF8:
        raise UnsupportedMediaType(
            "The body must be JSON in UTF-8.", hint="Send it with the header «Content-Type: application/json»."
        )


def is_multipart(content_type: str | None) -> bool:
    """Whether a header «Content-Type» says that the body is a form with files."""
    return content_type != JSON and _parts(content_type or "")[0] == "multipart/form-data"


def _liking(media_type: str, ranges: list[tuple[str, dict[str, str], float]]) -> tuple[float, int]:
    """Quality of a media type by the range that fits it best, and how early that range stands (less is later)."""
    for fitting in (media_type, "application/*", "*/*"):
        for place, (name, parameters, quality) in enumerate(ranges):
            if name == fitting and parameters.get("charset", "utf-8") in _UTF8:
                return quality, -place
    return 0.0, 0


def _weighed(header: str) -> Iterator[tuple[str, dict[str, str], float]]:
    """Names, parameters and qualities of a list; what has a quality that is none is passed over."""
    for part in header.split(","):
        name, parameters = _parts(part)
        quality = parameters.pop("q", "1")
        if name and _QUALITY.fullmatch(quality):
            yield name, parameters, float(quality)


def _parts(text: str) -> tuple[str, dict[str, str]]:
    name, *rest = text.split(";")
    pairs = (each.partition("=") for each in rest)
    return name.strip().lower(), {key.strip().lower(): value.strip().strip('"').lower() for key, _, value in pairs}
