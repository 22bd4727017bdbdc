"""Errors as data: one issue format on every surface, one small tree of exceptions."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

Severity = Literal["error", "warning", "info"]


class Fix(BaseModel):
    """A mechanical repair: replace the value at `path` (as in `Issue.path`) by `value`."""

    model_config = ConfigDict(frozen=True)

    path: str
    value: Any
    label: str


class Issue(BaseModel):
    """Something wrong or noteworthy: what, where, what is available, what to try.

    `code` starts with PLAN_, COMPILE_ or EXEC_. `path` is slash-separated into the plan document
    ("steps/2/args/to"); empty means the whole plan. `repaired` marks what was mended on the way.
    """

    model_config = ConfigDict(frozen=True)

    code: str
    message: str
    path: str = ""
    severity: Severity = "error"
    suggestion: str = ""
    available: tuple[str, ...] = ()
    fix: Fix | None = None
    repaired: bool = False


class LightningError(Exception):
    """Base of every error a person may meet; `status` is its HTTP status, `hint` what to do next.
    `excerpt`, where there is one, shows its place in a text: a line, and a caret below it."""

    status = 500
    code = "EXEC_INTERNAL"
    excerpt = ""

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        hint: str = "",
        issues: tuple[Issue, ...] = (),
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or type(self).code
        self.hint = hint
        self.issues = issues


class Invalid(LightningError):
    """The input cannot be taken as it is."""

    status = 422
    code = "PLAN_INVALID"


class Unauthenticated(LightningError):
    status = 401
    code = "EXEC_UNAUTHENTICATED"


class Forbidden(LightningError):
    status = 403
    code = "EXEC_FORBIDDEN"


class NotFound(LightningError):
    """Missing, or another owner's: the two are never told apart."""

    status = 404
    code = "EXEC_NOT_FOUND"


class Conflict(LightningError):
    """The thing has moved on since the caller last saw it."""

    status = 409
    code = "EXEC_CONFLICT"


class TooLarge(LightningError):
    status = 413
    code = "EXEC_TOO_LARGE"


class RateLimited(LightningError):
    status = 429
    code = "EXEC_RATE_LIMITED"

    def __init__(self, message: str, *, retry_after_s: float, **kwargs: Any) -> None:
        super().__init__(message, **kwargs)
        self.retry_after_s = retry_after_s


class Unavailable(LightningError):
    """A part we depend on does not answer; trying again later may help."""

    status = 503
    code = "EXEC_UNAVAILABLE"


class ToolError(LightningError):
    """A tool could not do its work. `transient` errors are retried as the step declares; `unknown`
    says that an effect was interrupted half way, so that a person is asked whether it happened."""

    status = 502
    code = "EXEC_TOOL_FAILED"

    def __init__(
        self, message: str, *, transient: bool = False, unknown: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(message, **kwargs)
        self.transient = transient
        self.unknown = unknown


class Retry(Exception):
    """Raised by a driver: handle this event again after `delay_s` seconds. Not a failure."""

    def __init__(self, delay_s: float, reason: str = "") -> None:
        super().__init__(reason)
        self.delay_s = delay_s
