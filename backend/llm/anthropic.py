"""The LLM port over Anthropic's messages API (extra `anthropic`)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import structlog

from backend.contracts.errors import Unavailable
from backend.contracts.ports import Completion, OnPartial
from backend.llm.failures import misshapen, told, unusable
from backend.llm.models import known
from backend.llm.schemas import bounded, corrected, parse, parse_partial, problem

if TYPE_CHECKING:
    import anthropic
    from anthropic.types import Message

ANTHROPIC_URL = "https://api.anthropic.com"

log = structlog.get_logger(__name__)


class AnthropicLLM:
    """Messages with a JSON schema for what is answered. Bounds that the API does not take are told to
    the model in words and checked here.

    Errors: `RateLimited`; `Unavailable` with a code EXEC_MODEL_* that says what happened.
    """

    def __init__(
        self,
        model: str,
        *,
        api_key: str,
        base_url: str = ANTHROPIC_URL,
        timeout_s: float = 120,
        retries: int = 2,
    ) -> None:
        self.model = model
        self._known = known(model)
        self._api_key = api_key
        self._base_url = base_url
        self._timeout_s = timeout_s
        self._retries = retries
        self._client: anthropic.AsyncAnthropic | None = None

    async def complete(
        self,
        messages: Sequence[Mapping[str, str]],
        *,
        schema: Mapping[str, Any] | None = None,
        max_tokens: int = 2000,
        on_partial: OnPartial | None = None,
    ) -> Completion:
        if schema is None:
            return self._completion(await self._create(messages, None, max_tokens, None), None)
        strict = bounded(schema)
        reply = await self._create(messages, strict, max_tokens, on_partial)
        first = self._completion(reply, strict)
        wrong = problem(first.data, strict)
        if reply.stop_reason == "max_tokens":
            wrong = "it was cut off before it ended; say it more briefly"
        if wrong is None:
            return first
        again = corrected(messages, first.text, wrong)
        reply = await self._create(again, strict, max_tokens, None)
        if reply.stop_reason == "max_tokens":
            raise unusable(self.model, "was cut off before its answer ended", "EXEC_MODEL_CUT_OFF")
        second = self._completion(reply, strict, before=first)
        if (wrong := problem(second.data, strict)) is not None:
            raise misshapen(self.model, wrong)
        return second

    async def stream(
        self, messages: Sequence[Mapping[str, str]], *, max_tokens: int = 2000
    ) -> AsyncIterator[str]:
        anthropic = _sdk()
        ended = False
        with told(anthropic, self.model, self._base_url, self._timeout_s):
            request = _request(self.model, messages, None, max_tokens)
            async with self._connected().messages.stream(**request) as stream:
                async for event in stream:
                    if event.type == "text":
                        yield event.text
                    ended = ended or event.type == "message_stop"
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
        on_partial: OnPartial | None,
    ) -> Message:
        anthropic = _sdk()
        request = _request(self.model, messages, schema, max_tokens)
        with told(anthropic, self.model, self._base_url, self._timeout_s):
            async with asyncio.timeout(self._timeout_s):
                if on_partial is None:
                    reply: Message = await self._connected().messages.create(**request)
                else:
                    reply = await self._grown(request, on_partial)
        if reply.stop_reason is None:
            raise unusable(self.model, "was cut off before its answer ended", "EXEC_MODEL_CUT_OFF")
        if reply.stop_reason == "refusal":
            raise unusable(self.model, "declined to answer", "EXEC_MODEL_REFUSED")
        return reply

    async def _grown(self, request: Mapping[str, Any], on_partial: OnPartial) -> Message:
        async with self._connected().messages.stream(**request) as stream:
            async for event in stream:
                if event.type == "text" and (partial := parse_partial(event.snapshot)) is not None:
                    on_partial(partial)
            reply: Message = await stream.get_final_message()
            return reply

    def _connected(self) -> anthropic.AsyncAnthropic:
        if self._client is None:
            self._client = _sdk().AsyncAnthropic(
                api_key=self._api_key,
                base_url=self._base_url,
                timeout=self._timeout_s,
                max_retries=self._retries,
            )
        return self._client

    def _completion(
        self, reply: Message, schema: Mapping[str, Any] | None, before: Completion | None = None
    ) -> Completion:
        text = "".join(block.text for block in reply.content if block.type == "text")
        usage = reply.usage
        cached = usage.cache_read_input_tokens or 0
        tokens_in = usage.input_tokens + cached + (usage.cache_creation_input_tokens or 0)
        cost = self._known.cost(tokens_in, usage.output_tokens, cached) if self._known else 0.0
        log.info(
            "model.called",
            model=self.model,
            input=tokens_in,
            output=usage.output_tokens,
            cost_usd=cost,
        )
        return Completion(
            text=text,
            model=reply.model or self.model,
            data=None if schema is None else parse(text),
            input_tokens=tokens_in + (before.input_tokens if before else 0),
            output_tokens=usage.output_tokens + (before.output_tokens if before else 0),
            cost_usd=cost + (before.cost_usd if before else 0.0),
        )


def _sdk() -> Any:
    try:
        import anthropic
    except ImportError:
        raise Unavailable(
            "Anthropic's models need a package that is not installed.",
            code="EXEC_MODEL_MISSING",
            hint="Install it with: pip install 'lightning[anthropic]'",
        ) from None
    return anthropic


def _request(
    model: str,
    messages: Sequence[Mapping[str, str]],
    schema: Mapping[str, Any] | None,
    max_tokens: int,
) -> dict[str, Any]:
    """What is said to the system stands apart there; turns of one role that follow are one."""
    system = "\n\n".join(m["content"] for m in messages if m["role"] == "system")
    turns: list[dict[str, str]] = []
    for message in messages:
        if message["role"] == "system":
            continue
        if turns and turns[-1]["role"] == message["role"]:
            turns[-1]["content"] += f"\n\n{message['content']}"
        else:
            turns.append({"role": message["role"], "content": message["content"]})
    request: dict[str, Any] = {"model": model, "max_tokens": max_tokens, "messages": turns}
    if system:
        request["system"] = system
    if schema is not None:
        from anthropic import transform_schema

        format = {"type": "json_schema", "schema": transform_schema(dict(schema))}
        request["output_config"] = {"format": format}
    return request
