"""A real SMTP server on loopback that keeps what it is given.

    with MailServer() as server:
        settings = Settings(smtp_host=server.host, smtp_port=server.port, ...)
        server.messages            # what arrived, in order: .sender .recipients .message .text
        server.wait(1)             # until that many have arrived (the count, or TimeoutError)
        server.refuse("no@x.org")  # that address gets 550;  fail(451) answers every message so; hang_up()

`MailServer(users={"me": "secret"})` wants a login; `starttls=` or `tls=` an `SSLContext`
encrypts. Its own thread and loop; the system chooses the port.
"""

from __future__ import annotations

import asyncio
import email
import email.policy
import ssl
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Any, Self

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session


@dataclass(frozen=True)
class Mail:
    """`sender` and `recipients` are the envelope's; `encrypted` says how it came."""

    sender: str
    recipients: tuple[str, ...]
    message: EmailMessage
    encrypted: bool = False

    @property
    def subject(self) -> str:
        return str(self.message["Subject"])

    @property
    def text(self) -> str:
        return str(self.message.get_content()).replace("\r\n", "\n")


class MailServer:
    """The server; a context manager."""

    host = "127.0.0.1"
    port = 0

    def __init__(
        self,
        *,
        users: Mapping[str, str] | None = None,
        starttls: ssl.SSLContext | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.messages: list[Mail] = []
        self._users = users
        self._starttls = starttls
        self._tls = tls
        self._refused: set[str] = set()
        self._status = ""
        self._hangs_up = False
        self._arrived = threading.Condition()

    def __enter__(self) -> Self:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        listening = self._loop.create_server(self._session, self.host, 0, ssl=self._tls)
        self._server = asyncio.run_coroutine_threadsafe(listening, self._loop).result()
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def refuse(self, address: str) -> None:
        self._refused.add(address)

    def fail(self, status: int) -> None:
        """From now on, answer every message with this status; 0 accepts again."""
        self._status = f"{status} not now" if status else ""

    def wait(self, count: int, timeout_s: float = 30) -> int:
        with self._arrived:
            if not self._arrived.wait_for(lambda: len(self.messages) >= count, timeout_s):
                raise TimeoutError(f"{len(self.messages)} of {count} mails arrived")
            return len(self.messages)

    def hang_up(self) -> None:
        """From now on, take each message and break off without a word."""
        self._hangs_up = True

    async def handle_MAIL(
        self,
        server: SMTP,
        session: Session,
        envelope: Envelope,
        address: str,
        mail_options: list[str],
    ) -> str:
        if self._users is not None and not session.authenticated:
            return "530 log in first"
        envelope.mail_from = address
        envelope.mail_options.extend(mail_options)
        return "250 OK"

    async def handle_RCPT(
        self,
        server: SMTP,
        session: Session,
        envelope: Envelope,
        address: str,
        rcpt_options: list[str],
    ) -> str:
        if address in self._refused:
            return "550 no such person"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if self._hangs_up:
            assert server.transport is not None
            server.transport.abort()
        if self._status:
            return self._status
        raw = envelope.original_content or b""
        message = email.message_from_bytes(raw, policy=email.policy.default)
        assert isinstance(message, EmailMessage)
        with self._arrived:
            to, encrypted = tuple(envelope.rcpt_tos), bool(self._tls or session.ssl)
            self.messages.append(Mail(envelope.mail_from or "", to, message, encrypted))
            self._arrived.notify_all()
        return "250 Message accepted"

    def _session(self) -> SMTP:
        demands: dict[str, Any] = {}
        if self._users is not None:
            demands = {"authenticator": self._knows}
        return SMTP(
            self,
            hostname="localhost",
            enable_SMTPUTF8=True,
            auth_require_tls=False,
            tls_context=self._starttls,
            loop=self._loop,
            **demands,
        )

    def _knows(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, given: Any
    ) -> AuthResult:
        assert self._users is not None and isinstance(given, LoginPassword)
        expected = self._users.get(given.login.decode())
        return AuthResult(success=expected == given.password.decode(), handled=False)

    async def _stop(self) -> None:
        self._server.close()
        others = [each for each in asyncio.all_tasks() if each is not asyncio.current_task()]
        for each in others:
            each.cancel()
        await asyncio.gather(*others, return_exceptions=True)
