"""How often one address may ask what anybody may ask: so many requests a minute, kept in this process.

It costs the database nothing, so it holds against a flood as well. Several servers each allow as many.
"""

import time
from collections import OrderedDict
from collections.abc import Callable

from xrm_core.auth.attempts import of_address
from xrm_core.errors import XrmError
from xrm_core.translation import say

_MOST = 50_000
_MINUTE = 60.0


class TooManyRequests(XrmError):
    """An address has asked too often within a minute; nothing was done."""

    code = "TOO_MANY_REQUESTS"
    http_status = 429


class AddressLimits:
    """Counts requests by address and by what is asked. Of one event loop.

    Args:
        clock: seconds that only go up.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._known: OrderedDict[tuple[str, str], tuple[float, float]] = OrderedDict()

    def take(self, what: str, address: str | None, per_minute: int) -> None:
        """Count a request. What is not used of a minute is there again as time goes by.

        Args:
            what: is asked.
            address: of the client; that of IPv6 stands for its network.
            per_minute: as many are answered.

        Raises:
            TooManyRequests: says how long to wait; it is not counted.
        """
        key, now = (what, of_address(address).key), self._clock()
        left, at = self._known.get(key, (float(per_minute), now))
        left = min(float(per_minute), left + (now - at) * per_minute / _MINUTE)
        if left < 1:
            seconds = int((1 - left) * _MINUTE / per_minute) + 1
            raise TooManyRequests(
                say("There were too many requests; the next one is possible in {seconds} s.", seconds=seconds),
                hint=say("Wait until then. Nothing was done meanwhile."),
                details={"retryAfter": seconds},
            )
        self._known[key] = (left - 1, now)
        self._known.move_to_end(key)
        if len(self._known) > _MOST:
            self._known.popitem(last=False)
