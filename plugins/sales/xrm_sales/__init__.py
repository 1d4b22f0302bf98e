"""Sales: pipelines and opportunities, products with their prices, quotes. A plugin like those of third parties."""

from pathlib import Path

from xrm_core.api import hookimpl


@hookimpl
def register_schemas() -> list[Path]:
    """All entities of sales."""
    return [Path(__file__).parent / "schemas"]
