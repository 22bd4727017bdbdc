"""A link by which a client receives from a queue: plain, or of one session."""

from __future__ import annotations

import asyncio
import uuid
from functools import partial

from tests.azure.amqp.frames import (
    ACCEPTED,
    MODIFIED,
    REJECTED,
    RELEASED,
    AmqpError,
    rejected,
)
from tests.azure.amqp.links import Endpoint, OutgoingLink, filtered, lifted
from tests.azure.amqp.types import Described
from tests.azure.servicebus import errors
from tests.azure.servicebus.entries import Entry
from tests.azure.servicebus.namespace import Namespace
from tests.azure.servicebus.queues import Queue

FILTER = "com.microsoft:session-filter"
LOCKED_UNTIL = "com.microsoft:locked-until-utc"
TIMEOUT = "com.microsoft:timeout"
DEFAULT_TIMEOUT_MS = 60_000
TICKS_1970 = 621_355_968_000_000_000


def session_asked(link: OutgoingLink) -> tuple[bool, str | None]:
    """Whether the link is for a session, and for which; None is any."""
    filters = lifted(link.asked.source)(7) if link.asked.source else None
    if not filters or FILTER not in filters:
        return False, None
    value = filters[FILTER]
    return True, value.value if isinstance(value, Described) else value


class Receiving(Endpoint):
    """Both what the link leads to and what the queue delivers to."""

    def __init__(self, namespace: Namespace, queue: Queue, link: OutgoingLink) -> None:
        self.session: str | None = None
        self._namespace = namespace
        self._queue = queue
        self._link = link
        self._tokens: dict[int, uuid.UUID] = {}
        self._patience: asyncio.TimerHandle | None = None

    def open(self, sessions: bool, session: str | None) -> None:
        if sessions != self._queue.properties.requires_session:
            wants, is_for = ("no sessions", "requires") if not sessions else ("sessions", "has no")
            raise errors.not_allowed(f"A receiver of {wants} on an entity that {is_for} sessions.")
        if not sessions:
            self._queue.attach(self)
            self._link.accept(self)
        elif session is not None:
            self._hold(session, self._queue.sessions.accept(session, self))
        else:
            self._link.endpoint = self
            said = (self._link.asked.properties or {}).get(TIMEOUT, DEFAULT_TIMEOUT_MS)
            loop = asyncio.get_running_loop()
            self._patience = loop.call_later(said / 1000, self._give_up)
            self._queue.sessions.wait(self)

    # --- told by the queue ------------------------------------------------------------------------

    @property
    def name(self) -> str:
        return self._link.name

    @property
    def credit(self) -> int:
        return self._link.credit

    @property
    def deletes(self) -> bool:
        return self._link.asked.snd_settle_mode == 1

    def deliver(self, entry: Entry) -> None:
        if entry.lock is None:
            self._link.deliver(entry.encoded(), uuid.uuid4().bytes, settled=True)
            return
        tag = entry.lock.token.bytes_le
        self._tokens[self._link.deliver(entry.encoded(), tag, settled=False)] = entry.lock.token

    def granted(self, session: str, until: float) -> None:
        self._hold(session, until)

    def lost(self, error: AmqpError) -> None:
        self._link.detach(error)

    # --- told by the link -------------------------------------------------------------------------

    def credited(self) -> None:
        self._queue.offer(self.session)

    def disposed(self, delivery_id: int, state: Described, settled: bool) -> None:
        token, faults = self._tokens.pop(delivery_id), self._namespace.faults
        name, connection = self._queue.properties.name, self._link.session.connection
        if faults.strike("drop-operation", name):
            connection.drop()
            return
        answer = state
        try:
            settle(self._namespace, self._queue, token, state)
            if state.descriptor == REJECTED:
                answer = rejected(None)
        except AmqpError as error:
            answer = rejected(error)
        if faults.strike("lose-settle-reply", name):
            connection.drop()
        elif not settled:
            dispose = self._link.session.dispose
            self._namespace.answer(self._queue, partial(dispose, False, delivery_id, answer))

    def detached(self) -> None:
        if self._patience:
            self._patience.cancel()
        self._queue.detach(self)

    def _hold(self, session: str, until: float) -> None:
        if self._patience:
            self._patience.cancel()
        self.session = session
        assert self._link.asked.source
        source = filtered(self._link.asked.source, FILTER, session)
        ticks = TICKS_1970 + round(until * 1e7)
        self._link.accept(self, source=source, properties={LOCKED_UNTIL: ticks})

    def _give_up(self) -> None:
        self._link.refuse(errors.timed_out())


def settle(namespace: Namespace, queue: Queue, token: uuid.UUID, state: Described) -> None:
    """What an outcome does to a message."""
    name, field = queue.properties.name, lifted(state)
    if namespace.faults.strike("refuse-settle", name):
        raise errors.lock_lost()
    if state.descriptor == ACCEPTED:
        again = namespace.faults.strike("redeliver", name)
        (queue.abandon if again else queue.complete)(token)
    elif state.descriptor == RELEASED:
        queue.release(token)
    elif state.descriptor == MODIFIED:
        (queue.defer if field(1) else queue.abandon)(token)
    elif state.descriptor == REJECTED:
        info = lifted(field(0))(2) or {} if field(0) else {}
        queue.dead_letter(
            token, info.get("DeadLetterReason"), info.get("DeadLetterErrorDescription")
        )
    else:
        raise errors.invalid("Not an outcome.")
