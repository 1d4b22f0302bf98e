"""What stores of plugins have of records whose period is over: it goes before them, since they say what to look for.

A store that does not answer, or has something left, keeps the record until another night: nothing is lost by that.
"""

from collections.abc import Sequence

from xrm_core.api import JobContext, StoreSubject, data_stores
from xrm_dsgvo import own
from xrm_dsgvo.privacy import EntityPrivacy
from xrm_dsgvo.retention.carrying import Batch
from xrm_dsgvo.retention.deciding import Outcome, decide
from xrm_dsgvo.stores.persons import of_plan
from xrm_dsgvo.stores.steps import DONE, begun, erased


def refused_by_stores(job: JobContext, batch: Batch, said: EntityPrivacy, ids: Sequence[str]) -> frozenset[str]:
    """Have stores erase what they have of those of some records that are due; of which one has not, their ids."""
    states = begun(data_stores(job))
    if not states or batch.run is None:
        return frozenset()
    with job.read() as connection:
        context = own.within(job, connection)
        due: dict[str, StoreSubject] = {}
        for id_ in ids:
            found = decide(context, batch.registers, (said.name, id_), batch.day)
            if found.outcome is Outcome.DUE:
                whom = of_plan(context, found.todo, aside=False)
                # what stands on an invoice still is the address of a person who stays
                due[id_] = whom if said.role == "is_subject" else StoreSubject(whom.records)
    return frozenset(
        id_
        for id_, about in due.items()
        if any(erased(job, name, state, about, [])["status"] != DONE for name, state in states.items())
    )
