"""What is compiled once is kept, whatever the environment says: a process that compiles the platform anew wants half a
second longer to start, and the tests start hundreds; and pytest rewrites every test in each of its processes."""

import os
import sys


def keep() -> None:
    """In this process and in those that it starts, from now on."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False
