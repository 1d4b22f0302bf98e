"""What the server reaches outside of its databases: mail, OpenID providers, places for the content of files."""

import asyncio
import hashlib
import io
import ssl
from collections.abc import Iterator
from ipaddress import ip_network
from uuid import uuid4

from xrm_core.auth.oidc_documents import Documents
from xrm_core.auth.oidc_providers import load_providers
from xrm_core.server.content_stores import content_stores
from xrm_core.server.doctor.findings import Finding, failed, ok
from xrm_core.settings import DATABASE, Settings
from xrm_core.storage.contents.store import FilesUnavailable

SECONDS = 10.0
_PROBE = b"Written, read and removed by xrm doctor."


def mail(settings: Settings) -> Iterator[Finding]:
    """The mail server, up to where a mail would be sent. Without one, nothing is said."""
    if not settings.mail_host:
        return
    from aiosmtplib import SMTP, SMTPException

    async def ask() -> None:
        client = SMTP(
            hostname=settings.mail_host,
            port=settings.mail_port,
            username=settings.mail_user or None,
            password=settings.mail_password or None,
            use_tls=settings.mail_tls == "tls",
            start_tls=settings.mail_tls == "starttls",
            timeout=SECONDS,
        )
        async with client:
            await client.noop()

    place = f"{settings.mail_host}, port {settings.mail_port}"
    try:
        asyncio.run(ask())
    except (SMTPException, OSError, ssl.SSLError, ValueError) as error:
        yield failed(
            "mail",
            f"The mail server at {place} does not let us in ({type(error).__name__}).",
            "Check XRM_MAIL_HOST, XRM_MAIL_PORT, XRM_MAIL_TLS, XRM_MAIL_USER and XRM_MAIL_PASSWORD.",
        )
    else:
        yield ok("mail", f"The mail server at {place} lets us in.")


def files(settings: Settings) -> Iterator[Finding]:
    """Where the content of files goes: whether it can be written there, read and removed. In the database: nothing."""
    stores = content_stores(settings)
    places = [place for place in settings.files if place != DATABASE]
    for place, store in zip(places, stores.all, strict=True):
        key = f"doctor/{(name := str(uuid4()))[:2]}/{name}"
        try:
            store.put(key, io.BytesIO(_PROBE), len(_PROBE), hashlib.sha256(_PROBE).hexdigest())
            reader = store.reader(key, range(len(_PROBE)))
            found = reader.read()
            reader.close()
            store.remove(key)
        except FilesUnavailable:
            found = b""
        if found == _PROBE:
            yield ok("files", f"{place} takes content, and gives it back.")
        else:
            yield failed(
                "files",
                f"{place} does not take content, or does not give it back.",
                "Check the folder's owner and room; of a bucket, XRM_S3_ENDPOINT, its keys, and what they may do.",
            )


def providers(settings: Settings) -> Iterator[Finding]:
    """What the OpenID providers say of themselves."""
    for each in load_providers(settings.oidc).values():
        check = f"provider {each.name}" + (f" of {each.tenant}" if each.tenant else "")
        asyncio.run(Documents(each, map(ip_network, settings.oidc_networks)).metadata())
        yield ok(check, f"{each.issuer} answers.")
