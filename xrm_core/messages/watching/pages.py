"""A message in HTML without what tells the sender that it was opened, and with links that lead where they say.

It is read as browsers read it (HTML5, broken markup included) and written anew, so that nothing is left which one
program takes for text and another for a picture.
"""

import re
from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, Any, cast

from xrm_core.messages.watching import styles
from xrm_core.messages.watching.links import is_at_hand, is_of, unwatched_link
from xrm_core.messages.watching.sheets import Hidden, hidden_by

if TYPE_CHECKING:
    from justhtml import Element

_GONE = frozenset(
    {
        *("script", "noscript", "iframe", "frame", "frameset", "object", "embed", "applet", "audio", "video", "source"),
        *(
            "track",
            "bgsound",
            "link",
            "portal",
            "template",
            "feimage",
            "use",
            "plaintext",
            "xmp",
            "noembed",
            "noframes",
        ),
    }
)
"""Elements that load something, or have others shown in their place; a mail needs none."""

_ROUNDS = 6
"""So often it is read and written until it stays as it is: broken markup may mean something else once it is mended."""

_LINKS = frozenset({"a", "area", "base", "form", "button", "input"})
_LINKING = frozenset({"href", "action", "formaction"})
_LOADING = frozenset({"srcset", "imagesrcset", "lowsrc", "dynsrc", "poster", "ping", "manifest", "codebase", "archive"})
_PAGE = re.compile(r"(?i)<(?:html|head|body|!doctype)\b")
_IN_OUTLOOK = re.compile(
    r"(?is)\A\s*\[if\b.*?\]>.*<!\[endif\]\s*\Z|\A\s*\[(?:if|endif)\b[^\]]*\](?:><!)?\s*\Z|\A<!\[endif\]\s*\Z"
)
_OUTLOOK_LOADS = re.compile(
    r"(?i)src\s*=|background\s*=|<\s*(?:link|base|meta|object|iframe|img|image|v:image|v:fill)\b"
)


def unwatched_page(html: str, hosts: Collection[str], *, strict: bool = False) -> str:
    """The page without pictures that are too small or hidden to be seen, without all else that is loaded, and without
    ways over ``hosts``; ``strict``: no picture is loaded at all.

    Raises:
        TrackedLink: a link leads over one of the hosts, and nothing says where to.
        ValueError: it is read as something else each time that it is written.
    """
    for _ in range(_ROUNDS):
        before, html = html, _unwatched(html, hosts, strict=strict)
        if html == before:
            return html
    raise ValueError("The page means something else each time that it is written.")


def _unwatched(html: str, hosts: Collection[str], *, strict: bool) -> str:
    from justhtml import JustHTML  # most processes never need it

    page = JustHTML(html, sanitize=False, scripting_enabled=False, fragment=_PAGE.search(html) is None)
    hiding = hidden_by(_sheets(page.root))
    for node, hidden in _nodes(page.root, hiding):
        if node.name in ("#comment", "#processing-instruction"):
            _comment(node, hosts)
        elif not node.name.startswith(("#", "!")):
            _element(node, hosts, hidden=hidden, strict=strict)
    return page.to_html(pretty=False)


def _sheets(root: Any) -> Iterator[str]:
    for node, _ in _nodes(root):
        if node.name == "style":
            yield "".join(str(each.data or "") for each in node.children or () if each.name == "#text")


def _nodes(root: Any, hiding: Collection[Hidden] = ()) -> Iterator[tuple[Any, bool]]:
    """All of them, with whether they, or something around them, are hidden. What was removed is passed by."""
    todo: list[tuple[Any, bool]] = [(root, False)]
    while todo:
        node, hidden = todo.pop()
        attrs = getattr(node, "attrs", None) or {}
        hidden = hidden or "hidden" in attrs or styles.hides(attrs.get("style") or "")
        hidden = hidden or any(each.matches(node.name, attrs) for each in hiding)
        yield node, hidden
        if node is root or node.parent is not None:
            todo += [(each, hidden) for each in reversed(node.children or ())]


def _comment(node: Any, hosts: Collection[str]) -> None:
    """What is meant for Outlook alone stays, as far as it loads nothing; all else is for nobody."""
    text = str(node.data or "") if node.name == "#comment" else ""
    loads = _OUTLOOK_LOADS.search(text) or styles.loads(text) or any(host in text.casefold() for host in hosts)
    if loads or not _IN_OUTLOOK.match(text):
        node.parent.remove_child(node)


def _element(node: "Element", hosts: Collection[str], *, hidden: bool, strict: bool) -> None:
    name, parent = node.name.casefold(), cast("Any", node.parent)
    attrs: dict[str, str | None] = node.attrs
    foreign = node.namespace not in (None, "html")
    if name in _GONE or (name == "style" and foreign) or (name == "meta" and _refreshes(attrs)):
        parent.remove_child(node)
        return
    picture = name == "img" or (name == "input" and (attrs.get("type") or "").casefold().strip() == "image")
    if picture and not is_at_hand(attrs.get("src") or "") and _counts(attrs, hosts, hidden=hidden, strict=strict):
        _replaced(node, attrs.get("alt") or "")
        return
    for key, value in list(attrs.items()):
        if foreign and styles.loads(value or ""):  # such as fill="url(…)" of a drawing
            del attrs[key]
            continue
        kept = _attribute(name, key.casefold().rpartition(":")[2], value or "", hosts, picture=picture)
        if kept is None:
            del attrs[key]
        elif kept != (value or ""):
            attrs[key] = kept
    if name == "style":
        for each in list(node.children or ()):
            if each.name == "#text":
                each.data = styles.cleaned_sheet(str(each.data or ""))


def _attribute(name: str, key: str, value: str, hosts: Collection[str], *, picture: bool) -> str | None:
    """What stands there instead; None: nothing does."""
    if key == "style":
        return styles.cleaned_declarations(value)
    if key in _LOADING or (key.startswith("on") and key.isalpha()):
        return None
    if name in _LINKS and key in _LINKING:
        return unwatched_link(value, hosts)
    loading = key in ("src", "href", "background", "data") and not (picture and key == "src")
    return None if loading and not is_at_hand(value) else value


def _counts(attrs: dict[str, str | None], hosts: Collection[str], *, hidden: bool, strict: bool) -> bool:
    """Whether a picture from elsewhere is there to be loaded rather than to be seen."""
    tiny = styles.is_tiny(attrs.get("width")) or styles.is_tiny(attrs.get("height"))
    return strict or hidden or tiny or is_of(attrs.get("src") or "", hosts)


def _refreshes(attrs: dict[str, str | None]) -> bool:
    said = (attrs.get("http-equiv") or "").casefold().strip()
    return "http-equiv" in attrs and said not in ("content-type", "x-ua-compatible")


def _replaced(node: "Element", alt: str) -> None:
    from justhtml import Text

    parent: Any = node.parent
    parent.replace_child(Text(alt), node)
