"""Errors on the wire: problem details (RFC 9457), each with a code of ours."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from backend.contracts.errors import Issue, LightningError, RateLimited, Unauthenticated

log = structlog.get_logger()

MEDIA_TYPE = "application/problem+json"
_TYPE = "urn:lightning:problem:"
_HTTP_CODES = {
    400: "EXEC_JSON_INVALID",
    401: "EXEC_UNAUTHENTICATED",
    403: "EXEC_FORBIDDEN",
    404: "EXEC_NOT_FOUND",
    405: "EXEC_METHOD_NOT_ALLOWED",
    413: "EXEC_TOO_LARGE",
    415: "EXEC_MEDIA_TYPE",
    429: "EXEC_RATE_LIMITED",
    503: "EXEC_UNAVAILABLE",
}
_STRING = {"type": "string"}
DESCRIBED: dict[int | str, dict[str, Any]] = {
    "default": {
        "description": "What went wrong, as problem details. `code` is stable; the words are not.",
        "content": {
            MEDIA_TYPE: {
                "schema": {
                    "title": "Problem",
                    "type": "object",
                    "required": ["type", "title", "status", "detail", "code"],
                    "properties": {
                        "type": _STRING,
                        "title": _STRING,
                        "status": {"type": "integer"},
                        "detail": _STRING,
                        "code": _STRING,
                        "hint": _STRING,
                        "issues": {"type": "array", "items": {"type": "object"}},
                    },
                }
            }
        },
    }
}


def problem(
    status: int,
    code: str,
    detail: str,
    *,
    hint: str = "",
    issues: tuple[Issue, ...] = (),
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """A response with `code`, the words `detail`, and what to do next (`hint`, `issues`)."""
    body: dict[str, Any] = {
        "type": _TYPE + code,
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code,
    }
    if hint:
        body["hint"] = hint
    if issues:
        body["issues"] = [issue.model_dump(mode="json") for issue in issues]
    return JSONResponse(body, status, dict(headers or {}), media_type=MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Make every error of `app` a problem, unknown routes and broken JSON too."""
    app.add_exception_handler(LightningError, _ours)
    app.add_exception_handler(RequestValidationError, _misshapen)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _unforeseen)


async def _ours(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, LightningError)
    headers: dict[str, str] = {}
    if isinstance(error, RateLimited):
        headers["Retry-After"] = str(int(error.retry_after_s))
    if isinstance(error, Unauthenticated):
        headers["WWW-Authenticate"] = "Bearer"
    return problem(
        error.status,
        error.code,
        error.message,
        hint=error.hint,
        issues=error.issues,
        headers=headers,
    )


async def _misshapen(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    found = error.errors()
    if found and found[0]["type"] == "json_invalid":
        reason = found[0].get("ctx", {}).get("error", "it cannot be read")
        return problem(400, "EXEC_JSON_INVALID", f"The body is not JSON we can take: {reason}.")
    issues = tuple(
        Issue(
            code="EXEC_REQUEST_INVALID",
            message=str(one["msg"]),
            path="/".join(str(part) for part in one["loc"]),
        )
        for one in found[:50]
    )
    first = f" {issues[0].path}: {issues[0].message}." if issues else ""
    return problem(
        422, "EXEC_REQUEST_INVALID", "The request is not as described." + first, issues=issues
    )


async def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    code = _HTTP_CODES.get(error.status_code, "EXEC_HTTP")
    return problem(error.status_code, code, str(error.detail), headers=error.headers)


async def _unforeseen(request: Request, error: Exception) -> JSONResponse:
    log.error("api.failed", path=request.url.path, error=repr(error))
    return problem(
        500,
        "EXEC_INTERNAL",
        "Something went wrong on our side.",
        hint="Nothing was lost. The log says more.",
    )
