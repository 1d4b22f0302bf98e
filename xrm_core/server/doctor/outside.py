"""What the server reaches over the network: mail, OpenID providers."""

import asyncio
import ssl
from collections.abc import Iterator

from xrm_core.auth.oidc_documents import Documents
from xrm_core.auth.oidc_providers import load_providers
from xrm_core.server.doctor.findings import Finding, failed, ok
from xrm_core.settings import Settings

SECONDS = 10.0


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


def providers(settings: Settings) -> Iterator[Finding]:
    """What the OpenID providers say of themselves."""
    for each in load_providers(settings.oidc).values():
        check = f"provider {each.name}" + (f" of {each.tenant}" if each.tenant else "")
        asyncio.run(Documents(each).metadata())
        yield ok(check, f"{each.issuer} answers.")
