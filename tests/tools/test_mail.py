from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest

from backend.contracts.errors import Invalid, ToolError
from backend.contracts.tools import ToolResult
from tests.certificates import Certificate, make_certificate
from tests.mail import MailServer
from tests.tools.conftest import NOW, Bench

LETTER = {"to": "me@example.com", "subject": "Today", "body": "All is well."}


async def send(bench: Bench, server: MailServer, **given: Any) -> ToolResult:
    settings = {name: given.pop(name) for name in tuple(given) if name.startswith("smtp_")}
    registry = bench.registry(smtp_host=server.host, smtp_port=server.port, **settings)
    return await registry.call(bench.call("email.send", {**LETTER, **given}))


async def fails(bench: Bench, server: MailServer, **given: Any) -> ToolError:
    with pytest.raises(ToolError) as caught:
        await send(bench, server, **given)
    return caught.value


async def test_a_mail_arrives_as_it_was_written(bench: Bench, mail_server: MailServer) -> None:
    text = "Grüße,\nals Text.\n" + "lang " * 300
    result = await send(bench, mail_server, subject="Schöne Grüße", body=text)
    [mail] = mail_server.messages
    assert mail.recipients == ("me@example.com",)
    assert mail.subject == "Schöne Grüße"
    assert mail.text.splitlines() == text.splitlines()
    assert mail.message["To"] == "me@example.com"
    assert mail.message["Date"].datetime == NOW
    assert mail.message["Auto-Submitted"] == "auto-generated"
    assert result.output == {
        "message_id": mail.message["Message-ID"],
        "to": ["me@example.com"],
        "refused": [],
    }


async def test_several_people_get_one_mail_each_once(bench: Bench, mail_server: MailServer) -> None:
    await send(bench, mail_server, to=["a@x.org", "b@x.org", "a@x.org"])
    [mail] = mail_server.messages
    assert mail.recipients == ("a@x.org", "b@x.org")
    assert mail.message["To"] == "a@x.org, b@x.org"


async def test_a_list_or_an_object_is_written_out_readably(
    bench: Bench, mail_server: MailServer
) -> None:
    entries = [{"title": "One", "link": "https://x.org/1", "summary": "First."}, {"title": "Two"}]
    await send(bench, mail_server, body=entries)
    await send(bench, mail_server, body={"total": 3, "parts": {"a": None, "b": ["x", "y"]}})
    texts = [mail.text.strip() for mail in mail_server.messages]
    assert texts == [
        "• One\n  First.\n  https://x.org/1\n\n• Two",
        "total: 3\nparts:\n  a: null\n  b:\n    • x\n    • y",
    ]


async def test_the_same_attempt_is_the_same_message_and_another_is_not(
    bench: Bench, mail_server: MailServer
) -> None:
    for bench.key in ("one", "one", "two"):
        await send(bench, mail_server)
    first, again, other = (mail.message["Message-ID"] for mail in mail_server.messages)
    assert first == again != other


@pytest.mark.parametrize(
    ("settings", "sender"),
    [
        ({}, "Lightning <lightning@localhost>"),
        ({"smtp_from": "bot@x.org"}, "Lightning <bot@x.org>"),
        ({"smtp_from": '"Bot, The" <bot@x.org>'}, '"Bot, The" <bot@x.org>'),
    ],
)
async def test_the_sender_is_the_configured_one_or_a_plain_default(
    bench: Bench, mail_server: MailServer, settings: dict[str, str], sender: str
) -> None:
    await send(bench, mail_server, **settings)
    mail = mail_server.messages[0]
    assert mail.message["From"] == sender
    assert mail.sender == mail.message["From"].addresses[0].addr_spec


@pytest.mark.parametrize(
    "given",
    [
        {"to": "a@x.org\r\nBcc: b@x.org"},
        {"to": "a@x.org, b@x.org"},
        {"to": ["a@x.org", "b@x.org\nX: y"]},
        {"to": "Ada <a@x.org>"},
        {"to": "a@x.org>"},
        {"to": '"a b"@x.org'},
        {"to": "a@@x.org"},
        {"to": "a@x..org"},
        {"to": "nobody"},
        {"to": ""},
        {"to": []},
        {"to": [f"a{n}@x.org" for n in range(51)]},
        {"subject": "Hi\r\nBcc: b@x.org"},
        {"subject": "Hi\nX: y"},
        {"subject": "Hi\x00"},
        {"subject": ""},
        {"subject": "x" * 501},
        {"reply_to": "a@x.org\nBcc: b@x.org"},
        {"body": 7},
        {"cc": "b@x.org"},
    ],
)
async def test_what_could_reach_others_than_said_is_refused_before_anything_is_sent(
    bench: Bench, mail_server: MailServer, given: dict[str, Any]
) -> None:
    with pytest.raises(Invalid):
        await send(bench, mail_server, **given)
    assert mail_server.messages == []


async def test_a_body_that_looks_like_headers_stays_body(
    bench: Bench, mail_server: MailServer
) -> None:
    await send(bench, mail_server, body="\r\n.\r\nMAIL FROM:<evil@x.org>\r\nBcc: b@x.org")
    [mail] = mail_server.messages
    assert mail.recipients == ("me@example.com",)
    assert mail.message["Bcc"] is None
    assert "MAIL FROM:<evil@x.org>" in mail.text


async def test_answers_go_where_they_should(bench: Bench, mail_server: MailServer) -> None:
    await send(bench, mail_server, reply_to="desk@x.org")
    assert mail_server.messages[0].message["Reply-To"] == "desk@x.org"


async def test_without_a_server_the_missing_setting_is_named(bench: Bench) -> None:
    registry = bench.registry()
    assert registry.catalogue().missing["email.send"] == ("SMTP_HOST",)
    with pytest.raises(ToolError) as caught:
        await registry.call(bench.call("email.send", LETTER))
    assert caught.value.code == "EXEC_SETTING_MISSING"


async def test_a_server_that_is_down_is_transient(bench: Bench) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        server = MailServer()
        server.port = unused.getsockname()[1]
        error = await fails(bench, server)
    assert (error.code, error.transient) == ("EXEC_MAIL_UNREACHABLE", True)
    assert "SMTP_HOST" in error.hint


@pytest.mark.parametrize(("status", "transient"), [(451, True), (554, False)])
async def test_a_refused_message_is_tried_again_only_if_the_server_says_later(
    bench: Bench, mail_server: MailServer, status: int, transient: bool
) -> None:
    mail_server.fail(status)
    error = await fails(bench, mail_server)
    assert (error.code, error.transient) == ("EXEC_MAIL_REFUSED", transient)
    assert str(status) in error.message


async def test_a_refused_address_is_told_and_the_others_get_their_mail(
    bench: Bench, mail_server: MailServer
) -> None:
    mail_server.refuse("no@x.org")
    result = await send(bench, mail_server, to=["a@x.org", "no@x.org"])
    assert (result.output["to"], result.output["refused"]) == (["a@x.org"], ["no@x.org"])
    assert "no@x.org" in result.note
    error = await fails(bench, mail_server, to="no@x.org")
    assert (error.code, error.transient) == ("EXEC_MAIL_REFUSED", False)
    assert len(mail_server.messages) == 1


async def test_a_connection_lost_while_handing_over_is_not_repeated_blindly(bench: Bench) -> None:
    with MailServer() as server:
        server.hang_up()
        error = await fails(bench, server)
    assert (error.code, error.transient) == ("EXEC_MAIL_INTERRUPTED", False)
    assert "may have been sent" in error.hint


async def test_a_login_is_used_and_a_wrong_one_explained(bench: Bench) -> None:
    with MailServer(users={"me": "right"}) as server:
        await send(bench, server, smtp_user="me", smtp_password="right")
        error = await fails(bench, server, smtp_user="me", smtp_password="wrong")
        assert len(server.messages) == 1
    assert (error.code, error.transient) == ("EXEC_MAIL_LOGIN", False)
    assert "wrong" not in error.message


async def test_a_password_is_not_sent_in_the_clear_beyond_this_machine(bench: Bench) -> None:
    with MailServer(users={"me": "right"}) as server:
        # 0.0.0.0 leads to this machine too, but does not say so.
        server.host = "0.0.0.0"
        error = await fails(bench, server, smtp_user="me", smtp_password="right")
        assert server.messages == []
        await send(bench, server, smtp_user="me", smtp_password="right", smtp_tls="none")
        assert len(server.messages) == 1
    assert error.code == "EXEC_MAIL_INSECURE"


async def test_encryption_that_is_demanded_is_not_done_without(
    bench: Bench, mail_server: MailServer
) -> None:
    for mode in ("starttls", "tls"):
        await fails(bench, mail_server, smtp_tls=mode)
    assert mail_server.messages == []


@pytest.fixture
def certificate(tmp_path: Path) -> Certificate:
    return make_certificate(tmp_path, "localhost", "127.0.0.1")


@pytest.mark.parametrize(
    ("offered", "mode", "encrypted"),
    [
        ("starttls", "auto", True),
        ("starttls", "starttls", True),
        ("starttls", "none", False),
        ("tls", "tls", True),
    ],
)
async def test_mail_is_encrypted_the_way_the_server_offers(
    bench: Bench,
    certificate: Certificate,
    monkeypatch: pytest.MonkeyPatch,
    offered: str,
    mode: str,
    encrypted: bool,
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.chain))
    with MailServer(**{offered: certificate.server}) as server:  # type: ignore[arg-type]
        await send(bench, server, smtp_tls=mode)
        assert [mail.encrypted for mail in server.messages] == [encrypted]


@pytest.mark.parametrize("offered", ["starttls", "tls"])
async def test_a_mail_server_nobody_vouches_for_gets_nothing(
    bench: Bench, certificate: Certificate, offered: str
) -> None:
    with MailServer(**{offered: certificate.server}) as server:  # type: ignore[arg-type]
        error = await fails(bench, server, smtp_tls=offered)
        assert server.messages == []
    assert (error.code, error.transient) == ("EXEC_MAIL_CERTIFICATE", False)
    assert "SMTP_TLS" in error.hint


async def test_an_encrypted_login_may_go_to_another_machine(
    bench: Bench, certificate: Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.chain))
    monkeypatch.setattr("backend.tools.builtin.mail._is_loopback", lambda host: False)
    with MailServer(users={"me": "right"}, starttls=certificate.server) as server:
        await send(bench, server, smtp_user="me", smtp_password="right")
        assert len(server.messages) == 1
