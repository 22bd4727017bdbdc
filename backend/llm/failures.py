"""What can go wrong with a model, in our words and codes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

from backend.contracts.errors import RateLimited, Unavailable


@contextmanager
def told(model: str, base_url: str, timeout_s: float) -> Iterator[None]:
    """The SDK's errors as `RateLimited` or `Unavailable`, with a code EXEC_MODEL_*."""
    import openai

    try:
        yield
    except (TimeoutError, openai.APITimeoutError):
        raise unusable(model, f"did not answer within {timeout_s:g} s", "EXEC_MODEL_SLOW") from None
    except openai.RateLimitError as error:
        if error.code == "insufficient_quota":
            raise unusable(model, "has no quota left for this key", "EXEC_MODEL_QUOTA") from error
        raise RateLimited(
            f"The model {model} takes no more requests at the moment.",
            retry_after_s=_seconds(error.response.headers.get("retry-after")),
            code="EXEC_MODEL_BUSY",
            hint="Wait a little and try again.",
        ) from error
    except (openai.AuthenticationError, openai.PermissionDeniedError) as error:
        raise unusable(model, "refused the key; check OPENAI_API_KEY", "EXEC_MODEL_KEY") from error
    except openai.NotFoundError as error:
        raise unusable(
            model, "is not known there; check OPENAI_MODEL", "EXEC_MODEL_UNKNOWN"
        ) from error
    except openai.APIStatusError as error:
        reason = f"answered with status {error.status_code}: {error.message[:200]}"
        raise unusable(model, reason, "EXEC_MODEL_FAILED") from error
    except openai.APIConnectionError as error:
        raise unusable(model, f"cannot be reached at {base_url}", "EXEC_MODEL_DOWN") from error
    except (openai.OpenAIError, json.JSONDecodeError, UnicodeDecodeError) as error:
        raise unusable(
            model, "answered with something that is no answer", "EXEC_MODEL_ANSWER"
        ) from error


def unusable(model: str, what: str, code: str) -> Unavailable:
    return Unavailable(
        f"The model {model} {what}.", code=code, hint="Try again, or plan without a model."
    )


def _seconds(header: str | None) -> float:
    try:
        return max(0.0, float(header or 20))
    except ValueError:
        return 20.0
