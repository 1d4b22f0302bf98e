"""Texts about somebody that a plugin keeps where no erasure reaches, sealed by the key of whose they are: when that is
destroyed, nobody reads them any more.
"""

from typing import TYPE_CHECKING, Protocol

from sqlalchemy import Connection

from xrm_core.records.sealing import store_of
from xrm_core.sealed.box import SealedBox
from xrm_core.sealed.errors import SealedKeyDestroyed, SealedValueForeign, SealingUnavailable
from xrm_core.storage.sealed_tables import made_mark, mark_of

if TYPE_CHECKING:
    from xrm_core.records.door import Records

CLASS = "text"
"""Of the keys of a person."""

_PLACE = ("$text", "text")


class _Context(Protocol):
    @property
    def records(self) -> "Records": ...
    @property
    def connection(self) -> Connection: ...


def seal_text(context: _Context, subject: str, text: str, class_name: str = CLASS) -> str | None:
    """The sealed form of a text about somebody, for what outlives them, such as the journal.

    Args:
        context: of an action, of what follows a write, or ``job.within(connection)``: it writes.
        subject: the id of whose it is.
        text: in clear.
        class_name: what has a key of its own: that can be destroyed alone, and is never made again.

    Returns:
        None: there is no key store, or the person is erased; then it is not to be kept there.
    """
    store = store_of(context.records)
    try:
        store.require()
        box = SealedBox(store, made_mark(context.connection))
        return box.seal(text, subject, class_name, _PLACE[0], subject, _PLACE[1])
    except (SealingUnavailable, SealedKeyDestroyed):
        return None


def open_text(context: _Context, subject: str, sealed: str | None) -> str | None:
    """A text that :func:`seal_text` has sealed, whoever may see it.

    Returns:
        None: nobody can read it any more, or not here.
    """
    try:
        box = SealedBox(store_of(context.records), mark_of(context.connection) or "")
        return box.open(sealed, _PLACE[0], subject, _PLACE[1]).text
    except (SealingUnavailable, SealedValueForeign):
        return None
