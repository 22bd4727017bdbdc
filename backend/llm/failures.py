"""What can go wrong with a model, in our words and codes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from backend.contracts.errors import RateLimited, Unavailable


@contextmanager
def told(sdk: Any, model: str, base_url: str, timeout_s: float) -> Iterator[None]:
    """The errors of a vendor's SDK, the module itself, as `RateLimited` or `Unavailable`, with a code
    EXEC_MODEL_*. Both vendors' are made by one generator: their names are the same."""
    base = sdk.OpenAIError if sdk.__name__ == "openai" else sdk.AnthropicError
    busy = (sdk.RateLimitError, getattr(sdk, "OverloadedError", sdk.RateLimitError))
    try:
        yield
    except (TimeoutError, sdk.APITimeoutError):
        raise unusable(model, f"did not answer within {timeout_s:g} s", "EXEC_MODEL_SLOW") from None
    except busy as error:
        if getattr(error, "code", None) == "insufficient_quota":
            raise unusable(model, "has no quota left for this key", "EXEC_MODEL_QUOTA") from error
        raise RateLimited(
            f"The model {model} takes no more requests at the moment.",
            retry_after_s=_seconds(error.response.headers.get("retry-after")),
            code="EXEC_MODEL_BUSY",
            hint="Wait a little and try again.",
        ) from error
    except (sdk.AuthenticationError, sdk.PermissionDeniedError) as error:
        key = f"{sdk.__name__.upper()}_API_KEY"
        raise unusable(model, f"refused the key; check {key}", "EXEC_MODEL_KEY") from error
    except sdk.NotFoundError as error:
        raise unusable(
            model, "is not known there; check OPENAI_MODEL", "EXEC_MODEL_UNKNOWN"
        ) from error
    except sdk.APIStatusError as error:
        reason = f"answered with status {error.status_code}: {error.message[:200]}"
        raise unusable(model, reason, "EXEC_MODEL_FAILED") from error
    except sdk.APIConnectionError as error:
        raise unusable(model, f"cannot be reached at {base_url}", "EXEC_MODEL_DOWN") from error
    except (base, json.JSONDecodeError, UnicodeDecodeError) as error:
        raise unusable(
            model, "answered with something that is no answer", "EXEC_MODEL_ANSWER"
        ) from error


def unusable(model: str, what: str, code: str) -> Unavailable:
    return Unavailable(
        f"The model {model} {what}.", code=code, hint="Try again, or plan without a model."
    )


def misshapen(model: str, wrong: str) -> Unavailable:
    """An answer that stayed of the wrong shape when it was asked for again."""
    return Unavailable(
        f"The model {model} gave no usable answer ({wrong}).",
        code="EXEC_MODEL_ANSWER",
        hint="Try again, or set OPENAI_MODEL to a model that follows JSON schemas.",
    )


def _seconds(header: str | None) -> float:
    try:
        return max(0.0, float(header or 20))
    except ValueError:
        return 20.0
