"""The broker's other side, for tests: HTTP and JSON.

POST   /queues       Properties' fields           create a queue
DELETE /queues/q
GET    /queues       {q: {active, locked, deferred, scheduled, dead, sessions: [held]}}
POST   /clock        {"advance": seconds}         locks end, what is scheduled falls due, …
POST   /faults       Fault's fields               see faults.py
DELETE /faults
DELETE /connections  [?silent=1]                  break all; silent: sessions stay locked,
                                                  as when a machine is gone without a word
POST   /policies     {"name", "key", "rights"}    a shared access policy
POST   /tokens       {"token", "rights"}          a bearer token, as of a managed identity
"""

from __future__ import annotations

from typing import Any

from aiohttp import web

from tests.azure.amqp.frames import AmqpError
from tests.azure.servicebus import errors
from tests.azure.servicebus.entries import Properties
from tests.azure.servicebus.faults import Fault
from tests.azure.servicebus.namespace import RIGHTS, Namespace, Policy
from tests.azure.servicebus.queues import Queue


class Control:
    def __init__(self, namespace: Namespace) -> None:
        self._namespace = namespace

    def application(self) -> web.Application:
        app = web.Application(middlewares=[refusals])
        app.router.add_post("/queues", self._create)
        app.router.add_delete("/queues/{name}", self._delete)
        app.router.add_get("/queues", self._counts)
        app.router.add_post("/clock", self._advance)
        app.router.add_post("/faults", self._fault)
        app.router.add_delete("/faults", self._clear)
        app.router.add_delete("/connections", self._drop)
        app.router.add_delete("/links", self._detach)
        app.router.add_post("/policies", self._policy)
        app.router.add_post("/tokens", self._token)
        return app

    async def _create(self, request: web.Request) -> web.Response:
        self._namespace.create(Properties(**await request.json()))
        return web.json_response({}, status=201)

    async def _delete(self, request: web.Request) -> web.Response:
        self._namespace.delete(request.match_info["name"])
        return web.json_response({})

    async def _counts(self, request: web.Request) -> web.Response:
        queues = self._namespace.queues.values()
        return web.json_response({each.properties.name: self._of(each) for each in queues})

    def _of(self, queue: Queue) -> dict[str, Any]:
        sessions = queue.sessions
        held, waiting = sorted(sessions.held), len(sessions.waiting)
        return {**queue.counts(), "sessions": held, "waiting": waiting}

    async def _advance(self, request: web.Request) -> web.Response:
        self._namespace.clock.advance(float((await request.json())["advance"]))
        return web.json_response({"ahead": self._namespace.clock.ahead})

    async def _fault(self, request: web.Request) -> web.Response:
        self._namespace.faults.add(Fault(**await request.json()))
        return web.json_response({}, status=201)

    async def _clear(self, request: web.Request) -> web.Response:
        self._namespace.faults.clear()
        return web.json_response({})

    async def _drop(self, request: web.Request) -> web.Response:
        queue = request.query.get("queue")
        clients = [c for c in self._namespace.clients if queue is None or queue in c.queues]
        for client in clients:
            client.drop(silent="silent" in request.query)
        return web.json_response({"dropped": len(clients)})

    async def _detach(self, request: web.Request) -> web.Response:
        self._namespace.detach(request.query["queue"], errors.detached())
        return web.json_response({})

    async def _policy(self, request: web.Request) -> web.Response:
        said = await request.json()
        rights = frozenset(said.get("rights", RIGHTS))
        self._namespace.policies[said["name"]] = Policy(said["key"], rights)
        return web.json_response({}, status=201)

    async def _token(self, request: web.Request) -> web.Response:
        said = await request.json()
        self._namespace.tokens[said["token"]] = frozenset(said.get("rights", RIGHTS))
        return web.json_response({}, status=201)


@web.middleware
async def refusals(request: web.Request, handler: Any) -> Any:
    try:
        return await handler(request)
    except (AmqpError, KeyError, TypeError, ValueError) as error:
        return web.json_response({"error": str(error)}, status=400)
