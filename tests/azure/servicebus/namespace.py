"""A namespace: its queues by name, the keys that open it, its time and its faults."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import unquote_plus

from tests.azure.amqp.frames import AmqpError
from tests.azure.servicebus import errors
from tests.azure.servicebus.clock import Clock
from tests.azure.servicebus.entries import Properties
from tests.azure.servicebus.faults import Faults
from tests.azure.servicebus.queues import DEAD_LETTERS, Queue

if TYPE_CHECKING:
    from tests.azure.servicebus.client import Client

RIGHTS = frozenset({"Send", "Listen", "Manage"})


@dataclass(frozen=True)
class Policy:
    """A shared access policy: what its key permits."""

    key: str
    rights: frozenset[str] = RIGHTS


@dataclass(frozen=True)
class Claim:
    """A right to an entity and to what is below it, until `expires` (seconds since 1970)."""

    path: str
    rights: frozenset[str]
    expires: float


class Namespace:
    def __init__(self) -> None:
        self.clock = Clock()
        self.faults = Faults()
        self.queues: dict[str, Queue] = {}
        self.policies: dict[str, Policy] = {}
        self.tokens: dict[str, frozenset[str]] = {}
        self.clients: set[Client] = set()

    def create(self, properties: Properties) -> None:
        if properties.name.lower() in self.queues:
            raise errors.invalid(f"There is a queue '{properties.name}' already.")
        dead = replace(properties, name=properties.name + DEAD_LETTERS, requires_session=False)
        letters = Queue(replace(dead, duplicate_window=None, default_ttl=None), self.clock)
        self.queues[properties.name.lower()] = Queue(properties, self.clock, dead=letters)

    def queue(self, path: str) -> Queue:
        """By name or path below the namespace, in any case."""
        name, dead, _ = path.lower().partition(DEAD_LETTERS.lower())
        queue = self.queues.get(name)
        if queue is None:
            raise errors.not_found(path)
        return queue.dead if dead and queue.dead else queue

    def delete(self, name: str) -> None:
        """With all that is in it; its links are detached."""
        self.queue(name)
        del self.queues[name.lower()]
        self.detach(name, errors.not_found(name))

    def detach(self, name: str, error: AmqpError) -> None:
        for client in list(self.clients):
            client.detach(name.lower(), error)

    def answer(self, queue: Queue, say: Callable[[], None]) -> None:
        """Now, or late if that is a fault of the day."""
        late = self.faults.delay(queue.properties.name)
        if late:
            asyncio.get_running_loop().call_later(late, say)
        else:
            say()

    def claim(self, audience: str, token: str) -> Claim | None:
        """What a token permits; None when it is not good for this audience."""
        path = path_of(audience)
        if not token.startswith("SharedAccessSignature "):
            rights = self.tokens.get(token)
            return Claim(path, rights, time.time() + 3600) if rights else None
        parts = dict(part.partition("=")[::2] for part in token.split(" ", 1)[1].split("&"))
        if not {"sr", "sig", "se", "skn"} <= parts.keys():
            return None
        policy = self.policies.get(unquote_plus(parts["skn"]))
        resource = path_of(unquote_plus(parts["sr"]))
        if policy is None or not below(path, resource) or not parts["se"].isdecimal():
            return None
        signed = f"{parts['sr']}\n{parts['se']}".encode()
        mac = hmac.new(policy.key.encode(), signed, hashlib.sha256).digest()
        given = unquote_plus(parts["sig"]).encode()
        good = hmac.compare_digest(base64.b64encode(mac), given)
        expires = float(parts["se"])
        return Claim(path, policy.rights, expires) if good and expires > time.time() else None


def path_of(address: str) -> str:
    """`sb://host:port/queue/$management` and `queue/$management` are the same path."""
    _, scheme, rest = address.partition("://")
    return (rest.partition("/")[2] if scheme else address).strip("/").lower()


def below(path: str, root: str) -> bool:
    return not root or path == root or path.startswith(root + "/")
