"""Stores for the content of files: a folder, and a bucket of a server that speaks S3."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

from xrm_core.storage.contents.disk import DiskStore
from xrm_core.storage.contents.s3 import Bucket, S3Store

KEYS = {"s3_access_key": "AKIDFORTESTS", "s3_secret_key": "geheim-und-lang"}
BUCKET = "xrm-files"


@contextmanager
def s3_server() -> Iterator[str]:
    """The endpoint of a server with an empty bucket."""
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # its lines of requests are not what tests look at
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    try:
        endpoint = "http://{}:{}".format(*server.get_host_and_port())
        client(endpoint).create_bucket(Bucket=BUCKET)
        yield endpoint
    finally:
        server.stop()


@cache
def client(endpoint: str) -> Any:
    """boto3's, beside ours; to make one takes longer than most that it does."""
    import boto3

    keys = {"aws_access_key_id": KEYS["s3_access_key"], "aws_secret_access_key": KEYS["s3_secret_key"]}
    with patch.dict(os.environ):
        return boto3.session.Session().client("s3", endpoint_url=endpoint, region_name="us-east-1", **keys)


def bucket(endpoint: str) -> S3Store:
    return S3Store(Bucket(BUCKET, "some/place/", endpoint, "us-east-1", KEYS["s3_access_key"], KEYS["s3_secret_key"]))


def keys_in(store: Any, endpoint: str) -> list[str]:
    """What lies in a store."""
    if isinstance(store, DiskStore):
        folder: Path = store._folder
        return sorted(str(each.relative_to(folder)) for each in folder.rglob("*") if each.is_file())
    found = client(endpoint).list_objects_v2(Bucket=BUCKET).get("Contents", [])
    return sorted(each["Key"].removeprefix("some/place/") for each in found)
