"""Names of files as people may see them. A name is never a path: it is kept beside the content and nowhere else."""

import unicodedata

MAX_LENGTH = 200
"""Characters of a name."""

UNNAMED = "file"

_HARMFUL = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})  # controls, direction marks, surrogates, …


def clean_name(given: str | None) -> str:
    """A name without folders, control and direction characters, and what systems do not take; never empty.

    A name that is too long keeps its ending.
    """
    text = unicodedata.normalize("NFC", given or "").replace("\\", "/").rpartition("/")[2]
    text = "".join(character for character in text if unicodedata.category(character) not in _HARMFUL)
    text = "".join("_" if character in '<>:"|?*' else character for character in text)
    text = " ".join(text.split()).strip(". ")
    if len(text) > MAX_LENGTH:
        stem, dot, ending = text.rpartition(".")
        keep = dot + ending if dot and len(ending) <= 10 else ""
        text = (stem if keep else text)[: MAX_LENGTH - len(keep)] + keep
    return text or UNNAMED
