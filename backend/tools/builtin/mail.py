"""email.send: mail by the configured SMTP server."""

from __future__ import annotations

import ipaddress
import re
import socket
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import format_datetime, parseaddr
from typing import Annotated, Any

import aiosmtplib
from pydantic import Field
from typing_extensions import TypedDict

from backend.contracts.errors import Invalid, ToolError
from backend.contracts.events import derived_id
from backend.contracts.tools import ToolResult
from backend.settings import Settings
from backend.tools.builtin.readable import render
from backend.tools.define import ToolContext, tool
from backend.tools.outgoing import is_certificate_error

MAX_BODY = 2_000_000
IMPLICIT_TLS_PORT = 465
_ADDRESS = re.compile(
    r"[^\s@<>,;:\"()\[\]\\]{1,64}@[^\s@<>,;:\"()\[\]\\.]+(\.[^\s@<>,;:\"()\[\]\\.]+)*"
)

Email = Annotated[str, Field(min_length=3, max_length=254, json_schema_extra={"format": "email"})]
Emails = Annotated[list[Email], Field(min_length=1, max_length=50)]


class Sent(TypedDict):
    """`refused` are the addresses the server would not take."""

    message_id: str
    to: list[str]
    refused: list[str]


@tool(
    "email.send",
    name="Send an email",
    purity="effect",
    outputs=Sent,
    effects=("sends 1 mail to {to}",),
    requires=("SMTP_HOST",),
    duration_s=1.5,
    timeout_s=90,
    capabilities=("network", "mail"),
    examples=(
        "mail it to me",
        "send me an email",
        "email the summary to someone",
        "send it to this address",
    ),
)
async def send(
    context: ToolContext,
    to: Email | Emails,
    subject: Annotated[str, Field(min_length=1, max_length=500)],
    body: str | list[Any] | dict[str, Any],
    reply_to: Annotated[str, Field(max_length=254)] = "",
) -> ToolResult:
    """Send an email to one or several people.

    Args:
        to: who gets it: one address or a list of them
        subject: the subject line
        body: the text; a list or an object is written out readably
        reply_to: where answers should go, if not to the sender
    """
    recipients = list(dict.fromkeys([to] if isinstance(to, str) else to))
    message = compose(context, recipients, subject, render(body), reply_to)
    refused = await _deliver(context.settings, message, recipients)
    taken = [each for each in recipients if each not in refused]
    sent = Sent(message_id=message["Message-ID"], to=taken, refused=refused)
    note = f"The mail server refused {', '.join(refused)}." if refused else ""
    return ToolResult(output=dict(sent), note=note)


def compose(
    context: ToolContext, to: list[str], subject: str, text: str, reply_to: str = ""
) -> EmailMessage:
    """The message. `Invalid` EXEC_ADDRESS_INVALID, EXEC_HEADER_INVALID (a line break where a header
    could be slipped in), EXEC_TOO_LARGE."""
    if not subject.isprintable():
        said = "The subject has a line break or another control character in it."
        raise Invalid(said, code="EXEC_HEADER_INVALID")
    if len(text) > MAX_BODY:
        raise Invalid(f"A mail holds at most {MAX_BODY:,} characters.", code="EXEC_TOO_LARGE")
    sender = _sender(context.settings)
    message = EmailMessage(policy=SMTP_POLICY)
    message["From"] = sender
    message["To"] = [_address(each) for each in to]
    message["Subject"] = subject
    message["Date"] = format_datetime(context.now())
    # The same attempt, delivered twice, is the same message: mail systems drop the second.
    message["Message-ID"] = f"<{derived_id('mail', context.call.key)}@{sender.domain}>"
    message["Auto-Submitted"] = "auto-generated"
    if reply_to:
        message["Reply-To"] = _address(reply_to)
    message.set_content(text, cte="quoted-printable")
    return message


def _address(text: str) -> Address:
    if len(text) > 254 or not _ADDRESS.fullmatch(text):
        raise Invalid(f"{text[:100]!r} is not a mail address.", code="EXEC_ADDRESS_INVALID")
    user, _, domain = text.rpartition("@")
    try:
        return Address(username=user, domain=domain.encode("idna").decode())
    except (UnicodeError, ValueError) as error:
        said = f"{text[:100]!r} is not a mail address."
        raise Invalid(said, code="EXEC_ADDRESS_INVALID") from error


def _sender(settings: Settings) -> Address:
    """SMTP_FROM ("Name <a@b>" or "a@b"), else the login if it is an address, else a name for the
    machine's own mail."""
    name, text = parseaddr(settings.smtp_from)
    if not text:
        text = settings.smtp_user if "@" in settings.smtp_user else "lightning@localhost"
    if not name.isprintable():
        raise Invalid("SMTP_FROM has a control character in it.", code="EXEC_HEADER_INVALID")
    address = _address(text)
    return Address(name or "Lightning", address.username, address.domain)


async def _deliver(settings: Settings, message: EmailMessage, to: list[str]) -> list[str]:
    """Hands the message over; returns the refused addresses."""
    mode = settings.smtp_tls
    implicit = mode == "tls" or (mode == "auto" and settings.smtp_port == IMPLICIT_TLS_PORT)
    client = aiosmtplib.SMTP(
        hostname=settings.smtp_host,
        port=settings.smtp_port,
        use_tls=implicit,
        start_tls={"starttls": True, "auto": None}.get(mode, False) if not implicit else False,
        local_hostname=_host_name(),
        timeout=20,
    )
    try:
        await client.connect()
        await _log_in(client, settings)
    except (OSError, aiosmtplib.SMTPException, ValueError) as error:
        client.close()
        raise _unconnected(settings, error) from error
    except ToolError:
        client.close()
        raise
    return await _hand_over(client, message, to)


async def _log_in(client: aiosmtplib.SMTP, settings: Settings) -> None:
    if not settings.smtp_user:
        return
    encrypted = client.get_transport_info("sslcontext") is not None
    if not encrypted and settings.smtp_tls != "none" and not _is_loopback(settings.smtp_host):
        said = f"{settings.smtp_host} offers no encryption, so the password was not sent."
        hint = "Set SMTP_TLS=tls for port 465, or SMTP_TLS=none if this network is your own."
        raise ToolError(said, code="EXEC_MAIL_INSECURE", hint=hint)
    await client.login(settings.smtp_user, settings.smtp_password)


async def _hand_over(client: aiosmtplib.SMTP, message: EmailMessage, to: list[str]) -> list[str]:
    try:
        async with client:
            refused, _ = await client.send_message(message, recipients=to)
    except aiosmtplib.SMTPRecipientsRefused as error:
        first = error.recipients[0]
        said = f"The mail server refuses {first.recipient}: {first.message[:300]}"
        raise ToolError(said, code="EXEC_MAIL_REFUSED", transient=first.code < 500) from error
    except aiosmtplib.SMTPResponseException as error:
        said = f"The mail server refuses the message: {error.code} {error.message[:300]}"
        raise ToolError(said, code="EXEC_MAIL_REFUSED", transient=error.code < 500) from error
    except (OSError, aiosmtplib.SMTPException, ValueError) as error:
        raise ToolError(
            "The connection to the mail server broke off while the mail was handed over.",
            code="EXEC_MAIL_INTERRUPTED",
            unknown=True,
            hint="It may have been sent; look before running this step again.",
        ) from error
    return list(refused)


def _unconnected(settings: Settings, error: Exception) -> ToolError:
    where = f"{settings.smtp_host}:{settings.smtp_port}"
    if isinstance(error, aiosmtplib.SMTPAuthenticationError):
        said = f"The mail server {where} does not accept this user and password."
        hint = "Check SMTP_USER and SMTP_PASSWORD."
        return ToolError(said, code="EXEC_MAIL_LOGIN", hint=hint)
    if is_certificate_error(error):
        said = f"The certificate of the mail server {where} cannot be trusted."
        hint = "Set SSL_CERT_FILE to its authority, or SMTP_TLS=none if this network is your own."
        return ToolError(said, code="EXEC_MAIL_CERTIFICATE", hint=hint)
    if isinstance(error, OSError | aiosmtplib.SMTPServerDisconnected):
        said = f"The mail server {where} cannot be reached."
        hint = "Check SMTP_HOST, SMTP_PORT and SMTP_TLS."
        return ToolError(said, code="EXEC_MAIL_UNREACHABLE", hint=hint, transient=True)
    said = f"The mail server {where} cannot be used: {str(error)[:300]}"
    return ToolError(said, code="EXEC_MAIL_UNUSABLE", hint="Check SMTP_TLS and SMTP_USER.")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host in ("localhost", "localhost.")


def _host_name() -> str:
    name = socket.gethostname()
    return name if re.fullmatch(r"[A-Za-z0-9.-]{1,200}", name) else "localhost"
