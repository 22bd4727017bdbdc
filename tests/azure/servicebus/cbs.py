"""`$cbs`: a client puts the tokens here that its links need."""

from __future__ import annotations

from tests.azure.amqp.message import Message
from tests.azure.servicebus.namespace import Claim, Namespace


def put_token(namespace: Namespace, request: Message, claims: list[Claim]) -> dict[str, object]:
    """The application properties of the answer."""
    if request.application.get("operation") != "put-token":
        return _answer(400, "The only operation is put-token.")
    claim = namespace.claim(str(request.application.get("name", "")), str(request.value()))
    if claim is None:
        return _answer(401, "InvalidSignature: The token has an invalid signature, or is expired.")
    claims[:] = [each for each in claims if each.path != claim.path] + [claim]
    return _answer(202, "Accepted")


def _answer(code: int, description: str) -> dict[str, object]:
    return {"status-code": code, "status-description": description}
