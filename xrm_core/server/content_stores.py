"""Settings → the stores in which the content of files lies."""

from functools import lru_cache
from pathlib import Path

from xrm_core.settings import DATABASE, S3_SCHEME, Settings
from xrm_core.storage.contents import Store, Stores
from xrm_core.storage.contents.disk import DiskStore
from xrm_core.storage.contents.s3 import Bucket, S3Store, require_boto3


def content_stores(settings: Settings) -> Stores:
    """The stores of the setting ``files``: what stands first takes new content, all are read.

    Raises:
        SettingsError: a bucket is named, but boto3 is not installed.
    """
    reached = settings.s3_endpoint, settings.s3_region, settings.s3_access_key, settings.s3_secret_key
    stores = tuple(_store(place, *reached) for place in settings.files if place != DATABASE)
    return Stores(stores, inside=settings.files[:1] == (DATABASE,))


@lru_cache(maxsize=8)
def _store(place: str, *reached: str) -> Store:
    """The same one for all who ask: a client of S3 takes long to make."""
    if not place.startswith(S3_SCHEME):
        return DiskStore(Path(place).expanduser().absolute())
    require_boto3()
    name, _, prefix = place.removeprefix(S3_SCHEME).partition("/")
    prefix = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
    return S3Store(Bucket(name, prefix, *reached))
