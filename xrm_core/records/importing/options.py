"""What the user of an import said: which column is what, and how the file writes its values."""

import datetime as dt
import zoneinfo
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from xrm_core.errors import ImportFailed
from xrm_core.metadata.clock import is_zone

_PROBE = dt.datetime(2023, 11, 29, 13, 45, tzinfo=dt.UTC)
"""A moment whose day, month, year, hour and minute all differ."""


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """How to read a CSV file.

    Args:
        columns: column → field, ``relation``, ``relation.unique_field``, or for a polymorphic relation
            ``relation.entity.unique_field``. A column that is named like a field needs no entry.
        ignored: columns to leave out.
        ignore_unmapped: leave out every column that is neither in ``columns`` nor named like a field.
        replacements: column → text in the file → text to read instead; ``""`` empties the cell.
        upsert_by: fields of a key; rows whose record is there change it, with the values that they have. Empty: all are
            new.
        skip_bad_rows: write the good rows and report the others; else one bad row keeps the whole file out.
        delimiter: one character, or ``tab``; None: found out from the header.
        encoding: a Python name of an encoding; a byte order mark is understood.
        decimal_comma: ``1.234,56`` instead of ``1,234.56``.
        date_format: strptime format of dates, e.g. ``%d-%m-%y``; None: ``YYYY-MM-DD``.
        datetime_format: strptime format of date-times; None: ISO 8601.
        timezone: zone of date-times that do not say theirs, e.g. ``Europe/Berlin``.
        said: what plugins are to know of the file, by ``plugin.name``; they find it as ``Write.coming.said``.

    Raises:
        ImportFailed: an option that cannot be used.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    ignored: frozenset[str] = frozenset()
    ignore_unmapped: bool = False
    replacements: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    upsert_by: tuple[str, ...] = ()
    skip_bad_rows: bool = False
    delimiter: str | None = None
    encoding: str = "utf-8"
    decimal_comma: bool = False
    date_format: str | None = None
    datetime_format: str | None = None
    timezone: str = "UTC"
    said: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.delimiter not in (None, "tab") and (len(self.delimiter) != 1 or self.delimiter in '"\r\n\0'):
            raise ImportFailed(f"The delimiter {self.delimiter!r} is not usable.", hint="Give one character, or tab.")
        _check_format(self.date_format, "%Y-%m-%d", "%d-%m-%y")
        _check_format(self.datetime_format, "%Y-%m-%d %H:%M", "%d.%m.%Y %H:%M")
        self.zone()

    def zone(self) -> dt.tzinfo:
        """The zone of date-times that do not say theirs."""
        if self.timezone == "UTC":
            return dt.UTC
        if not is_zone(self.timezone):
            raise ImportFailed(f"There is no time zone {self.timezone!r}.", hint="For example Europe/Berlin.")
        return zoneinfo.ZoneInfo(self.timezone)


def parse_mappings(words: Iterable[str]) -> dict[str, str]:
    """``column=target`` each (the last ``=`` counts) → ``ImportOptions.columns``.

    Raises:
        ImportFailed: a word of another form, or a column with two targets.
    """
    columns: dict[str, str] = {}
    for word in words:
        column, _, target = (part.strip() for part in word.rpartition("="))
        if not (column and target):
            raise ImportFailed(f"--map {word!r} is not understood.", hint="Write --map column=field.")
        if columns.setdefault(column, target) != target:
            raise ImportFailed(
                f"The column {column!r} is mapped twice, to {columns[column]} and to {target}.", hint="Choose one."
            )
    return columns


def parse_replacements(words: Iterable[str]) -> dict[str, dict[str, str]]:
    """``column:from=to`` each (the first ``:`` and the first ``=`` after it count) → ``ImportOptions.replacements``.

    Raises:
        ImportFailed: a word of another form.
    """
    replacements: dict[str, dict[str, str]] = {}
    for word in words:
        column, _, change = word.partition(":")
        old, equals, new = (part.strip() for part in change.partition("="))
        if not (column.strip() and old and equals):
            raise ImportFailed(f"--replace {word!r} is not understood.", hint="Write --replace column:from=to.")
        replacements.setdefault(column.strip(), {})[old] = new
    return replacements


def parse_said(words: Iterable[str], plugins: Collection[str]) -> dict[str, str]:
    """``plugin.name=value`` each (the first ``=`` counts) → ``ImportOptions.said``.

    Raises:
        ImportFailed: a word of another form, one that is said twice, or no such plugin is loaded.
    """
    said: dict[str, str] = {}
    for word in words:
        name, equals, value = (part.strip() for part in word.partition("="))
        plugin, dot, what = name.partition(".")
        if not (plugin and dot and what and equals and value):
            raise ImportFailed(f"--say {word!r} is not understood.", hint="Write --say plugin.name=value.")
        if plugin not in plugins:
            raise ImportFailed(f"There is no plugin {plugin!r} to say something to.", hint="See xrm plugins list.")
        if name in said:
            raise ImportFailed(f"{name} is said twice.", hint="Say it once.")
        said[name] = value
    return said


def _check_format(format_: str | None, needed: str, example: str) -> None:
    """A format that loses the year or the hour would make wrong values without a word."""
    if format_ is None:
        return
    try:
        read = dt.datetime.strptime(_PROBE.strftime(format_), format_)
    except ValueError:
        read = None
    if read is None or read.strftime(needed) != _PROBE.strftime(needed):
        raise ImportFailed(
            f"The format {format_!r} does not say a whole date or time.",
            hint=f"It needs {', '.join(part for part in needed.replace('-', ' ').replace(':', ' ').split())} or their "
            f"like, e.g. {example}.",
        )
