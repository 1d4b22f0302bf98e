"""What people are told, in their language: the code has it in English, ``locale/`` in others, as catalogues of gettext.

Who speaks which language is known to the request, and to whatever runs for it: see :func:`speaking`. Elsewhere, as on
the command line and in logs, it is English.
"""

import gettext
from collections.abc import Mapping
from contextvars import ContextVar
from functools import lru_cache
from importlib import resources
from io import BytesIO

ENGLISH = "en"
LANGUAGES = (ENGLISH, "de")
"""In which everything is said that is said by :func:`say`; catalogues for all but the first."""

_spoken: ContextVar[str | None] = ContextVar("xrm_language", default=None)


def language() -> str:
    """The language, such as ``de`` or ``de-AT``, in which something is said now."""
    return _spoken.get() or ENGLISH


def is_english() -> bool:
    """Whether something is said now as it stands in the code."""
    return _base() == ENGLISH


@lru_cache(256)
def known_language(tag: str | None) -> str | None:
    """A tag of a language, such as ``de`` or ``de-AT``, in its usual form if it is one of ours; else None."""
    base, _, region = (tag or "").strip().replace("_", "-").partition("-")
    if base.lower() not in LANGUAGES:
        return None
    return f"{base.lower()}-{region.upper()}" if region else base.lower()


class speaking:  # noqa: N801 - stands in ``with`` statements, and each request has some
    """Speak a language for the time of a block; None, or one that nobody has written down: no language is chosen.

    Args:
        tag: of the language.
        unless_chosen: keep the one that was chosen before, if any.
    """

    __slots__ = ("_tag", "_token")

    def __init__(self, tag: str | None, *, unless_chosen: bool = False) -> None:
        self._tag = (_spoken.get() if unless_chosen else None) or (known_language(tag) if tag else None)

    def __enter__(self) -> None:
        self._token = _spoken.set(self._tag)

    def __exit__(self, *_error: object) -> None:
        _spoken.reset(self._token)


def say(text: str, /, **values: object) -> str:
    """A text in the language spoken, with values for its ``{names}``. The text itself is English, and no f-string."""
    said = _catalogue(_base()).gettext(text)
    return said.format_map(values) if values else said


def say_n(one: str, many: str, number: float, /, **values: object) -> str:
    """The same for a number of things; ``{number}`` is the number."""
    catalogue = _catalogue(_base())
    whole = int(number) if number == int(number) else 2  # 1.5 of them are many
    return catalogue.ngettext(one, many, whole).format_map({**values, "number": number})


def mark(text: str) -> str:
    """The text itself; what is said later by :func:`say` stands in the catalogues by this."""
    return text


def chosen(texts: Mapping[str, str]) -> str:
    """Of texts by language the one in the language spoken, else in English, else any; empty if there is none."""
    return of_language(texts) or texts.get(ENGLISH) or next(iter(texts.values()), "")


def of_language(texts: Mapping[str, str]) -> str | None:
    """Of texts by language the one in the language spoken, with its region or without, if there is one."""
    return texts.get(language()) or texts.get(_base())


def _base() -> str:
    return language().partition("-")[0]


@lru_cache
def _catalogue(base: str) -> gettext.NullTranslations:
    if base == ENGLISH:
        return gettext.NullTranslations()
    from babel.messages.mofile import write_mo  # takes a while, and not everybody speaks another language
    from babel.messages.pofile import read_po

    text = resources.files("xrm_core").joinpath("locale", base, "xrm.po").read_bytes()
    compiled = BytesIO()
    write_mo(compiled, read_po(BytesIO(text), locale=base))
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)
