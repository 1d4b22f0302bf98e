"""The texts of a policy set: two files, read from the ``permissions/`` folders of packs or kept in a database."""

import csv
import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from xrm_core.errors import PolicyInvalid

ROLES, POLICIES = "roles.json", "policies.csv"
"""The names of the two files."""


def texts_of(folders: Sequence[Path], name: str) -> dict[str, str]:
    """The texts of all files of this name by their paths, the lowest pack first; one of them must be there.

    Raises:
        PolicyInvalid: there is none, or it cannot be read.
    """
    found = [folder / name for folder in folders if (folder / name).exists()]
    return {str(file): text_of(file) for file in found or [folders[-1] / name]}


def merged(roles: Sequence[str], policies: Sequence[str]) -> dict[str, str]:
    """The texts of all packs as one set; they must be valid. Those of a single pack stay as they are."""
    return {
        ROLES: roles[0] if len(roles) == 1 else _merged_roles(roles),
        POLICIES: policies[0] if len(policies) == 1 else _merged_policies(policies),
    }


def is_text(text: str) -> bool:
    """Whether databases can keep it: no NUL, no half of a surrogate pair."""
    return "\0" not in text and not any("\ud800" <= sign <= "\udfff" for sign in text)


def digest(files: Mapping[str, str]) -> str:
    """Equal for equal texts."""
    return hashlib.sha256(json.dumps(dict(files), sort_keys=True).encode()).hexdigest()[:32]


def _merged_roles(texts: Sequence[str]) -> str:
    found: dict[str, dict[str, Any]] = {}
    for text in texts:
        for key, members in json.loads(text).items():
            found.setdefault(key, {}).update(members)  # a name that is there twice means the same
    return json.dumps(found, ensure_ascii=False, indent=2) + "\n"


def _merged_policies(texts: Sequence[str]) -> str:
    made = io.StringIO()
    writer = csv.writer(made, lineterminator="\n")
    for number, text in enumerate(texts):
        rows = list(csv.reader(text.splitlines(), strict=True))
        writer.writerows(row for row in rows[bool(number) :] if row)
    return made.getvalue()


def text_of(file: Path) -> str:
    """The text of a policy file. Raises PolicyInvalid: it cannot be read."""
    try:
        return file.read_text("utf-8-sig")
    except OSError as error:
        raise PolicyInvalid(
            f"The policy file {error.filename} cannot be read.",
            hint="A pack has permissions/roles.json and permissions/policies.csv; without them nobody may do anything.",
        ) from error
    except UnicodeDecodeError as error:
        raise PolicyInvalid(f"{file}: not UTF-8 text.", hint="Save the file as UTF-8.") from error
