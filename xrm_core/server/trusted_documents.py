"""Trusted documents (persisted queries): GraphQL documents that the operator knows, asked for by an id.

A client sends ``documentId`` (or Apollo's ``extensions.persistedQuery.sha256Hash``) in place of ``query``. Where only
these are taken, nobody can ask anything that was not written by the operator's own developers.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from xrm_core.errors import SettingsError, XrmError

_HINT = 'It is a folder with *.graphql files, or a manifest: {"id": "document", …}, as Relay and Apollo write it.'


class DocumentUnknown(XrmError):
    """There is no trusted document of this id."""

    code = "DOCUMENT_UNKNOWN"


class DocumentNotTrusted(XrmError):
    """The server takes trusted documents only."""

    code = "DOCUMENT_NOT_TRUSTED"
    http_status = 403


class TrustedDocuments:
    """Documents by id.

    Args:
        documents: id → text.
        only: whether other documents are refused.
    """

    def __init__(self, documents: Mapping[str, str] | None = None, *, only: bool = False) -> None:
        self._documents = dict(documents or {})
        self._only = only

    def text(self, content: Mapping[str, Any]) -> Any:
        """What a request asks for: the trusted document, or the text that it has in ``query``.

        Raises:
            DocumentUnknown: no document has the id.
            DocumentNotTrusted: it has none, and only trusted documents are taken.
        """
        id_ = _id(content)
        if id_ is None:
            if self._only and content.get("query") is not None:
                raise DocumentNotTrusted(
                    "This server takes trusted documents only.", hint="Send the documentId of one in place of query."
                )
            return content.get("query")
        found = self._documents.get(id_.removeprefix("sha256:"))
        if found is None:
            raise DocumentUnknown(
                "There is no trusted document of this id.", hint="The operator names them by XRM_DOCUMENTS."
            )
        return found


def load_trusted_documents(place: Path | None, *, only: bool) -> TrustedDocuments:
    """The documents of a folder or a manifest.

    Raises:
        SettingsError: the place cannot be read, or only trusted documents are taken and there is none.
    """
    documents = {} if place is None else dict(_documents(place))
    if only and not documents:
        raise SettingsError(
            "XRM_ONLY_TRUSTED_DOCUMENTS is on, and there is no document.", hint="Name them by XRM_DOCUMENTS."
        )
    return TrustedDocuments(documents, only=only)


def _id(content: Mapping[str, Any]) -> str | None:
    found = content.get("documentId")
    if found is None:
        persisted = (content.get("extensions") or {}).get("persistedQuery")
        found = persisted.get("sha256Hash") if isinstance(persisted, Mapping) else None
    return found if isinstance(found, str) else None


def _documents(place: Path) -> Iterator[tuple[str, str]]:
    try:
        if place.is_dir():
            for file in sorted(place.rglob("*.graphql")):
                text = file.read_bytes().decode()
                yield hashlib.sha256(text.encode()).hexdigest(), text
            return
        content = json.loads(place.read_bytes())
    except (OSError, ValueError) as error:
        raise SettingsError(f"XRM_DOCUMENTS: {place} cannot be read.", hint=_HINT) from error
    if isinstance(content, dict) and isinstance(content.get("operations"), list):
        pairs = [(each.get("id"), each.get("body")) for each in content["operations"] if isinstance(each, dict)]
    else:
        pairs = list(content.items()) if isinstance(content, dict) else [(None, None)]
    for id_, body in pairs:
        if not isinstance(id_, str) or not isinstance(body, str):
            raise SettingsError(f"XRM_DOCUMENTS: {place} is no manifest.", hint=_HINT)
        yield id_.removeprefix("sha256:"), body
