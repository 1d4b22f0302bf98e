"""pydantic reads what its models say of their fields, as those of SCIM want it, without a look at all modules for each.

It asks ``inspect`` of which module each frame of the stack is. Under pytest those are many, and it takes three seconds.
"""

import inspect
import sys
from types import FrameType, ModuleType
from typing import Any

from pydantic._internal import _docs_extraction


class _Inspect:
    @staticmethod
    def getmodule(of: Any) -> ModuleType | None:
        """The same by name."""
        name = of.f_globals.get("__name__") if isinstance(of, FrameType) else of.__module__
        return sys.modules.get(name)

    def __getattr__(self, name: str) -> Any:
        return getattr(inspect, name)


def quick() -> None:
    """From now on."""
    _docs_extraction.inspect = _Inspect()  # type: ignore[assignment]
