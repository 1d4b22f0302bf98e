"""Asking the plugins whether data may leave the platform by a connector: a webhook, or whatever a plugin sends by."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from xrm_core.permissions.caller import Caller, system
from xrm_core.records.context import Context

if TYPE_CHECKING:
    from xrm_core.records.door import Records

GATE = "before_data_leaves"
WEBHOOK = "webhook"
"""Kind of the platform's own connectors; each is named after the host that it reaches."""


@dataclass(frozen=True)
class Connector:
    """A way on which data leave, other than messages of the outbox.

    Args:
        kind: ``webhook``, or the name of the plugin whose it is.
        name: the host that it reaches, or what the plugin calls it.
    """

    kind: str
    name: str


@dataclass(frozen=True)
class Parcel:
    """What leaves of a record.

    Args:
        entity: of it.
        record: its id.
        fields: names of those whose values are sent; none: only that there is, or was, such a record.
    """

    entity: str
    record: str
    fields: frozenset[str] = frozenset()


@dataclass(frozen=True)
class ConnectorRefusal:
    """What a gate answers that lets nothing leave.

    Args:
        code: in capitals, such as ``NO_CONTRACT``.
        reason: a sentence, or one for each language.
    """

    code: str
    reason: str | Mapping[str, str]


class LeavingContext(Context):
    """The transaction in which a gate of connectors is asked.

    ``connector`` is which, ``parcels`` are what leaves, as far as whoever sends has said so, ``settings`` those of the
    plugin whose gate it is. If there are parcels, what the gate writes is kept before they leave, if they do.
    """

    def __init__(
        self,
        records: "Records",
        connection: Connection,
        caller: Caller,
        connector: Connector,
        plugin: str,
        parcels: Sequence[Parcel] = (),
    ) -> None:
        super().__init__(records, connection, caller, ("connector", connector.kind))
        self.connector = connector
        self.parcels = tuple(parcels)
        self.settings = records.plugins.settings_of(plugin)


def may_leave(context: Context, connector: Connector, parcels: Sequence[Parcel] = ()) -> ConnectorRefusal | None:
    """Whether data may leave by a connector now; a plugin that sends anything out by itself asks before it does.

    Args:
        context: a transaction; with parcels one that writes, which is committed before they leave.
        connector: its own.
        parcels: what leaves of records: gates note it. Without, they only say whether anything may.

    Raises:
        RefusedByPlugin: a gate has failed, so that nobody knows.
    """
    return refusal_of(context.records, context.connection, context.caller, connector, parcels)


def refusal_of(
    records: "Records",
    connection: Connection,
    caller: Caller | None,
    connector: Connector,
    parcels: Sequence[Parcel] = (),
) -> ConnectorRefusal | None:
    """What the first gate answers that lets nothing leave; None: all of them let it. ``caller`` None: the platform."""
    for hook in records.plugins.hooks(GATE):
        asking = system(records.model, connector.kind) if caller is None else caller
        context = LeavingContext(records, connection, asking, connector, hook.plugin_name, parcels)
        with records.plugins.following(hook.plugin_name, "connector"):
            answer = records.plugins.answer(hook, {"connector": connector, "context": context})
            if answer is not None and not isinstance(answer, ConnectorRefusal):
                raise TypeError(f"{GATE} returns a ConnectorRefusal or None, not {type(answer).__name__}")
        if isinstance(answer, ConnectorRefusal):
            return answer
    return None
