"""How often commands look for what nobody needs any more."""

import gc
from collections.abc import Iterator

import pytest

from tests.cli.conftest import Xrm


@pytest.fixture
def by_default() -> Iterator[None]:
    """As Python does it."""
    before = gc.get_threshold()
    gc.set_threshold(700, 10, 10)
    yield
    gc.set_threshold(*before)


def test_what_a_command_imports_is_not_looked_at_again_and_again(by_default: None, xrm: Xrm) -> None:
    looked = []
    gc.callbacks.append(lambda phase, _info: looked.append(phase))
    try:
        [list(range(3)) for _ in range(2_000)]
        assert looked, "by default it would be"
        assert xrm("--help").code == 0
        looked.clear()

        kept = [list(range(3)) for _ in range(10_000)]
    finally:
        gc.callbacks.pop()

    assert (looked, len(kept)) == ([], 10_000)
