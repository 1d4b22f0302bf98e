"""All that the plugin does again for rights; an erasure is another matter (``erasure/replaying.py``)."""

from xrm_core.api import Replay
from xrm_dsgvo.restored import deaths, holds, keeping, objections, rectifications, restrictions, wishes


def replays() -> list[Replay]:
    """In the order in which they were done, entry by entry."""
    return [
        Replay(keeping.SUPPRESSED, objections.suppress_again),
        Replay(keeping.RELEASED, objections.release_again),
        Replay(keeping.CONSENT_ENDED, objections.end_again),
        Replay(keeping.OBJECTED, objections.object_again),
        Replay(keeping.DECIDED, objections.decide_again),
        Replay(keeping.PREFERRED, wishes.prefer_again),
        Replay(keeping.RESTRICTED, restrictions.restrict_again),
        Replay(keeping.ANNOUNCED, restrictions.announce_again),
        Replay(keeping.LIFTED, restrictions.lift_again),
        Replay(keeping.RECTIFIED, rectifications.rectify_again),
        Replay(keeping.HELD, holds.hold_again),
        Replay(keeping.HOLD_RELEASED, holds.release_again),
        Replay(keeping.DIED, deaths.die_again),
        Replay(keeping.LIVES, deaths.live_again),
    ]
