"""What a list of sessions calls a device, by what its client says of itself."""

import re

_BROWSERS = (("Edg", "Edge"), ("OPR", "Opera"), ("Firefox", "Firefox"), ("Chrome", "Chrome"), ("Safari", "Safari"))
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Macintosh", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)
_LONGEST = 60
_PRODUCT = re.compile(r"[A-Za-z][\w.+ -]*")


def device_name(user_agent: str | None) -> str:
    """A short name: «Firefox on Linux» of a browser, the first product of another program, or «unknown».

    Args:
        user_agent: the header of this name, which anybody may choose.
    """
    text = (user_agent or "")[:1000]
    browser = next((name for word, name in _BROWSERS if f"{word}/" in text), "")
    system = next((name for word, name in _SYSTEMS if word in text), "")
    if browser and system:
        return f"{browser} on {system}"
    product = _PRODUCT.match(text.partition("/")[0])
    return product[0].strip()[:_LONGEST] if product else "unknown"
