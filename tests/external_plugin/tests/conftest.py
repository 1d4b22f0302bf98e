"""The app of the tests: this plugin on the core pack, and who may do what with vehicles.

The platform's own tests run these too, without installing the plugin, so it is given as a module. Where it is
installed, ``Setup(["fleet"])`` is enough.
"""

import pytest
import xrm_fleet

from xrm_core.testing import Setup


@pytest.fixture(scope="session")
def xrm_setup() -> Setup:
    """Sales representatives look after vehicles; guests see them."""
    return Setup(
        {"fleet": xrm_fleet},
        policies=[
            "sales_rep,vehicle,*,*,,allow",
            "sales_rep,fleet.inspect,run,*,,allow",
            "sales_rep,fleet.recall,run,*,,allow",
            "sales_rep,fleet.overview,run,*,,allow",
            "guest,vehicle,read,licence_plate,,allow",
        ],
    )
