"""The kinds of messages and the channels that plugins register."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

from xrm_core.jobs.enqueue import NAME
from xrm_core.messages.message import Channel, MessageKind
from xrm_core.plugins import Plugins


@dataclass(frozen=True)
class MessageRegistry:
    """By name: what there is."""

    kinds: Mapping[str, MessageKind]
    channels: Mapping[str, Channel] = field(default_factory=dict)


_known: "WeakKeyDictionary[Plugins, MessageRegistry]" = WeakKeyDictionary()


def registered_messages(plugins: Plugins) -> MessageRegistry:
    """What the plugins register; asked once.

    Raises:
        PluginLoadError: a plugin registers what cannot be used; names it.
    """
    found = _known.get(plugins)
    if found is None:
        kinds: dict[str, MessageKind] = {}
        for plugin, kind in plugins.registered("register_message_kinds", MessageKind):
            if problem := _wrong_kind(plugin, kind, kinds):
                raise plugins.load_error(plugin, f"the kind of messages {kind.name!r} {problem}")
            kinds[kind.name] = kind
        channels: dict[str, Channel] = {}
        for plugin, channel in plugins.registered("register_channels", Channel):
            if problem := _wrong_channel(plugin, channel, channels):
                raise plugins.load_error(plugin, f"the channel {channel.name!r} {problem}")
            channels[channel.name] = channel
        found = _known[plugins] = MessageRegistry(kinds, channels)
    return found


def _wrong_name(plugin: str, name: object, known: Mapping[str, object]) -> str:
    if not isinstance(name, str) or not NAME.fullmatch(name):
        return "has a name that is none (a-z, 0-9 and _)"
    if not name.startswith(f"{plugin}."):
        return f"must have a name that begins with {plugin!r} and a dot"
    return "is registered twice" if name in known else ""


def _wrong_kind(plugin: str, kind: MessageKind, known: Mapping[str, MessageKind]) -> str:
    if problem := _wrong_name(plugin, kind.name, known):
        return problem
    if not callable(kind.address) or not callable(kind.compose) or not (kind.ended is None or callable(kind.ended)):
        return "has no functions: address and compose, and ended if it is given"
    if not isinstance(kind.purpose, str) or not kind.purpose:
        return "has no purpose"
    return "" if kind.attempts >= 1 else "has less than one attempt"


def _wrong_channel(plugin: str, channel: Channel, known: Mapping[str, Channel]) -> str:
    return _wrong_name(plugin, channel.name, known) or ("" if callable(channel.hand_over) else "has no function")
