"""Sealed texts of records about somebody else: opened by the job alone, page by page, and only compared."""

from collections.abc import Callable, Iterator
from typing import Any

from xrm_core.api import JobContext, Record
from xrm_dsgvo.discovery.graph import Key
from xrm_dsgvo.discovery.sources import together
from xrm_dsgvo.own import within

_AT_ONCE = 200

Text = tuple[Key, str, str]
"""A record, its field, and what stands there."""


def texts_of(job: JobContext, entity: str, names: list[str]) -> Iterator[Text]:
    """All of some fields of an entity: in its table, in the vault and in the trash; each page is a transaction of its
    own, so nobody waits for it.

    Raises:
        SealingUnavailable: they cannot be opened.
    """
    yield from _pages(job, entity, names, lambda context, after: context.find(entity, {}, _AT_ONCE, after))
    with job.read() as connection:
        context = within(job, connection)
        aside = entity in context.set_aside()
        kept = together(context.vaulted(entity)) if aside else {}
        lying = [(id_, context.in_clear(entity, {**values, "id": id_})) for id_, values in kept.items()]
    yield from (text for id_, record in lying for text in _texts(entity, names, {**record, "id": id_}))
    if aside:
        yield from _pages(job, entity, names, lambda context, after: context.deleted(entity, after, _AT_ONCE))


def _pages(job: JobContext, entity: str, names: list[str], page: Callable[[Any, str], list[Record]]) -> Iterator[Text]:
    after = ""
    while True:
        with job.read() as connection:
            context: Any = within(job, connection)
            found = page(context, after)
            filled = [each for each in found if any(each.get(name) for name in names)]
            clear = [context.in_clear(entity, {"id": each["id"], **{n: each.get(n) for n in names}}) for each in filled]
        yield from (text for record in clear for text in _texts(entity, names, record))
        if len(found) < _AT_ONCE:
            return
        after = str(found[-1]["id"])


def _texts(entity: str, names: list[str], record: Record) -> Iterator[Text]:
    for name in names:
        if isinstance(value := record.get(name), str) and value:
            yield (entity, str(record["id"])), name, value
