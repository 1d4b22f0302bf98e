"""Functions of plugins may take longer in tests: a machine that stood still for a while is no reason to fail."""

from xrm_core.graphql import engine

SECONDS = 60.0


def be_patient() -> None:
    """Wait so much longer for functions of query fields than they may take."""
    engine._AROUND_SECONDS = SECONDS
