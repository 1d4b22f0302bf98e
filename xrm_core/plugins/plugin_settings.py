"""Settings of plugins: dataclasses whose fields are read from the environment, ``XRM_<PLUGIN>_<NAME>``."""

import dataclasses
import datetime as dt
import enum
import os
import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from xrm_core.naming import NAME

PREFIX = "XRM_"
_TRUE, _FALSE = ("1", "true", "yes", "on"), ("0", "false", "no", "off")


class Secret:
    """A setting that is never shown: not in errors, lists or logs. ``reveal()`` gives it to who needs it."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The value."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(…)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __reduce__(self) -> Any:
        raise TypeError("a secret is not written anywhere")


@dataclass(frozen=True, slots=True)
class SettingInfo:
    """A setting of a plugin: the variable of the environment, and whether it is there. Its value is told to nobody."""

    variable: str
    is_secret: bool
    is_required: bool
    is_set: bool


@dataclass(frozen=True, slots=True)
class _Setting:
    name: str
    variable: str
    convert: Callable[[str], Any]
    is_secret: bool
    is_required: bool


class PluginSettings:
    """The settings of one plugin.

    Args:
        plugin: its name.
        made_of: the dataclass.

    Raises:
        TypeError: it is none, or has a field that cannot be read from text.
    """

    def __init__(self, plugin: str, made_of: Any) -> None:
        if not (isinstance(made_of, type) and dataclasses.is_dataclass(made_of)):
            raise TypeError("register_settings must return a dataclass (the class, not one of it)")
        self._made_of = made_of
        hints = get_type_hints(made_of)
        self._settings = [_setting(plugin, each, hints[each.name]) for each in dataclasses.fields(made_of) if each.init]

    @property
    def variables(self) -> list[str]:
        """The variables of the environment."""
        return [each.variable for each in self._settings]

    def infos(self, environment: Mapping[str, str]) -> tuple[SettingInfo, ...]:
        """What may be told of each."""
        return tuple(
            SettingInfo(each.variable, each.is_secret, each.is_required, bool(environment.get(each.variable)))
            for each in self._settings
        )

    def read(self, environment: Mapping[str, str]) -> tuple[Any, list[str]]:
        """The dataclass, and what is wrong with the variables: all of it. An empty variable counts as not set."""
        values: dict[str, Any] = {}
        wrong: list[str] = []
        for each in self._settings:
            text = environment.get(each.variable, "")
            if not text:
                if each.is_required:
                    wrong.append(f"{each.variable}: is not set")
                continue
            try:
                values[each.name] = each.convert(text)
            except (ValueError, ArithmeticError) as error:
                reason = str(error) if isinstance(error, _Wrong) else "cannot be read"
                given = "" if each.is_secret else f" (given: {text:.100})"
                wrong.append(f"{each.variable}: {reason}{given}")
        if wrong:
            return None, wrong
        try:
            return self._made_of(**values), []
        except ValueError as error:  # of the dataclass itself, which sees all of them together
            return None, [f"{', '.join(self.variables)}: {error}"]


class _Wrong(ValueError):
    """Says what a value should be."""


def environment_or(given: Mapping[str, str] | None) -> Mapping[str, str]:
    """The environment of the process, if no other is given."""
    return os.environ if given is None else given


def variable(plugin: str, name: str) -> str:
    """``XRM_FLEET_API_KEY`` for the setting ``api_key`` of the plugin ``fleet``."""
    return f"{PREFIX}{plugin.replace('-', '_').upper()}_{name.upper()}"


def _setting(plugin: str, field: "dataclasses.Field[Any]", hint: Any) -> _Setting:
    if not NAME.fullmatch(field.name):
        raise TypeError(f"the setting {field.name} has a name that is none (a-z, 0-9, _)")
    has_default = field.default is not dataclasses.MISSING or field.default_factory is not dataclasses.MISSING
    if get_origin(hint) in (Union, types.UnionType):
        rest = [each for each in get_args(hint) if each is not type(None)]
        if len(rest) != 1 or len(get_args(hint)) != 2:
            raise TypeError(f"the setting {field.name} may be of several types")
        hint = rest[0]
    convert = _converter(hint)
    if convert is None:
        raise TypeError(f"the setting {field.name} is of a type that cannot be read from text: {hint!r}")
    return _Setting(field.name, variable(plugin, field.name), convert, hint is Secret, not has_default)


def _converter(hint: Any) -> Callable[[str], Any] | None:
    if get_origin(hint) is tuple and get_args(hint)[1:] == (Ellipsis,):
        one = _converter(get_args(hint)[0])
        return one and (lambda text: tuple(one(part.strip()) for part in text.split(",") if part.strip()))
    if get_origin(hint) is Literal and all(isinstance(each, str) for each in get_args(hint)):
        return lambda text: _one_of({each: each for each in get_args(hint)}, text)
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return lambda text: _one_of({each.name.lower(): each for each in hint}, text.lower())
    return _CONVERTERS.get(hint)


def _one_of(known: Mapping[str, Any], text: str) -> Any:
    if text not in known:
        raise _Wrong(f"is none of {', '.join(known)}")
    return known[text]


def _said(convert: Callable[[str], Any], reason: str) -> Callable[[str], Any]:
    def converted(text: str) -> Any:
        try:
            return convert(text)
        except (ValueError, ArithmeticError):
            raise _Wrong(reason) from None

    return converted


def _finite(convert: Callable[[str], Any]) -> Callable[[str], Any]:
    def converted(text: str) -> Any:
        found = convert(text)
        if not Decimal(str(found)).is_finite():
            raise ValueError
        return found

    return converted


def _truth(text: str) -> bool:
    if text.lower() in _TRUE:
        return True
    if text.lower() in _FALSE:
        return False
    raise ValueError


_CONVERTERS: dict[Any, Callable[[str], Any]] = {
    str: str,
    Secret: Secret,
    int: _said(int, "is no whole number"),
    float: _said(_finite(float), "is no number"),
    Decimal: _said(_finite(Decimal), "is no number"),
    bool: _said(_truth, "is neither true nor false"),
    dt.date: _said(dt.date.fromisoformat, "is no date such as 2026-11-27"),
    Path: Path,
}
