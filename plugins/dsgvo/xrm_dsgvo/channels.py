"""By what people are reached, and at what."""

from enum import Enum


class Channel(Enum):
    """By what a message goes."""

    email = "email"
    sms = "sms"
    phone = "phone"
    robocall = "robocall"
    fax = "fax"
    post = "post"
    messenger = "messenger"
    push = "push"
    web = "web"


class PointKind(Enum):
    """What a contact point is."""

    email = "email"
    phone = "phone"
    post = "post"
    account = "account"


KINDS: dict[str, frozenset[str]] = {
    "email": frozenset({"email"}),
    "sms": frozenset({"phone"}),
    "phone": frozenset({"phone"}),
    "robocall": frozenset({"phone"}),
    "fax": frozenset({"phone"}),
    "post": frozenset({"post"}),
    "messenger": frozenset({"phone", "account"}),
    "push": frozenset({"account"}),
    "web": frozenset({"account"}),
}
"""Channel → the kinds of contact points that it reaches."""

CONFIRMED = frozenset({"email", "sms", "messenger"})
"""Channels by which a consent is confirmed before it counts (double opt-in): only so it is known who has given it."""
