"""What makes a message tell that it was opened, or on what somebody clicks: it goes out where no gate allows that."""

from xrm_core.messages.watching.content import Watching, unwatched
from xrm_core.messages.watching.links import TrackedLink

__all__ = ["TrackedLink", "Watching", "unwatched"]
