"""What people are told, in their language: the code has it in English, ``locale/`` in others, as catalogues of gettext.

Who speaks which language is known to the request, and to whatever runs for it: see :func:`speaking`. Elsewhere, as on
the command line and in logs, it is English.
"""

import gettext
from collections.abc import Mapping
from contextlib import suppress
from contextvars import ContextVar
from functools import lru_cache
from importlib import resources
from io import BytesIO
from pathlib import Path
from string import Formatter

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
    return _compiled(resources.files("xrm_core").joinpath("locale", base, "xrm.po").read_bytes(), base)


def _compiled(text: bytes, base: str) -> gettext.GNUTranslations:
    from babel.messages.mofile import write_mo  # takes a while, and not everybody speaks another language
    from babel.messages.pofile import read_po

    compiled = BytesIO()
    write_mo(compiled, read_po(BytesIO(text), locale=base, abort_invalid=True))
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


class Texts:
    """The texts of a plugin, apart from those of the platform and of others: English in its code, else as it has them.

    Args:
        folder: with a folder for each language, such as ``de``, and one catalogue of gettext in it: a file ``*.po``.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._catalogues: dict[str, gettext.NullTranslations] = {}

    def say(self, text: str, /, **values: object) -> str:
        """A text in the language spoken, with values for its ``{names}``; in English if it is nowhere else."""
        return self._formed(self._catalogue(_base()).gettext(text), text, values)

    def say_n(self, one: str, many: str, number: float, /, **values: object) -> str:
        """The same for a number of things; ``{number}`` is the number."""
        whole = int(number) if number == int(number) else 2
        said = self._catalogue(_base()).ngettext(one, many, whole)
        return self._formed(said, one if whole == 1 else many, {**values, "number": number})

    def files(self) -> dict[str, Path]:
        """Language → catalogue, of those languages that are spoken here."""
        found = {base: sorted(self.folder.joinpath(base).glob("*.po")) for base in LANGUAGES if base != ENGLISH}
        return {base: files[0] for base, files in found.items() if files}

    def has(self, text: str) -> bool:
        """Whether a text is there in all languages."""
        return all(self._catalogue(base).gettext(text) != text for base in LANGUAGES if base != ENGLISH)

    def mistakes(self) -> list[str]:
        """What is wrong with the catalogues: forms that cannot be read, other ``{names}`` than in the English text."""
        from babel.messages.pofile import PoFileError, read_po

        wrong: list[str] = []
        for base, file in self.files().items():
            try:
                found = read_po(BytesIO(file.read_bytes()), locale=base, abort_invalid=True)
                _compiled(file.read_bytes(), base)
            except (PoFileError, ValueError, OSError) as error:
                wrong.append(f"{file}: {error}")
                continue
            for message in found:
                ids = [message.id] if isinstance(message.id, str) else list(message.id)
                strings = [message.string] if isinstance(message.string, str) else list(message.string or ())
                names = set().union(*map(_names, ids))
                if message.id and any(text and not _names(text) <= names for text in strings):
                    wrong.append(f"{file}:{message.lineno}: the text {ids[0]!r} has other names in braces.")
        return wrong

    def _catalogue(self, base: str) -> gettext.NullTranslations:
        if base not in self._catalogues:
            file = self.files().get(base)
            found = gettext.NullTranslations()
            if file is not None:
                try:
                    found = _compiled(file.read_bytes(), base)
                except Exception as error:  # whatever is in somebody's file: then it is told in English
                    import structlog  # not for every «xrm --help»

                    log = structlog.get_logger("xrm.plugins")
                    log.warning("catalogue_unreadable", file=str(file), kind=type(error).__name__)
            self._catalogues[base] = found
        return self._catalogues[base]

    @staticmethod
    def _formed(said: str, text: str, values: Mapping[str, object]) -> str:
        for each in (said, text) if values else ():
            with suppress(KeyError, ValueError, IndexError, AttributeError):
                return each.format_map(values)
        return said


def _names(text: str) -> set[str]:
    try:
        return {name for _, name, _, _ in Formatter().parse(text) if name is not None}
    except ValueError:
        return {text}  # no braces of ours
