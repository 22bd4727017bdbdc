"""Models behind the LLM port."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping

from backend.llm.models import MODELS, TASKS, Model, Task, cheapest, known, named
from backend.llm.openai import OPENAI_URL, OpenAILLM
from backend.llm.schemas import bounded
from backend.settings import Settings

__all__ = [
    "MODELS",
    "Model",
    "OpenAILLM",
    "bounded",
    "cheapest",
    "connect",
    "connected",
    "known",
    "named",
]


def connect(settings: Settings, task: Task = "plan") -> OpenAILLM | None:
    """The model configured for a task; None when neither a key nor a server is set or, for selection,
    when it has no model of its own."""
    model = settings.openai_model if task == "plan" else settings.openai_reasoning_model
    if not model or not (settings.openai_api_key or settings.openai_base_url):
        return None
    return OpenAILLM(
        named(model, task),
        api_key=settings.openai_api_key,
        base_url=settings.openai_base_url or OPENAI_URL,
        timeout_s=settings.openai_timeout_s,
    )


@contextlib.asynccontextmanager
async def connected(settings: Settings) -> AsyncIterator[Mapping[Task, OpenAILLM]]:
    """The configured models by task, closed at the end of the block."""
    async with contextlib.AsyncExitStack() as stack:
        models: dict[Task, OpenAILLM] = {}
        for task in TASKS:
            if (model := connect(settings, task)) is not None:
                models[task] = model
                stack.push_async_callback(model.aclose)
        yield models
