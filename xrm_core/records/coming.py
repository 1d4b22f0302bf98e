"""Whence records come that nobody writes one by one: said while they are written, for hooks."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from xrm_core.hookspecs import Coming
from xrm_core.permissions.caller import Caller, User

_now: ContextVar[Coming | None] = ContextVar("coming", default=None)


def coming_now() -> Coming | None:
    """Whence what is written at the moment comes; None: somebody writes it."""
    return _now.get()


@contextmanager
def coming_from(coming: Coming) -> Iterator[None]:
    """What is written within comes from there. Within an import all comes by that."""
    token = _now.set(_now.get() or coming)
    try:
        yield
    finally:
        _now.reset(token)


def by_key(caller: Caller) -> Coming:
    """An upsert of somebody; of a service, if it has a token of its own."""
    return Coming("upsert", service=isinstance(caller, User) and caller.id is None and caller.token is not None)
