"""Links for requests, `$cbs` and `…/$management`: a message asks, another on the way back answers."""

from __future__ import annotations

import itertools
from functools import partial

from tests.azure.amqp.frames import AmqpError
from tests.azure.amqp.links import Delivery, Endpoint, OutgoingLink
from tests.azure.amqp.message import (
    CORRELATION_ID,
    MESSAGE_ID,
    Message,
    decoded,
    of_value,
)
from tests.azure.amqp.types import Int, Symbol
from tests.azure.servicebus import errors
from tests.azure.servicebus.cbs import put_token
from tests.azure.servicebus.management import OPERATIONS, Request
from tests.azure.servicebus.namespace import Claim, Namespace
from tests.azure.servicebus.queues import Queue
from tests.azure.servicebus.sending import check_busy


class Replies(Endpoint):
    """The way back. Its link is found by its address, in the session that asked."""


class Cbs(Endpoint):
    def __init__(self, namespace: Namespace, claims: list[Claim]) -> None:
        self._namespace = namespace
        self._claims = claims

    def received(self, delivery: Delivery) -> None:
        delivery.accept()
        request = decoded(delivery.payload)
        reply(delivery, request, put_token(self._namespace, request, self._claims), None)


class Management(Endpoint):
    def __init__(self, namespace: Namespace, queue: Queue) -> None:
        self._namespace = namespace
        self._queue = queue

    def received(self, delivery: Delivery) -> None:
        faults, name = self._namespace.faults, self._queue.properties.name
        if faults.strike("drop-operation", name):
            delivery.link.session.connection.drop()
            return
        delivery.accept()
        request = decoded(delivery.payload)
        said, value = self._answered(request)
        if faults.strike("lose-management-reply", name):
            delivery.link.session.connection.drop()
        else:
            self._namespace.answer(self._queue, partial(reply, delivery, request, said, value))

    def _answered(self, request: Message) -> tuple[dict[str, object], object]:
        operation = OPERATIONS.get(str(request.application.get("operation")))
        try:
            if operation is None:
                raise AmqpError("amqp:not-implemented", "no such operation")
            check_busy(self._namespace, self._queue)
            about = request.application.get("associated-link-name")
            value = operation(Request(self._namespace, self._queue, about, request.value()))
        except AmqpError as error:
            said = {"errorCondition": Symbol(error.condition)}
            return {**_status(errors.status(error), error.description), **said}, {}
        return _status(204 if value is None else 200, "OK"), value or {}


def reply(delivery: Delivery, request: Message, said: dict[str, object], value: object) -> None:
    session = delivery.link.session
    link = next(
        (
            each
            for each in session.links.values()
            if isinstance(each, OutgoingLink) and each.address == delivery.link.address
        ),
        None,
    )
    if link is None:
        return
    answer = Message(application={k: _int(v) for k, v in said.items()}, body=of_value(value))
    # of the same type, or the client does not know it again
    answer.properties[CORRELATION_ID] = request.properties[MESSAGE_ID]
    link.deliver(answer.encoded(), next(TAGS).to_bytes(8, "big"), settled=True)


TAGS = itertools.count(1)


def _status(code: int, description: str) -> dict[str, object]:
    return {"statusCode": code, "statusDescription": description}


def _int(value: object) -> object:
    return Int(value) if type(value) is int else value
