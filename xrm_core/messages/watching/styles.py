"""Style sheets: whether they load something from elsewhere, and whether they hide what they are about. No I/O."""

import re

from xrm_core.messages.watching.links import is_at_hand

_COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)", re.DOTALL)
_ESCAPE = re.compile(r"\\(?:([0-9a-fA-F]{1,6})[ \t\r\n\f]?|([^\n]))")
_URL = re.compile(r"url\s*\(\s*(\"[^\"]*\"?|'[^']*'?|[^)]*)", re.IGNORECASE)
_OTHER = re.compile(r"@import|(?:image|image-set|cross-fade|(?<![-\w])src)\s*\(", re.IGNORECASE)
_IMPORT = re.compile(r"@import[^;]*;?", re.IGNORECASE)
_QUOTES = "\"' \t\r\n\f"
_NUMBER = re.compile(r"\A\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)", re.IGNORECASE)

TINY = 2.0
"""So small, in pixels, nobody sees a picture."""

_FAINT = 0.05
_FAR = -500.0
_HIDING = frozenset({("display", "none"), ("visibility", "hidden"), ("visibility", "collapse")})
_CUTTING = frozenset({"clip", "clip-path", "-webkit-clip-path", "filter", "-webkit-filter"})
_CUT = re.compile(r"(?:rect\(\s*[01](?:px)?\b|inset\(\s*(?:50|100)%|circle\(\s*0|opacity\(\s*0?(?:\.0\d*)?%?\s*\))")
_SIZES = frozenset({"width", "height", "max-width", "max-height"})
_PLACES = frozenset({"left", "top", "right", "bottom", "margin", "margin-left", "margin-top", "text-indent"})


def loads(style: str) -> bool:
    """Whether a style, however it is written, has something loaded from elsewhere."""
    text = unescaped(style)
    if _OTHER.search(text):
        return True
    return any(not is_at_hand(found[1].strip(_QUOTES)) for found in _URL.finditer(text))


def cleaned_declarations(style: str) -> str:
    """What stands in an attribute ``style``, without the declarations that load something."""
    if not loads(style):
        return style
    kept = ";".join(part for part in _declarations(style) if not loads(part))
    return "" if loads(kept) else kept


def cleaned_sheet(sheet: str) -> str:
    """What stands in an element ``style``, with nothing in place of what would be loaded."""
    if not loads(sheet):
        return sheet
    for text in (sheet, unescaped(sheet)):  # as it was written, if that is enough
        kept = _URL.sub(_nothing, _IMPORT.sub("", text))
        if not loads(kept) and "</" not in kept:
            return kept
    return ""


def _nothing(found: re.Match[str]) -> str:
    return found[0] if is_at_hand(found[1].strip(_QUOTES)) else "url(data:,"


def hides(style: str) -> bool:
    """Whether what has this style is not seen: not shown, too small, or far outside. One declaration that says so is
    enough, whatever a later one says: programs differ in which they heed.
    """
    return any(_hides(part) for part in _declarations(unescaped(style)))


def is_tiny(size: str | None) -> bool:
    """Whether a width or a height is of next to nothing."""
    found = number(size or "")
    return found is not None and found <= (TINY if "%" not in str(size) else 0.0)


def number(text: str) -> float | None:
    """With what a value begins; None: it is no number."""
    found = _NUMBER.match(text)
    return float(found[1]) if found else None


def _hides(declaration: str) -> bool:
    name, _, said = declaration.casefold().partition(":")
    name, value = name.strip(), said.replace("!important", "").strip()
    found = number(value)
    return (
        (name, value) in _HIDING
        or name == "mso-hide"
        or (name == "opacity" and found is not None and found < _FAINT)
        or (name in _SIZES and is_tiny(value))
        or (name in _PLACES and found is not None and found <= _FAR)
        or (name == "transform" and value.replace(" ", "").startswith("scale(0"))
        or (name in _CUTTING and _CUT.match(value) is not None)
    )


def _declarations(style: str) -> list[str]:
    """Its parts, none of which is cut within quotes or brackets. A line ends a quote that nobody has closed."""
    parts, quote, depth, escaped = [""], "", 0, False
    for sign in style:
        if sign == ";" and not (quote or depth or escaped):
            parts.append("")
            continue
        parts[-1] += sign
        if escaped:
            escaped = False
        elif sign == "\\":
            escaped = True
        elif quote:
            quote = "" if sign in (quote, "\n") else quote
        elif sign in "\"'":
            quote = sign
        else:
            depth = max(0, depth + (sign == "(") - (sign == ")"))
    return [part for part in parts if part.strip()]


def without_comments(style: str) -> str:
    """A style without what is said beside it."""
    return _COMMENT.sub(" ", style.replace("\0", "\ufffd"))


def unescaped(style: str) -> str:
    """A style as programs read it: without comments, each sign as itself."""

    def sign(found: re.Match[str]) -> str:
        if found[1] is None:
            return str(found[2])
        code = int(found[1], 16)
        return chr(code) if 0 < code < 0x110000 and not 0xD800 <= code < 0xE000 else "\ufffd"

    return _ESCAPE.sub(sign, without_comments(style))
