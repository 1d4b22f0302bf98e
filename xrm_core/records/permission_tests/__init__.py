"""Examples of what users may and may not do, tried on records of their own in a database that is thrown away."""

from xrm_core.records.permission_tests.reading import TESTS_FILE, read_tests
from xrm_core.records.permission_tests.running import Failure, run_tests
from xrm_core.records.permission_tests.tests import PermissionTests

__all__ = ["TESTS_FILE", "Failure", "PermissionTests", "read_tests", "run_tests"]
