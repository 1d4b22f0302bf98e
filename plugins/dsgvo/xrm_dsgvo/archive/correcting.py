"""Archived values are corrected: a person has a right to it (Article 16), also of what the law alone keeps."""

from collections.abc import Callable, Iterable
from typing import Any

from xrm_dsgvo.archive.entries import Key, come_back, ground_of, key_of, names_of, of_records
from xrm_dsgvo.archive.moving import put_apart
from xrm_dsgvo.own import Writing
from xrm_dsgvo.privacy import privacy_of


def out_of_archive(context: Writing, keys: Iterable[Key], act: Callable[[], Any]) -> Any:
    """Do something with records: what is archived of them is back for it, and archived again before the end.

    Raises:
        ValidationFailed: something does not fit any more.
        SealingUnavailable: it cannot be opened.
    """
    back = [
        (key_of(each), names_of(each), ground_of(each))
        for each in of_records(context, keys)
        if come_back(context, each)
    ]
    done = act()
    for key, names, ground in back:
        put_apart(context, privacy_of(context.records.model), key, dict.fromkeys(names, ground))
    return done
