"""Entity tags: a client that has an answer already gets 304 in place of its content (RFC 9110, section 13)."""

import hashlib

_GZIP = "-gzip"


def tag_of(media_type: str, body: bytes) -> str:
    """The strong tag of an answer that is not compressed, with its quotes."""
    digest = hashlib.sha256(media_type.encode())
    digest.update(b"\n")
    digest.update(body)
    return f'"{digest.hexdigest()[:32]}"'


def of_gzip(tag: str) -> str:
    """The tag of the same answer, compressed: other bytes, another tag."""
    return f'{tag[:-1]}{_GZIP}"'


def has_already(if_none_match: str | None, tag: str) -> bool:
    """Whether the client has what the tag stands for, compressed or not.

    Args:
        if_none_match: the client's header of this name; several of them joined by commas.
        tag: of the answer that is not compressed. Ours have no comma.
    """
    if not if_none_match:
        return False
    given = {each.strip().removeprefix("W/") for each in if_none_match.split(",")}
    return "*" in given or tag in given or of_gzip(tag) in given
