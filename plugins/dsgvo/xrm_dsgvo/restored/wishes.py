"""Preferences hold again, where the data know the contact point: they only narrow what may be sent."""

from collections.abc import Mapping
from typing import Any

from xrm_dsgvo.own import Writing
from xrm_dsgvo.points import POINT
from xrm_dsgvo.preferences import keep
from xrm_dsgvo.restored.persons import purpose_known


def prefer_again(context: Writing, said: Mapping[str, Any]) -> None:
    """At a contact point that the backup does not know nothing is allowed yet, either."""
    if context.read(POINT, said["point"]) is None:
        return
    context.hold(POINT, said["point"])
    topic = purpose_known(context, said["topic"])
    if said["topic"] and topic is None and said["wish"] != "unwanted":
        return  # what is wanted of a topic that is not there says nothing of all others
    values = {**said["given"], "topic": topic, "channel": said["channel"]}
    keep(context, said["point"], values, clear=said["cleared"])
