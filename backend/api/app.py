"""The HTTP API as one router. Endpoints find the system in `app.state`: `lightning`, `planner` (a
`Planner`), and `stopping` (an `asyncio.Event` that ends live streams)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import APIRouter, FastAPI, Request, Response
from starlette.routing import BaseRoute, Match

from backend.api import (
    counters,
    events,
    explain,
    hooks,
    letters,
    models,
    notify,
    plans,
    problems,
    runs,
    saved,
    schedules,
    tools,
    users,
)
from backend.api.auth import Door
from backend.api.body import StrictRoute
from backend.api.docs import docs_page
from backend.contracts.errors import NotFound
from backend.contracts.ports import Planner
from backend.lightning import Lightning

_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


def create_router() -> APIRouter:
    """Everything under /api, the answer to unknown paths included: include it before any mount."""
    router = APIRouter(prefix="/api", route_class=StrictRoute, responses=problems.DESCRIBED)
    router.add_api_route(
        "/health",
        health,
        methods=["GET"],
        tags=["health"],
        responses={
            503: {"description": "Nothing can be stored now; `checks` says what does not answer."}
        },
    )
    for part in (
        users,
        plans,
        saved,
        runs,
        explain,
        schedules,
        tools,
        models,
        events,
        hooks,
        letters,
        notify,
        counters,
    ):
        router.include_router(part.router)
    router.add_api_route("/openapi.json", openapi, methods=["GET"], include_in_schema=False)
    router.add_api_route("/docs", docs_page, methods=["GET"], include_in_schema=False)
    known = list(router.routes)

    async def unknown(request: Request) -> Response:
        allowed = [method for method in _METHODS if _matches(known, request, method)]
        if not allowed:
            raise NotFound("There is nothing at this address.", hint="See /api/docs.")
        return problems.problem(
            405,
            "EXEC_METHOD_NOT_ALLOWED",
            f"{request.method} is not possible here.",
            headers={"Allow": ", ".join(allowed)},
        )

    router.add_api_route(
        "/{rest:path}", unknown, methods=_METHODS, include_in_schema=False, response_model=None
    )
    return router


def create_app(lightning: Lightning, planners: Mapping[str, Planner]) -> FastAPI:
    """The API alone, as one ASGI app. `planners` by name, the preferred one first."""
    app = FastAPI(title="Lightning", docs_url=None, redoc_url=None, openapi_url=None)
    app.state.lightning = lightning
    app.state.planner = next(iter(planners.values()), None)
    app.state.stopping = asyncio.Event()
    install(app)
    return app


def install(app: FastAPI) -> None:
    """Add the API to `app`: its router, and problem details for every error."""
    app.include_router(create_router())
    problems.install(app)


def _matches(routes: Sequence[BaseRoute], request: Request, method: str) -> bool:
    scope = {**request.scope, "method": method}
    return any(route.matches(dict(scope))[0] is Match.FULL for route in routes)


async def health(door: Door, response: Response) -> dict[str, Any]:
    """Whether Lightning and what it depends on answer. For load balancers: 200 while it serves, "degraded"
    too; 503 when nothing can be stored ("down")."""
    found = await door.health()
    if found["status"] == "down":
        response.status_code = 503
    return found


async def openapi(request: Request) -> dict[str, Any]:
    app: FastAPI = request.app
    return app.openapi()
