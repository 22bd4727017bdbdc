"""A scripted OpenAI-compatible server on loopback, as strict as the real one about requests.

    with ScriptedOpenAI() as server:
        server.say("Hello")                      # the next answer, in tokens when streamed
        server.answer({"kind": "talk"})          # … a JSON answer
        server.fail(429, "slow down")            # … an error
        server.slow() ; server.cut_off("{") ; server.refuse("no") ; server.raw(b"<html>") ; server.hang_up()
        server.rule(lambda request: "…" or None) # asked before the script
        OpenAI(base_url=server.url, api_key=server.key)
        server.requests                          # the bodies, in order

A request with nothing scripted for it is answered with 404, so that a test cannot pass by accident.
"""

from __future__ import annotations

import contextlib
import json
import re
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

UNSUPPORTED_KEYWORDS = frozenset(
    {"allOf", "oneOf", "not", "if", "then", "else", "dependentRequired", "patternProperties"}
)
REASONING_MODEL = re.compile(r"^(gpt-5|gpt-6|o\d)")


@dataclass(frozen=True)
class Answer:
    """One scripted reply. `pause` waits for `release` (or the server's end) before it."""

    text: str = ""
    status: int = 200
    finish: str = "stop"
    refusal: str | None = None
    error: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    pause: bool = False
    hang_up: bool = False
    usage: tuple[int, int, int] = (100, 20, 0)


class ScriptedOpenAI:
    """`schemas` and `json_mode`: whether this server knows json_schema and json_object formats."""

    def __init__(
        self, *, key: str = "sk-test", schemas: bool = True, json_mode: bool = True
    ) -> None:
        self.key = key
        self.schemas = schemas
        self.json_mode = json_mode
        self.requests: list[dict[str, Any]] = []
        self._script: deque[Answer] = deque()
        self.rules: list[Callable[[dict[str, Any]], Any]] = []
        self._released = threading.Event()
        self._lock = threading.Lock()
        self._server: ThreadingHTTPServer | None = None
        self._thread: threading.Thread | None = None

    def __enter__(self) -> ScriptedOpenAI:
        self._server = ThreadingHTTPServer(
            ("127.0.0.1", 0), type("Handler", (_Handler,), {"script": self})
        )
        self._server.daemon_threads = False
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop listening: from now on connections are refused. May be called twice."""
        self._released.set()
        server, self._server = self._server, None
        if server is not None and self._thread is not None:
            server.shutdown()
            server.server_close()
            self._thread.join()

    @property
    def url(self) -> str:
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    # --- the script -------------------------------------------------------------------------------

    def add(self, answer: Answer) -> None:
        self._script.append(answer)

    def say(self, text: str, *, usage: tuple[int, int, int] = (100, 20, 0)) -> None:
        """Text; `usage` is (input, output, of the input cached) tokens."""
        self.add(Answer(text, usage=usage))

    def answer(self, data: Any, *, usage: tuple[int, int, int] = (100, 20, 0)) -> None:
        self.add(Answer(json.dumps(data), usage=usage))

    def fail(
        self, status: int, message: str, *, code: str = "", retry: bool = False, **headers: str
    ) -> None:
        """An error. Unless `retry`, it tells the SDK not to try again by itself."""
        hints = {"retry-after-ms": "1"} if retry else {"x-should-retry": "false"}
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.add(Answer(status=status, error=_error(message, code), headers={**hints, **named}))

    def slow(self) -> None:
        """Says nothing until `release` is called or the server is closed."""
        self.add(Answer("too late", pause=True))

    def release(self) -> None:
        self._released.set()

    def cut_off(self, text: str) -> None:
        self.add(Answer(text, finish="length"))

    def refuse(self, words: str) -> None:
        self.add(Answer(refusal=words))

    def raw(self, body: bytes) -> None:
        self.add(Answer(body=body))

    def hang_up(self, after: str = "") -> None:
        """Close the connection, when streaming behind the tokens of `after`."""
        self.add(Answer(after, hang_up=True, headers={"x-should-retry": "false"}))

    def forget(self) -> None:
        """Drop what is scripted and not yet said."""
        self._script.clear()

    def rule(self, answer: Callable[[dict[str, Any]], Any]) -> None:
        """`answer(request)` gives an Answer, text, JSON data, or None to pass."""
        self.rules.append(answer)

    # --- what a request gets ------------------------------------------------------------------------

    def respond(self, request: dict[str, Any], authorization: str) -> Answer:
        with self._lock:
            self.requests.append(request)
            if self.key and authorization != f"Bearer {self.key}":
                return _bad("Incorrect API key provided", status=401, code="invalid_api_key")
            complaint = next(self._complaints(request), None)
            if complaint is not None:
                return _bad(complaint)
            for rule in self.rules:
                given = rule(request)
                if isinstance(given, Answer):
                    return given
                if given is not None:
                    return Answer(given if isinstance(given, str) else json.dumps(given))
            if self._script:
                return self._script.popleft()
        return _bad("nothing is scripted for this request", status=404, code="not_scripted")

    def wait(self) -> None:
        self._released.wait(60)

    def _complaints(self, request: Mapping[str, Any]) -> Iterator[str]:
        """What OpenAI answers with status 400."""
        model, messages = request.get("model"), request.get("messages")
        if not isinstance(model, str) or not model:
            yield "you must provide a model parameter"
            return
        if not isinstance(messages, list) or not messages:
            yield "Invalid 'messages': empty array."
            return
        for message in messages:
            if message.get("role") not in ("system", "developer", "user", "assistant"):
                yield f"Invalid value: '{message.get('role')}' for 'messages.role'."
            if not isinstance(message.get("content"), str):
                yield "Invalid type for 'messages.content'."
        if "max_tokens" in request and REASONING_MODEL.match(model):
            yield (
                "Unsupported parameter: 'max_tokens' is not supported with this model. "
                "Use 'max_completion_tokens' instead."
            )
        if "temperature" in request and REASONING_MODEL.match(model):
            yield "Unsupported value: 'temperature' does not support 0 with this model."
        yield from self._format_complaints(request.get("response_format"), messages)

    def _format_complaints(self, format: Any, messages: list[dict[str, Any]]) -> Iterator[str]:
        kind = (format or {}).get("type", "text")
        if kind == "json_object":
            if not self.json_mode:
                yield "Invalid parameter: 'response_format' of type 'json_object' is not supported."
            if not any("json" in m["content"].lower() for m in messages):
                yield "'messages' must contain the word 'json' to use 'response_format' json_object."
        elif kind == "json_schema":
            if not self.schemas:
                yield "Invalid parameter: 'response_format' of type 'json_schema' is not supported."
                return
            named = format.get("json_schema") or {}
            if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", str(named.get("name", ""))):
                yield "Invalid 'response_format.json_schema.name'."
            schema = named.get("schema")
            if named.get("strict"):
                problem = strict_problem(schema, top=True)
                if problem:
                    yield f"Invalid schema for response_format '{named.get('name')}': {problem}"


def strict_problem(schema: Any, where: str = "()", *, top: bool = False) -> str | None:
    """What strict mode refuses in a JSON Schema; None when it is fine."""
    if not isinstance(schema, Mapping):
        return f"In context={where}, schema is not an object."
    if top and (schema.get("type") != "object" or "anyOf" in schema):
        return "schema must have type 'object' and not have 'anyOf' at the top level."
    unsupported = UNSUPPORTED_KEYWORDS & schema.keys()
    if unsupported:
        return f"In context={where}, '{min(unsupported)}' is not permitted."
    if not schema.keys() & {"type", "anyOf", "enum", "const", "$ref"}:
        return f"In context={where}, schema must have a 'type' key."
    types = schema.get("type", ())
    types = {types} if isinstance(types, str) else set(types)
    if "object" in types:
        if schema.get("additionalProperties") is not False:
            return f"In context={where}, 'additionalProperties' is required to be supplied and to be false."
        if set(schema.get("required", ())) != set(schema.get("properties", {})):
            return f"In context={where}, 'required' must include every key in properties."
    if "array" in types and "items" not in schema:
        return f"In context={where}, array schema missing items."
    parts = [*schema.get("properties", {}).items(), *schema.get("$defs", {}).items()]
    parts += [("anyOf", part) for part in schema.get("anyOf", ())]
    parts += [("items", schema["items"])] if "items" in schema else []
    return next(
        filter(None, (strict_problem(part, f"{where}/{name}") for name, part in parts)), None
    )


def _error(message: str, code: str) -> dict[str, Any]:
    return {
        "message": message,
        "type": "invalid_request_error",
        "param": None,
        "code": code or None,
    }


def _bad(message: str, *, status: int = 400, code: str = "") -> Answer:
    return Answer(status=status, error=_error(message, code), headers={"x-should-retry": "false"})


class _Handler(BaseHTTPRequestHandler):
    script: ScriptedOpenAI
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        pass

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        if not self.path.endswith("/chat/completions"):
            self._send(404, json.dumps({"error": _error("Not Found", "")}).encode(), {})
            return
        request = json.loads(body)
        answer = self.script.respond(request, self.headers.get("authorization", ""))
        self.close_connection = True
        # the client may have stopped listening, as a slow answer wants it to
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self._reply(request, answer)

    def _reply(self, request: dict[str, Any], answer: Answer) -> None:
        if answer.pause:
            self.script.wait()
        if answer.status != 200:
            body = json.dumps({"error": answer.error}).encode()
            self._send(answer.status, body, answer.headers)
        elif answer.body is not None:
            self._send(200, answer.body, answer.headers)
        elif request.get("stream"):
            self._stream(request, answer)
        elif not answer.hang_up:
            self._send(200, json.dumps(_completion(request, answer)).encode(), answer.headers)

    def _send(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.send_header("connection", "close")
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def _stream(self, request: dict[str, Any], answer: Answer) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("connection", "close")
        self.end_headers()
        for token in re.findall(r"\S+\s*|\s+", answer.text):
            self._event(_chunk(request, {"content": token}, None))
        if answer.hang_up:
            return
        self._event(_chunk(request, {}, answer.finish))
        if (request.get("stream_options") or {}).get("include_usage"):
            usage = _completion(request, answer)["usage"]
            self._event({**_chunk(request, {}, None), "choices": [], "usage": usage})
        self.wfile.write(b"data: [DONE]\n\n")

    def _event(self, data: Mapping[str, Any]) -> None:
        self.wfile.write(b"data: " + json.dumps(data).encode() + b"\n\n")
        self.wfile.flush()


def _completion(request: Mapping[str, Any], answer: Answer) -> dict[str, Any]:
    tokens_in, tokens_out, cached = answer.usage
    content = None if answer.refusal else answer.text
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": request["model"],
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": content, "refusal": answer.refusal},
                "finish_reason": answer.finish,
            }
        ],
        "usage": {
            "prompt_tokens": tokens_in,
            "completion_tokens": tokens_out,
            "total_tokens": tokens_in + tokens_out,
            "prompt_tokens_details": {"cached_tokens": cached},
        },
    }


def _chunk(
    request: Mapping[str, Any], delta: Mapping[str, Any], finish: str | None
) -> dict[str, Any]:
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": request["model"],
        "choices": [{"index": 0, "delta": dict(delta), "finish_reason": finish}],
    }
