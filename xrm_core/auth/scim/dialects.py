"""What Entra ID and Okta send → what RFC 7644 asks for.

They send attributes that nobody here has, name an address by a filter before there is one, write members to be removed
as a value, and put paths into the keys of values.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from scim2_models import InvalidPathException, InvalidValueException

MAX_PATH = 1000
"""Characters of a filter or a path."""

MAX_NESTING = 10
"""Brackets of a filter that are open at a time."""

MAX_OPERATIONS = 1000
"""Operations of a PATCH: each looks through all members of a group."""

_EXTENSION = "urn:ietf:params:scim:schemas:extension:"
_CORE = re.compile(r"urn:ietf:params:scim:schemas:core:2\.0:(?:user|group):", re.IGNORECASE)
_KEPT_NOWHERE = frozenset(
    {
        *("nickname", "profileurl", "title", "usertype", "preferredlanguage", "locale", "timezone", "password"),
        *("phonenumbers", "ims", "photos", "addresses", "entitlements", "x509certificates"),
        *("name.formatted", "name.middlename", "name.honorificprefix", "name.honorificsuffix", "emails.display"),
    }
)
_NOTHING = {"op": "add", "value": {}}
"""Stands for operations of which nothing is left: there must be one."""

_NAMES_A_RESOURCE = frozenset({"id", "meta", "schemas"})


def resource(payload: Any) -> Any:
    """The body of a creation or replacement without what is kept nowhere; anything but an object as it is."""
    return _kept(payload) if isinstance(payload, dict) else payload


def patch(payload: Any) -> Any:
    """The body of a PATCH in the words of the RFC; anything but an object as it is.

    Raises:
        InvalidValueException: it has too many operations.
        InvalidPathException: a path of it is too long or nests too deep.
    """
    if not isinstance(payload, dict):
        return payload
    for key, value in payload.items():
        if key.casefold() == "operations" and isinstance(value, list) and len(value) > MAX_OPERATIONS:
            raise InvalidValueException(detail=f"A PATCH has at most {MAX_OPERATIONS} operations; send several")
    return {
        key: [each for operation in value for each in _operations(operation)] or (value and [_NOTHING])
        if key.casefold() == "operations" and isinstance(value, list)
        else value
        for key, value in payload.items()
    }


def check_path(text: str) -> None:
    """Refuse a filter or path that is too long or nests too deep to be looked at.

    Raises:
        InvalidPathException: it is.
    """
    if len(text) > MAX_PATH:
        raise InvalidPathException(detail=f"A filter or path has at most {MAX_PATH} characters")
    depth = 0
    for sign in text:
        depth += (sign in "([") - (sign in ")]")
        if depth > MAX_NESTING:
            raise InvalidPathException(detail=f"A filter or path nests at most {MAX_NESTING} levels")


def check_texts(value: Any) -> None:
    """Refuse texts that no database keeps, wherever they are in a JSON value.

    Raises:
        InvalidValueException: there is a NUL or half a character.
    """
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, dict):
            waiting += [*each, *each.values()]
        elif isinstance(each, list):
            waiting += each
        elif isinstance(each, str) and not is_kept(each):
            raise InvalidValueException(detail="A text has a NUL or half a character")


def is_kept(text: str) -> bool:
    """Whether databases keep a text: not if there is a NUL or half a character."""
    return "\0" not in text and not any("\ud800" <= sign <= "\udfff" for sign in text)


def _kept(values: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for key, value in values.items():
        if _is_kept_nowhere(above + key):
            continue
        if key == "schemas" and isinstance(value, list):
            kept[key] = [each for each in value if not (isinstance(each, str) and each.startswith(_EXTENSION))]
        elif not above and isinstance(value, dict):
            kept[key] = _kept(value, f"{key}.")
        elif not above and isinstance(value, list):
            kept[key] = [_kept(each, f"{key}.") if isinstance(each, dict) else each for each in value]
        else:
            kept[key] = value
    return kept


def _below(value: Any, above: str) -> Any:
    if isinstance(value, list):
        return [_below(each, above) for each in value]
    return _kept(value, above) if isinstance(value, dict) else value


def _is_kept_nowhere(path: str) -> bool:
    plain = _without_filter(_CORE.sub("", path)).casefold()
    return plain.startswith(_EXTENSION) or plain in _KEPT_NOWHERE or plain.partition(".")[0] in _KEPT_NOWHERE


def _without_filter(path: str) -> str:
    """The path without what stands in brackets. No regular expression: keys are as long as their sender likes."""
    begin, end = path.find("["), path.rfind("]")
    return path[:begin] + path[end + 1 :] if 0 <= begin < end else path


def _operations(operation: Any) -> Iterator[Any]:
    if not isinstance(operation, dict):
        yield operation
        return
    given = {key.casefold(): value for key, value in operation.items()}
    path, value = given.get("path"), given.get("value")
    if isinstance(path, str) and path:
        check_path(path)
        if _is_kept_nowhere(path):
            return
        removed = _removed_members(given, path, value)
        if removed is not None:
            yield from removed
            return
        yield given | {"value": _below(value, f"{_CORE.sub('', path)}.")} if "value" in given else given
        return
    if not isinstance(value, dict):
        yield given
        return
    given.pop("path", None)
    plain = {key: each for key, each in value.items() if key.casefold() not in _NAMES_A_RESOURCE}
    pathed = {key: each for key, each in plain.items() if "[" in key}
    for key, each in pathed.items():
        yield from _operations(given | {"path": key, "value": each})
    rest = _kept({key: each for key, each in plain.items() if key not in pathed})
    if rest:
        yield given | {"value": rest}


def _removed_members(given: Mapping[str, Any], path: str, value: Any) -> Iterable[Any] | None:
    """Members to be removed, each by a path of its own: by the RFC, «members» alone would remove all of them."""
    if str(given.get("op")).casefold() != "remove" or _CORE.sub("", path).casefold() != "members" or not value:
        return None
    found = []
    for each in value if isinstance(value, list) else [value]:
        id_ = each.get("value") if isinstance(each, dict) else None
        if not isinstance(id_, str) or '"' in id_ or "\\" in id_:
            raise InvalidValueException(detail="A member to be removed is an object with the id of a user as «value»")
        found.append({"op": "remove", "path": f'members[value eq "{id_}"]'})
    return found
