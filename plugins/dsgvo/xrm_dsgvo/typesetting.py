"""Lines as PDF, by a template of Typst."""

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from xrm_core.api import Refuse


def typeset(template: Path, lines: Mapping[str, Any], standards: Sequence[str]) -> bytes:
    """A document of lines.

    Args:
        template: a file of Typst, which reads the lines as JSON.
        lines: what stands in it.
        standards: of PDF that it has to meet, such as ``a-2b``.

    Raises:
        Refuse: what lays out letters is not installed.
    """
    try:
        import typst  # it takes 34 MB, and only documents need it
    except ImportError:
        text = {
            "en": "Documents need Typst on the server: pip install 'xrm-platform[sales]'.",
            "de": "Dokumente brauchen Typst auf dem Server: pip install 'xrm-platform[sales]'.",
        }
        raise Refuse(text) from None
    data, kinds = json.dumps(lines, ensure_ascii=False), list[Any](standards)
    return bytes(typst.compile(_read(template), format="pdf", sys_inputs={"data": data}, pdf_standards=kinds))


@lru_cache(maxsize=8)
def _read(template: Path) -> bytes:
    return template.read_bytes()
