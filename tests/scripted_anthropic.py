"""A scripted server on loopback that speaks Anthropic's messages API, as strict about requests.

    with ScriptedAnthropic() as server:
        server.say("Hello")                     # the next answer, in tokens when streamed
        server.answer({"kind": "talk"})         # … a JSON answer
        server.fail(529, "Overloaded")          # … an error
        server.say("{", stop="max_tokens") ; server.hang_up("half")
        AsyncAnthropic(base_url=server.url, api_key=server.key)
        server.requests                         # the bodies, in order

A request with nothing scripted for it is answered with 404.
"""

from __future__ import annotations

import contextlib
import json
import re
import threading
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

# what structured outputs there do not take in a schema
UNSUPPORTED = frozenset({"maxLength", "minLength", "maxItems", "pattern", "minimum", "maximum"})


@dataclass(frozen=True)
class Reply:
    """One scripted reply; `usage` is (input, output, of the input read from a cache) tokens."""

    text: str = ""
    stop: str = "end_turn"
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    usage: tuple[int, int, int] = (100, 20, 0)
    hang_up: bool = False


class ScriptedAnthropic:
    def __init__(self, *, key: str = "sk-ant-test") -> None:
        self.key = key
        self.requests: list[dict[str, Any]] = []
        self._script: deque[Reply] = deque()
        handler = type("Handler", (_Handler,), {"script": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = False
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))

    def __enter__(self) -> ScriptedAnthropic:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def say(
        self, text: str, *, stop: str = "end_turn", usage: tuple[int, int, int] = (100, 20, 0)
    ) -> None:
        self._script.append(Reply(text, stop, usage=usage))

    def answer(self, data: Any) -> None:
        self.say(json.dumps(data))

    def fail(self, status: int, message: str, *, retry: bool = False, **headers: str) -> None:
        """An error. Unless `retry`, it tells the SDK not to try again by itself."""
        hints = {"retry-after-ms": "1"} if retry else {"x-should-retry": "false"}
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self._script.append(Reply(message, status=status, headers={**hints, **named}))

    def hang_up(self, after: str) -> None:
        """Close the connection behind the tokens of `after`; only of a streamed answer."""
        self._script.append(Reply(after, hang_up=True))

    def respond(self, request: dict[str, Any], headers: Mapping[str, str]) -> Reply:
        self.requests.append(request)
        if self.key not in (headers.get("x-api-key"), str(headers.get("authorization"))[7:]):
            return Reply("invalid x-api-key", status=401)
        if not headers.get("anthropic-version"):
            return Reply("anthropic-version: header is required", status=400)
        if (complaint := next(_complaints(request), None)) is not None:
            return Reply(complaint, status=400)
        if not self._script:
            return Reply("nothing is scripted for this request", status=404)
        return self._script.popleft()


def _complaints(request: Mapping[str, Any]) -> Iterator[str]:
    if not isinstance(request.get("max_tokens"), int):
        yield "max_tokens: Field required"
    messages = request.get("messages")
    if not isinstance(messages, list) or not messages or messages[0].get("role") != "user":
        yield "messages: first message must use the user role"
        return
    for message in messages:
        if message.get("role") not in ("user", "assistant"):
            yield f"messages: unexpected role {message.get('role')}"
        if not message.get("content"):
            yield "messages: text content blocks must be non-empty"
    if (format := (request.get("output_config") or {}).get("format")) is not None:
        yield from _schema_complaints(format.get("schema"), "schema")


def _schema_complaints(schema: Any, where: str) -> Iterator[str]:
    for name in UNSUPPORTED & schema.keys():
        yield f"output_config.format.{where}: property '{name}' is not supported"
    if schema.get("type") == "object" and schema.get("additionalProperties") is not False:
        yield f"output_config.format.{where}: 'additionalProperties' must be false"
    parts = [*schema.get("properties", {}).items(), *enumerate(schema.get("anyOf", ()))]
    parts += [("items", schema["items"])] if "items" in schema else []
    for name, part in parts:
        yield from _schema_complaints(part, f"{where}.{name}")


class _Handler(BaseHTTPRequestHandler):
    script: ScriptedAnthropic
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        pass

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers.get("content-length", 0))))
        found = self.path == "/v1/messages"
        reply = (
            self.script.respond(request, self.headers) if found else Reply("Not found", status=404)  # type: ignore[arg-type]
        )
        self.close_connection = True
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            if reply.status != 200:
                error = {"type": "api_error", "message": reply.text}
                self._send(reply.status, {"type": "error", "error": error}, reply.headers)
            elif request.get("stream"):
                self._stream(request, reply)
            else:
                content = [{"type": "text", "text": reply.text}]
                self._send(200, _message(request, reply, content, reply.stop), reply.headers)

    def _send(self, status: int, data: Any, headers: Mapping[str, str]) -> None:
        body = json.dumps(data).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.send_header("connection", "close")
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def _stream(self, request: Mapping[str, Any], reply: Reply) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("connection", "close")
        self.end_headers()
        self._event("message_start", message=_message(request, reply, [], None))
        block = {"type": "text", "text": ""}
        self._event("content_block_start", index=0, content_block=block)
        for token in re.findall(r"\S+\s*|\s+", reply.text):
            delta = {"type": "text_delta", "text": token}
            self._event("content_block_delta", index=0, delta=delta)
        if reply.hang_up:
            return
        self._event("content_block_stop", index=0)
        ended = {"stop_reason": reply.stop, "stop_sequence": None}
        self._event("message_delta", delta=ended, usage={"output_tokens": reply.usage[1]})
        self._event("message_stop")

    def _event(self, type: str, **data: Any) -> None:
        body = json.dumps({"type": type, **data})
        self.wfile.write(f"event: {type}\ndata: {body}\n\n".encode())
        self.wfile.flush()


def _message(
    request: Mapping[str, Any], reply: Reply, content: list[Any], stop: str | None
) -> dict[str, Any]:
    tokens_in, tokens_out, cached = reply.usage
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": request["model"],
        "content": content,
        "stop_reason": stop,
        "stop_sequence": None,
        "usage": {
            "input_tokens": tokens_in - cached,
            "cache_read_input_tokens": cached,
            "cache_creation_input_tokens": 0,
            "output_tokens": tokens_out,
        },
    }
