"""What a plugin imports of the platform, read off its source: ``xrm_core.api``, and ``xrm_core.testing`` in tests."""

import ast
from collections.abc import Iterator, Sequence
from pathlib import Path

from xrm_core import api
from xrm_core.metadata.structure import nearest
from xrm_core.server.plugin_check.findings import Finding

_CORE, _API, _TESTING = "xrm_core", "xrm_core.api", "xrm_core.testing"


def imports(files: Sequence[Path], tests: Sequence[Path]) -> Iterator[Finding]:
    """What is not for plugins. Imports by a name that is put together at run time cannot be seen."""
    for file in files:
        yield from _of(file, (_API,))
    for file in tests:
        yield from _of(file, (_API, _TESTING))


def _of(file: Path, allowed: Sequence[str]) -> Iterator[Finding]:
    try:
        tree = ast.parse(file.read_text("utf-8"))
    except (SyntaxError, UnicodeDecodeError, ValueError) as error:
        yield Finding("imports", "error", f"It cannot be read: {type(error).__name__}.", str(file))
        return
    for node in ast.walk(tree):
        place = f"{file}:{getattr(node, 'lineno', 1)}"
        for module, name in _imported(node):
            if module not in allowed:
                hint = f"Plugins import {' and '.join(allowed)}; what is elsewhere may change in any release."
                yield Finding("imports", "error", f"It imports {module}.", place, hint)
            elif module == _API and name not in (None, "*", *api.__all__):
                hint = nearest(str(name), api.__all__).strip()
                yield Finding("imports", "error", f"{_API} has no {name}.", place, hint)


def _imported(node: ast.AST) -> Iterator[tuple[str, str | None]]:
    """Module of the platform, and the name that is taken of it; None: it as a whole."""
    if isinstance(node, ast.Import):
        for each in node.names:
            if each.name.partition(".")[0] == _CORE:
                yield each.name, None
    elif isinstance(node, ast.ImportFrom) and node.level == 0 and (node.module or "").partition(".")[0] == _CORE:
        for each in node.names:
            if node.module == _CORE:  # from xrm_core import api
                yield f"{_CORE}.{each.name}", None
            else:
                yield str(node.module), each.name
