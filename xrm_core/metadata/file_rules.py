"""What a file field takes: media types and bytes. Pure."""

from dataclasses import dataclass

from xrm_core.translation import say

DEFAULT_MAX_BYTES = 10 * 1024 * 1024
"""Of a file in a field that says nothing else."""


@dataclass(frozen=True, slots=True)
class FileRules:
    """Which files a field takes.

    ``media_types`` has names such as ``application/pdf`` or ``image/*``; empty: any. ``max_bytes`` is inclusive.
    """

    media_types: tuple[str, ...] = ()
    max_bytes: int = DEFAULT_MAX_BYTES

    def takes(self, media_type: str) -> bool:
        """Whether files of this media type (in small letters) fit."""
        main = media_type.partition("/")[0]
        return not self.media_types or media_type in self.media_types or f"{main}/*" in self.media_types

    def problem(self, media_type: str, size: int) -> str | None:
        """What is wrong with a file for this field, or None."""
        if not self.takes(media_type):
            taken = ", ".join(self.media_types)
            return say("is {media_type}; the field takes {taken}", media_type=media_type, taken=taken)
        if size > self.max_bytes:
            return say("has {size} bytes; the field takes {limit} at most", size=size, limit=self.max_bytes)
        return None
