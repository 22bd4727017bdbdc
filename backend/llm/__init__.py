"""Models behind the LLM port."""

from __future__ import annotations

from backend.llm.models import MODELS, Model, cheapest, known
from backend.llm.openai import OPENAI_URL, OpenAILLM
from backend.llm.schemas import bounded
from backend.settings import Settings

__all__ = ["MODELS", "Model", "OpenAILLM", "bounded", "cheapest", "connect", "known"]


def connect(settings: Settings) -> OpenAILLM | None:
    """The configured model; None when neither a key nor a server is set."""
    if not settings.openai_api_key and not settings.openai_base_url:
        return None
    return OpenAILLM(
        settings.openai_model,
        api_key=settings.openai_api_key,
        base_url=settings.openai_base_url or OPENAI_URL,
        timeout_s=settings.openai_timeout_s,
    )
