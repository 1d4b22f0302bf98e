"""How often Python looks for what nobody needs any more, and that it does not where all of it is about to go."""

import atexit
import gc


def look_less_often() -> None:
    """Than by default: then a server spends a quarter of its start on looking at what it imports."""
    gc.set_threshold(50_000, 20, 20)


def leave_what_is_there() -> None:
    """What lives as long as the process is not looked at again; the rest is, but less often than by default."""
    gc.collect()
    gc.freeze()
    look_less_often()


def leave_all_at_the_end() -> None:
    """Do not look through everything once more as the process ends: that takes a quarter of a short command's time."""
    atexit.register(gc.freeze)
