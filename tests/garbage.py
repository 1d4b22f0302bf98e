"""What the tests are made of is not looked through for garbage: there are ten thousand of them, and it takes long."""

import gc

THRESHOLDS = 50_000, 20, 20
"""How much may be made before somebody looks, and how often that is thorough; the server has the same."""


def leave_until_collected() -> None:
    """Until the tests are found: nothing of what that makes is garbage."""
    gc.disable()


def leave_what_is_there() -> None:
    """From now on only what is made from now on is looked at, and less often than by default."""
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
    gc.enable()
