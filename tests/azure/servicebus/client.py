"""One client's connection: what it may, and what its links lead to."""

from __future__ import annotations

import time

from tests.azure.amqp.connection import Connection
from tests.azure.amqp.frames import AmqpError
from tests.azure.amqp.links import Link, OutgoingLink
from tests.azure.servicebus import errors
from tests.azure.servicebus.namespace import Claim, Namespace, below, path_of
from tests.azure.servicebus.queues import Queue
from tests.azure.servicebus.receiving import Receiving, session_asked
from tests.azure.servicebus.requests import Cbs, Management, Replies
from tests.azure.servicebus.sending import Sending

MANAGEMENT = "/$management"


class Client:
    """A `Peer` of the protocol."""

    def __init__(self, namespace: Namespace, connection: Connection) -> None:
        self.connection = connection
        self.claims: list[Claim] = []
        self.queues: set[str] = set()
        self._namespace = namespace
        namespace.clients.add(self)

    def frame(self) -> None:
        if any(self._namespace.faults.strike("drop-frame", each) for each in self.queues):
            self.connection.drop()

    def attach(self, link: Link) -> None:
        try:
            self._attach(link, path_of(str(link.address or "")))
        except AmqpError as error:
            link.refuse(error)

    def drop(self, *, silent: bool) -> None:
        """Break the connection. `silent`: as if nobody noticed, so what it locks stays locked."""
        if silent:
            for link in self.connection.links():
                link.endpoint = None
        self.connection.drop()

    def detach(self, path: str, error: AmqpError) -> None:
        """Its links to a queue and to what is below it."""
        for link in self.connection.links():
            if below(path_of(str(link.address or "")), path):
                link.detach(error)

    def closed(self) -> None:
        self._namespace.clients.discard(self)

    def _attach(self, link: Link, path: str) -> None:
        outgoing = isinstance(link, OutgoingLink)
        if path == "$cbs":
            link.accept(Replies() if outgoing else Cbs(self._namespace, self.claims))
        elif path.endswith(MANAGEMENT):
            queue = self._queue(path.removesuffix(MANAGEMENT))
            self._demand(path, "Send", "Listen", "Manage")
            link.accept(Replies() if outgoing else Management(self._namespace, queue))
        elif isinstance(link, OutgoingLink):
            queue = self._queue(path)
            self._demand(path, "Listen")
            Receiving(self._namespace, queue, link).open(*session_asked(link))
        else:
            queue = self._queue(path)
            self._demand(path, "Send")
            if queue.dead is None:
                raise errors.not_allowed("Messages cannot be sent to a dead-letter queue.")
            largest = queue.properties.max_message_bytes
            link.accept(Sending(self._namespace, queue), max_message_size=largest)

    def _queue(self, path: str) -> Queue:
        queue = self._namespace.queue(path)
        if queue.properties.disabled:
            raise errors.disabled(queue.properties.name)
        self.queues.add(queue.properties.name)
        return queue

    def _demand(self, path: str, *rights: str) -> None:
        """One of them is enough."""
        now = time.time()
        held = (c for c in self.claims if below(path, c.path) and c.expires > now)
        if not any(claim.rights.intersection(rights) for claim in held):
            raise errors.unauthorized(path, ", ".join(rights))
