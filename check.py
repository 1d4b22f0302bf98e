"""Check everything: format, lint, types, imports between rooms, dependencies, tests.

``check.py [--fast] [--fix] [-- pytest arguments]``; see CONTRIBUTING.md. Runs the tools of the Python that runs it.
"""

import argparse
import os
import subprocess
import sys
import time
from importlib.metadata import distributions
from pathlib import Path

ROOT = Path(__file__).parent
TOOLS = Path(sys.executable).parent
CHECKS = {
    "format": ["ruff", "format", "--check", "."],
    "lint": ["ruff", "check", "."],
    "types": ["mypy"],
    "imports": ["lint-imports"],
}
PLUGINS = os.pathsep.join(str(folder) for folder in sorted((ROOT / "plugins").iterdir()) if folder.is_dir())
"""Where the plugins are found also by an installation that was made before one of them came."""
FIXES = (["ruff", "format", "."], ["ruff", "check", "--fix", "."])


def dependencies() -> str:
    """What is wrong with the installed distributions; empty if nothing is."""
    names = {distribution.name.lower() for distribution in distributions()}
    if "casbin" in names:
        return "The distribution «casbin» is installed beside «pycasbin» and shadows it: pip uninstall casbin."
    return "" if "pycasbin" in names else "The distribution «pycasbin» is not installed."


def call(command: list[str]) -> int:
    """Exit code of a tool that is installed beside this Python."""
    words = [str(TOOLS / command[0]), *command[1:]]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, (os.environ.get("PYTHONPATH"), PLUGINS)))}
    ended = subprocess.run(words, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, check=False)  # noqa: S603 - our own words
    return ended.returncode


def run(name: str, command: list[str]) -> bool:
    """Run a tool and say how it went."""
    print(f"== {name}: {' '.join(command)}", flush=True)
    started = time.monotonic()
    passed = call(command) == 0
    print(f"== {name}: {'passed' if passed else 'FAILED'} in {time.monotonic() - started:.0f} s\n", flush=True)
    return passed


def main() -> int:
    """Run all checks; 0 if all passed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--fast", action="store_true", help="leave the tests out")
    parser.add_argument("--fix", action="store_true", help="first mend what can be mended")
    parser.add_argument("pytest", nargs="*", help="arguments for pytest, after --")
    chosen = parser.parse_args()
    if chosen.fix:
        for command in FIXES:
            call(command)
    failed = [name for name, command in CHECKS.items() if not run(name, command)]
    if reason := dependencies():
        print(f"== dependencies: FAILED. {reason}\n")
        failed.append("dependencies")
    if not chosen.fast and not run("tests", ["pytest", "-n", "auto", *chosen.pytest]):
        failed.append("tests")
    print(f"FAILED: {', '.join(failed)}" if failed else "All checks passed.")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
