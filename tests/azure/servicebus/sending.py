"""A link by which a client sends to a queue."""

from __future__ import annotations

from functools import partial

from tests.azure.amqp.frames import AmqpError
from tests.azure.amqp.links import Delivery, Endpoint
from tests.azure.amqp.message import Message, data_sections, decoded
from tests.azure.servicebus import errors
from tests.azure.servicebus.namespace import Namespace
from tests.azure.servicebus.queues import Queue

BATCH = 0x80013700
DUE = "x-opt-scheduled-enqueue-time"


class Sending(Endpoint):
    def __init__(self, namespace: Namespace, queue: Queue) -> None:
        self._namespace = namespace
        self._queue = queue

    def received(self, delivery: Delivery) -> None:
        faults, properties = self._namespace.faults, self._queue.properties
        connection = delivery.link.session.connection
        if faults.strike("drop-operation", properties.name):
            connection.drop()
            return
        try:
            check_busy(self._namespace, self._queue)
            check_room(self._namespace, self._queue)
            self._send(delivery)
        except AmqpError as error:
            self._namespace.answer(self._queue, partial(self._refuse, delivery, error))
            return
        if faults.strike("lose-send-reply", properties.name):
            connection.drop()
            return
        self._namespace.answer(self._queue, delivery.accept)

    def _refuse(self, delivery: Delivery, error: AmqpError) -> None:
        delivery.reject(error)
        if error.condition == errors.TOO_LARGE:
            # as in Azure: not only the message, the link too
            delivery.link.detach(error)

    def _send(self, delivery: Delivery) -> None:
        """A batch is taken whole or not at all."""
        size, largest = len(delivery.payload), self._queue.properties.max_message_bytes
        if size > largest:
            raise errors.too_large(size, largest)
        batch = delivery.format == BATCH
        payloads = data_sections(delivery.payload) if batch else [delivery.payload]
        messages = [decoded(payload) for payload in payloads]
        for message in messages:
            self._queue.check(message)
        for message in messages:
            self._queue.send(message, due_of(message))


def due_of(message: Message) -> float | None:
    due = message.annotations.get(DUE)
    return None if due is None else due / 1000


def check_busy(namespace: Namespace, queue: Queue) -> None:
    if namespace.faults.strike("busy", queue.properties.name):
        raise errors.busy()


def check_room(namespace: Namespace, queue: Queue) -> None:
    if namespace.faults.strike("quota", queue.properties.name):
        raise errors.quota_full(queue.properties.name)
