"""What a message says, without what would tell that somebody has opened it."""

from collections.abc import Collection
from dataclasses import dataclass, replace

from xrm_core.messages.message import MessageContent
from xrm_core.messages.watching.links import unwatched_text
from xrm_core.messages.watching.pages import unwatched_page


@dataclass(frozen=True)
class Watching:
    """What an installation says of it.

    Args:
        hosts: that count openings and clicks, in lower case, with all below them.
        strict: no picture is loaded from elsewhere.
    """

    hosts: Collection[str] = ()
    strict: bool = False


def unwatched(content: MessageContent, watching: Watching) -> MessageContent:
    """The content of a message whose opening, and clicks in which, nobody may learn of.

    Raises:
        TrackedLink: it has a link over one of the hosts, and nothing in it says where to.
    """
    html = unwatched_page(content.html, watching.hosts, strict=watching.strict) if content.html else ""
    return replace(content, text=unwatched_text(content.text, watching.hosts), html=html)
