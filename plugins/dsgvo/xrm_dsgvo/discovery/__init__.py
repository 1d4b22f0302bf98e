"""Everything that is about a person: from a seed to the subject graph. Begin with :func:`discover`."""

from xrm_dsgvo.discovery.finding import discover
from xrm_dsgvo.discovery.graph import Candidate, Hit, Key, Reason, Seed, SubjectGraph

__all__ = ["Candidate", "Hit", "Key", "Reason", "Seed", "SubjectGraph", "discover"]
