"""Whether one may see all that another may."""

import json

import pytest

from tests.graphql import kit
from xrm_core.permissions.authority import Authority
from xrm_core.permissions.coverage import covers_reads

RULES = {
    "owned": {"owner": {"id": {"eq": "$user"}}},
    "shared": {"$shared": "read"},
    "lead": {"kind": {"eq": "lead"}},
    "big": {"employees": {"gt": 5}},
    "of_team": {"owner": {"firms": {"some": {"owner": {"id": {"eq": "$user"}}}}}},
}
ROWS = [
    "everything,firm,read,*,,allow",
    "everything,person,read,*,,allow",
    "firms,firm,read,*,,allow",
    "leads,firm,read,*,lead,allow",
    "big,firm,read,*,big,allow",
    "own,firm,read,*,owned,allow",
    "indirect,firm,read,*,of_team,allow",
    "names,firm,read,name,,allow",
    "masked,firm,read,name kind,,allow",
    "masked,firm,read,note,,last_4",
    "initials,firm,read,name kind,,allow",
    "initials,firm,read,note,,initial",
    "own_masked,firm,read,name kind,,allow",
    "own_masked,firm,read,note,owned,last_4",
    "shared,firm,read,*,shared,allow",
    "schema,firm,read,*,,allow",
    "schema,xrm_schema,read,*,,allow",
    "writes,firm,create,*,,allow",
]
MODEL = kit.load_model()
AUTHORITY = Authority(MODEL, kit.policies(MODEL, ROWS, RULES, roles=["nothing"]))


@pytest.mark.parametrize(
    ("own", "other", "covered"),
    [
        ("everything", "firms", True),
        ("firms", "everything", False),
        ("everything", "nothing", True),
        ("nothing", "nothing", True),
        ("nothing", "writes", True),
        ("firms", "leads", True),
        ("leads", "firms", False),
        ("leads", "leads", True),
        ("leads", "big", False),
        ("leads big", "leads", False),  # it does, but that is not to be told from the rules
        ("firms", "own", True),
        ("own", "own", False),  # the firms that they own are others
        ("indirect", "indirect", False),
        ("firms", "names", True),
        ("names", "firms", False),
        ("names", "leads", False),
        ("firms", "masked", True),
        ("masked", "firms", False),
        ("masked", "masked", True),
        ("masked", "initials", False),
        ("firms", "own_masked", True),
        ("own_masked", "own_masked", False),  # the firms that they own are others
        ("firms", "shared", True),
        ("shared", "shared", False),  # what is shared with them is something else
        ("names", "masked", False),
        ("firms", "schema", False),
        ("schema", "firms", True),
    ],
)
def test_one_covers_another(own: str, other: str, covered: bool) -> None:
    accesses = [AUTHORITY.access(frozenset(roles.split())) for roles in (own, other)]
    assert covers_reads(MODEL, *accesses) is covered, json.dumps([own, other])
