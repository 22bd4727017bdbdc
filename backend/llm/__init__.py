"""Models behind the LLM port."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping

from backend.llm.anthropic import ANTHROPIC_URL, AnthropicLLM
from backend.llm.models import MODELS, TASKS, Model, Task, Vendor, cheapest, known, named, vendor_of
from backend.llm.openai import OPENAI_URL, OpenAILLM
from backend.llm.schemas import bounded
from backend.settings import Settings

__all__ = [
    "MODELS",
    "AnthropicLLM",
    "Model",
    "OpenAILLM",
    "bounded",
    "cheapest",
    "chosen",
    "connect",
    "connected",
    "known",
    "named",
]


def chosen(settings: Settings, task: Task = "plan") -> str | None:
    """The model that is set for a task, whoever makes it; None when there is no key and no server for
    it or, for selection, when it has no model of its own."""
    setting = settings.openai_model if task == "plan" else settings.openai_reasoning_model
    openai = bool(settings.openai_api_key or settings.openai_base_url)
    unset = "openai_model" not in settings.model_fields_set and task == "plan"
    vendor: Vendor = "openai" if openai else "anthropic"
    if settings.anthropic_api_key and not openai and unset:
        setting = "auto"  # the only key there is decides whose
    if not setting:
        return None
    model = named(setting, task, vendor)
    own = vendor_of(model) == "anthropic" and bool(settings.anthropic_api_key)
    return model if openai or own else None


def connect(settings: Settings, task: Task = "plan") -> OpenAILLM | AnthropicLLM | None:
    """The model of `chosen`, not yet spoken to."""
    model = chosen(settings, task)
    if model is None:
        return None
    if vendor_of(model) == "anthropic" and settings.anthropic_api_key:
        return AnthropicLLM(
            model,
            api_key=settings.anthropic_api_key,
            base_url=settings.anthropic_base_url or ANTHROPIC_URL,
            timeout_s=settings.openai_timeout_s,
        )
    return OpenAILLM(
        model,
        api_key=settings.openai_api_key,
        base_url=settings.openai_base_url or OPENAI_URL,
        timeout_s=settings.openai_timeout_s,
    )


@contextlib.asynccontextmanager
async def connected(
    settings: Settings,
) -> AsyncIterator[Mapping[Task, OpenAILLM | AnthropicLLM]]:
    """The configured models by task, closed at the end of the block."""
    async with contextlib.AsyncExitStack() as stack:
        models: dict[Task, OpenAILLM | AnthropicLLM] = {}
        for task in TASKS:
            if (model := connect(settings, task)) is not None:
                models[task] = model
                stack.push_async_callback(model.aclose)
        yield models
