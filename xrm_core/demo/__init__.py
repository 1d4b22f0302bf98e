"""Demo data: about 20 000 believable records, the same for the same seed; nothing in here writes to a database."""

from xrm_core.demo.accounts import DEMO_USERS
from xrm_core.demo.records import counts, links, patches, records

__all__ = ["DEMO_USERS", "counts", "links", "patches", "records"]
