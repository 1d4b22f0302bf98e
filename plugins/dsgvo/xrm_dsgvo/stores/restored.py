"""After a restore stores of plugins are asked once more about whom is erased again.

A restore takes nothing back that a store has erased. But what flows into one may have come back meanwhile, by hand or
out of a backup of its own. It is asked by ids, which is all that is known of the person then.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from xrm_core.api import JobContext, JobFailed, JobHandler, StoreSubject, data_stores, enqueue
from xrm_dsgvo.discovery.graph import Key
from xrm_dsgvo.own import Writing
from xrm_dsgvo.stores.steps import DONE, begun, erased

RESTORED = "dsgvo.erase_in_stores_again"
_ATTEMPTS = 10
_MOST = 500


def after_restore(context: Writing, persons: Iterable[Key]) -> None:
    """Have stores asked about the records that were a person, once the transaction is committed."""
    if data_stores(context):
        enqueue(context.connection, RESTORED, {"records": [list(each) for each in persons][:_MOST]})


def erase_again(job: JobContext, payload: Mapping[str, Any]) -> Mapping[str, Any]:
    """Ask them."""
    about = StoreSubject(tuple((str(entity), str(id_)) for entity, id_ in payload["records"]))
    states = begun(data_stores(job))
    left = [name for name, state in states.items() if erased(job, name, state, about, [])["status"] != DONE]
    if left:
        raise JobFailed("Stores of plugins have not erased again what they have.")
    return {"stores": len(states)}


def jobs() -> list[JobHandler]:
    """What asks them."""
    return [JobHandler(RESTORED, erase_again, attempts=_ATTEMPTS)]
