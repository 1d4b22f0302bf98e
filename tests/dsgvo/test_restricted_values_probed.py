"""Who brings in what a restricted person has is told nothing of what lies in the vault (I17): by no import, dry or not,
and by no bundle of the tenant.
"""

import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.dsgvo.conftest import KEY
from tests.dsgvo.test_arriving import imported
from tests.dsgvo.test_restrictions import OPEN, done
from xrm_core.storage.bundle import export_bundle
from xrm_core.testing import Setup, Xrm

SECRET, NUMBER = "Zwanzigkanarie", "K-KANARIE-7"


@pytest.fixture(scope="module")
def xrm_setup() -> Setup:
    return Setup(plugins=["dsgvo"], environment=KEY)


@pytest.fixture
def restricted(xrm: Xrm) -> str:
    """A sole trader whose data are restricted."""
    values = {
        "name": SECRET,
        "legal_form": "e. K.",
        "customer_number": NUMBER,
        "email": f"{SECRET.lower()}@vogel.example",
    }
    id_ = str(xrm.create("customer", values))
    person = {"entity": "customer", "record": id_}
    done(xrm.as_role("dsb"), OPEN, person=person, ground="accuracy", because="Disputed.")
    return id_


@pytest.mark.invariant("I17")
@pytest.mark.usefixtures("restricted")
def test_an_import_tells_nothing_of_who_is_restricted(xrm: Xrm, tmp_path: Path):
    # given files that bring in what the person has: a key and an address, beside values that are refused
    heads, row = "name,customer_number,email", f"Kern,{NUMBER},{SECRET.lower()}@vogel.example"
    given: list[tuple[str, dict[str, Any]]] = [
        (f"{heads},status\n{row},nonsense\n", {}),
        (f"{heads},status\n{row},nonsense\n", {"upsert_by": ("customer_number",), "skip_bad_rows": True}),
        (f"{heads}\n{row}\n{row}\n", {"skip_bad_rows": True}),
        (f"{heads}\n{row}\n", {"upsert_by": ("customer_number",)}),
    ]

    # when they are imported
    told = [imported(xrm, tmp_path, "customer", text, **options) for text, options in given]

    # then each has found nobody but what came before it in the same files, and says nothing of the person
    assert [each.there for each in told] == [0, 0, 0, 1]
    assert all(each.problems for each in told[:3])
    assert SECRET not in repr(told)


def test_a_dry_run_tells_nothing_of_who_is_restricted(xrm: Xrm, restricted: str):
    document = """mutation ($i: UpsertCustomerInput!) {
      upsertCustomer(by: customerNumber, input: $i, dryRun: true) { created record { id name email } } }"""

    answer = xrm.as_role("admin").post(document, i={"customerNumber": NUMBER, "name": "Kern"}).text

    assert SECRET not in answer
    assert restricted not in answer
    assert '"created":true' in answer.replace(" ", "")


@pytest.mark.usefixtures("restricted")
def test_a_bundle_of_the_tenant_has_restricted_values_as_they_lie_in_the_vault(xrm: Xrm, tmp_path: Path):
    other = xrm.create("customer", name="Offenkanarie")

    export_bundle(xrm.database, tmp_path / "tenant.zip")

    with zipfile.ZipFile(tmp_path / "tenant.zip") as bundle:
        content = b"".join(bundle.read(name) for name in bundle.namelist())
    assert b"Offenkanarie" in content
    assert other.encode() in content
    assert not [each for each in (SECRET, NUMBER, SECRET.lower()) if each.encode() in content]
