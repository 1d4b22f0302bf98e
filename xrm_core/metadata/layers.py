"""Layers: the sources of a model, from the core pack up to what one tenant adds."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

LayerKind = Literal["core", "plugin", "industry", "deployment", "tenant"]
"""What a layer is, from the lowest to the highest."""

RANKS = {kind: rank for rank, kind in enumerate(get_args(LayerKind))}


@dataclass(frozen=True, slots=True)
class LayerSource:
    """One layer: entity files and extension files, in a folder or as texts at hand.

    Args:
        name: the pack's name, the plugin's, or the tenant's; it stands in :class:`~xrm_core.metadata.model.Source`.
        kind: decides the order of layers; sources of one kind stand in the order given.
        folder: of it, the files ``*.json`` at its top are read, save ``pack.json`` and names that begin with a dot.
        texts: (file name as it is to stand in messages, JSON text) of each file.
        words: words of plugins that may stand in the files of any layer also where the plugin is not loaded, with those
            that begin with one of them and a ``-``.
    """

    name: str
    kind: LayerKind
    folder: Path | None = None
    texts: Sequence[tuple[str, str]] = ()
    words: Sequence[str] = ()


def ranked(sources: Iterable[LayerSource]) -> list[tuple[LayerSource, int]]:
    """From the lowest to the highest, each with its rank: how high it stands. Those of one kind are as they were given.

    Plugins have one rank, since none of them stands upon another.
    """
    ordered = sorted(sources, key=lambda source: RANKS[source.kind])
    plugins = next((i for i, source in enumerate(ordered) if source.kind == "plugin"), 0)
    return [(source, plugins if source.kind == "plugin" else i) for i, source in enumerate(ordered)]
