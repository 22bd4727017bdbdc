"""The LLM port over any OpenAI-compatible server."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import structlog

from backend.contracts.ports import Completion, OnPartial
from backend.llm.failures import misshapen, told, unusable
from backend.llm.models import known
from backend.llm.schemas import bounded, corrected, parse, parse_partial, problem

if TYPE_CHECKING:
    import openai
    from openai.types.chat import ChatCompletion

OPENAI_URL = "https://api.openai.com/v1"
REASONING_HEADROOM = 4_000  # hidden reasoning counts against the limit of what is said

log = structlog.get_logger(__name__)


class OpenAILLM:
    """Chat completions with a strict JSON schema. A server that refuses schemas is asked for plain
    JSON instead, and one that refuses that too for text; what worked is remembered.

    Errors: `RateLimited`; `Unavailable` with a code EXEC_MODEL_* that says what happened.
    """

    def __init__(
        self,
        model: str,
        *,
        api_key: str,
        base_url: str,
        timeout_s: float = 120,
        retries: int = 2,
    ) -> None:
        self.model = model
        self._known = known(model)
        self._api_key = api_key or "none"
        self._base_url = base_url
        self._timeout_s = timeout_s
        self._retries = retries
        self._client: openai.AsyncOpenAI | None = None
        self._streams = True
        self._steady = (
            True  # asks for the likeliest answer where an object is wanted, not for variety
        )
        self._formats = ["schema", "json", "text"]
        self._limits = ["max_completion_tokens", "max_tokens"]
        if base_url != OPENAI_URL:
            self._limits.reverse()

    async def complete(
        self,
        messages: Sequence[Mapping[str, str]],
        *,
        schema: Mapping[str, Any] | None = None,
        max_tokens: int = 2000,
        on_partial: OnPartial | None = None,
    ) -> Completion:
        if schema is None:
            return self._completion(await self._create(messages, None, max_tokens), None)
        strict = bounded(schema)
        reply = await self._create(messages, strict, max_tokens, on_partial, whole=False)
        first = self._completion(reply, strict)
        wrong = problem(first.data, strict)
        if _cut_off(reply):
            wrong = "it was cut off before it ended; say it more briefly"
        if wrong is None:
            return first
        again = corrected(messages, first.text, wrong)
        second = self._completion(
            await self._create(again, strict, max_tokens), strict, before=first
        )
        wrong = problem(second.data, strict)
        if wrong is not None:
            raise misshapen(self.model, wrong)
        return second

    async def stream(
        self, messages: Sequence[Mapping[str, str]], *, max_tokens: int = 2000
    ) -> AsyncIterator[str]:
        import openai

        ended = False
        with told(openai, self.model, self._base_url, self._timeout_s):
            stream = await self._open(messages, None, max_tokens, stream=True)
            async with stream:
                async for chunk in stream:
                    for choice in chunk.choices:
                        ended = ended or choice.finish_reason is not None
                        if choice.delta.content:
                            yield choice.delta.content
        if not ended:
            raise unusable(self.model, "was cut off before its answer ended", "EXEC_MODEL_CUT_OFF")

    async def aclose(self) -> None:
        if self._client is not None:
            client, self._client = self._client, None
            await client.close()

    # --- one request --------------------------------------------------------------------------------

    async def _create(
        self,
        messages: Sequence[Mapping[str, str]],
        schema: Mapping[str, Any] | None,
        max_tokens: int,
        on_partial: OnPartial | None = None,
        *,
        whole: bool = True,
    ) -> ChatCompletion:
        import openai

        with told(openai, self.model, self._base_url, self._timeout_s):
            async with asyncio.timeout(self._timeout_s):
                if on_partial is None or not self._streams:
                    reply: ChatCompletion = await self._open(messages, schema, max_tokens)
                else:
                    reply = await self._grown(messages, schema, max_tokens, on_partial)
        if not getattr(reply, "choices", None):
            raise unusable(self.model, "sent an empty answer", "EXEC_MODEL_ANSWER")
        choice = reply.choices[0]
        if choice.message.refusal:
            raise unusable(
                self.model, f"declined: {choice.message.refusal[:300]}", "EXEC_MODEL_REFUSED"
            )
        if choice.finish_reason == "content_filter":
            raise unusable(self.model, "withheld its answer (content filter)", "EXEC_MODEL_REFUSED")
        if whole and schema is not None and _cut_off(reply):
            raise unusable(self.model, "was cut off before its answer ended", "EXEC_MODEL_CUT_OFF")
        return reply

    async def _open(
        self,
        messages: Sequence[Mapping[str, str]],
        schema: Mapping[str, Any] | None,
        max_tokens: int,
        *,
        stream: bool = False,
        usage: bool = False,
    ) -> Any:
        """Send the request; step down where this server does not know what we ask for."""
        import openai

        while True:
            request = self._request(messages, schema, max_tokens)
            if usage:
                request["stream_options"] = {"include_usage": True}
            try:
                return await self._connected().chat.completions.create(stream=stream, **request)
            except (openai.BadRequestError, openai.UnprocessableEntityError) as error:
                if not self._step_down(str(error).lower(), request):
                    raise

    async def _grown(
        self,
        messages: Sequence[Mapping[str, str]],
        schema: Mapping[str, Any] | None,
        max_tokens: int,
        on_partial: OnPartial,
    ) -> ChatCompletion:
        """The answer, streamed. A server that knows no streaming with its usage is not asked again."""
        import openai
        from openai.lib.streaming.chat import ChatCompletionStreamState

        state: ChatCompletionStreamState[None] = ChatCompletionStreamState()
        try:
            stream = await self._open(messages, schema, max_tokens, stream=True, usage=True)
        except (openai.BadRequestError, openai.UnprocessableEntityError) as error:
            if "stream" not in str(error).lower():
                raise
            self._streams = False
            return await self._open(messages, schema, max_tokens)  # type: ignore[no-any-return]
        text = ""
        async with stream:
            async for chunk in stream:
                state.handle_chunk(chunk)
                said = "".join(c.delta.content or "" for c in chunk.choices)
                text += said
                if said and (partial := parse_partial(text)) is not None:
                    on_partial(partial)
        if not text:
            raise unusable(self.model, "sent an empty answer", "EXEC_MODEL_ANSWER")
        return state.current_completion_snapshot

    def _request(
        self,
        messages: Sequence[Mapping[str, str]],
        schema: Mapping[str, Any] | None,
        max_tokens: int,
    ) -> dict[str, Any]:
        request: dict[str, Any] = {"model": self.model, "messages": [dict(m) for m in messages]}
        if self._known is not None and "reasoning" in self._known.capabilities:
            max_tokens += REASONING_HEADROOM
            if self._limits[0] == "max_completion_tokens":
                request["reasoning_effort"] = "low"
        elif schema is not None and self._steady:
            request["temperature"] = 0
        request[self._limits[0]] = max_tokens
        if schema is None:
            return request
        if self._formats[0] == "schema":
            request["response_format"] = {
                "type": "json_schema",
                "json_schema": {"name": "answer", "strict": True, "schema": schema},
            }
            return request
        request["messages"].append(
            {
                "role": "system",
                "content": "Answer with one JSON object and nothing else, valid under this JSON "
                f"Schema: {json.dumps(schema, separators=(',', ':'))}",
            }
        )
        if self._formats[0] == "json":
            request["response_format"] = {"type": "json_object"}
        return request

    def _step_down(self, complaint: str, request: Mapping[str, Any]) -> bool:
        """Whether there is a simpler way to ask for what this server complains about."""
        if f"'{self._limits[0]}'" in complaint and len(self._limits) > 1:
            self._limits = self._limits[1:]
            return True
        if "temperature" in complaint and "temperature" in request:
            self._steady = False
            return True
        about_format = any(w in complaint for w in ("response_format", "schema", "json", "grammar"))
        if about_format and "response_format" in request and len(self._formats) > 1:
            self._formats = self._formats[1:]
            return True
        return False

    def _connected(self) -> openai.AsyncOpenAI:
        if self._client is None:
            import openai

            self._client = openai.AsyncOpenAI(
                api_key=self._api_key,
                base_url=self._base_url,
                timeout=self._timeout_s,
                max_retries=self._retries,
            )
        return self._client

    def _completion(
        self,
        reply: ChatCompletion,
        schema: Mapping[str, Any] | None,
        before: Completion | None = None,
    ) -> Completion:
        text = reply.choices[0].message.content or ""
        usage = reply.usage
        tokens_in = usage.prompt_tokens if usage else 0
        tokens_out = usage.completion_tokens if usage else 0
        details = usage.prompt_tokens_details if usage else None
        cached = (details.cached_tokens or 0) if details else 0
        cost = self._known.cost(tokens_in, tokens_out, cached) if self._known else 0.0
        log.info(
            "model.called", model=self.model, input=tokens_in, output=tokens_out, cost_usd=cost
        )
        return Completion(
            text=text,
            model=reply.model or self.model,
            data=None if schema is None else parse(text),
            input_tokens=tokens_in + (before.input_tokens if before else 0),
            output_tokens=tokens_out + (before.output_tokens if before else 0),
            cost_usd=cost + (before.cost_usd if before else 0.0),
        )


def _cut_off(reply: ChatCompletion) -> bool:
    return reply.choices[0].finish_reason in ("length", None)
