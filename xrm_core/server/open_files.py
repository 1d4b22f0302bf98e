"""How many connections a process may have: as many as the machine lets it."""

_MOST = 65_536
"""Beyond it nothing is gained, and some machines would have the process keep lists of a milliard of them."""


def take_all_that_are_allowed() -> None:
    """Raise the soft limit of open files to the hard one; it is 1024 on many machines, for programs that use select."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MOST if hard == resource.RLIM_INFINITY else min(hard, _MOST)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
