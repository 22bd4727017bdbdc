"""Sessions and links: flow control, transfers, dispositions."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tests.azure.amqp.frames import (
    AmqpError,
    Attach,
    Begin,
    Detach,
    Disposition,
    Flow,
    Performative,
    Transfer,
    accepted,
    rejected,
)
from tests.azure.amqp.types import Described, Symbol, ULong

if TYPE_CHECKING:
    from tests.azure.amqp.connection import Connection

WINDOW = 5000
CREDIT = 1000


class Endpoint:
    """What a link leads to. Each direction calls some of these."""

    def received(self, delivery: Delivery) -> None:
        """From the client, whole."""

    def credited(self) -> None:
        """The client would take more, or less, than before."""

    def disposed(self, delivery_id: int, state: Described, settled: bool) -> None:
        """The client says what became of a delivery; unless `settled` it waits for an answer."""

    def detached(self) -> None:
        """The link is no more."""


class Delivery:
    """A message from the client, whole; to be accepted or rejected once."""

    def __init__(self, link: IncomingLink, first: Transfer, payload: bytes) -> None:
        self.link = link
        self.payload = payload
        self.format = first.message_format or 0
        self._id = first.delivery_id or 0
        self._settled = bool(first.settled)

    def accept(self) -> None:
        self._answer(accepted())

    def reject(self, error: AmqpError) -> None:
        self._answer(rejected(error))

    def _answer(self, state: Described) -> None:
        if not self._settled:
            self.link.session.dispose(True, self._id, state)


class Link:
    def __init__(self, session: Session, asked: Attach) -> None:
        self.session = session
        self.asked = asked
        self.name = asked.name
        self.endpoint: Endpoint | None = None
        self.open = True

    @property
    def address(self) -> str | None:
        terminus = self.asked.source if self.asked.role else self.asked.target
        return terminus.value[0] if terminus and terminus.value else None

    def accept(self, endpoint: Endpoint, **answers: Any) -> None:
        """`answers` replace fields of the ATTACH that is sent back."""
        self.endpoint = endpoint
        echoed = {"source": self.asked.source, "target": self.asked.target}
        self._attach(**{**echoed, **answers})

    def refuse(self, error: AmqpError) -> None:
        self._attach(source=None, target=None)
        self.detach(error)

    def detach(self, error: AmqpError | None = None) -> None:
        if not self.open:
            return
        self.session.send(Detach(self.asked.handle, True, error.wire if error else None))
        self.session.parting.add(self.asked.handle)
        self.close()

    def close(self) -> None:
        """The link is no more, whoever ended it."""
        if self.open:
            self.open = False
            self.session.links.pop(self.asked.handle, None)
            if self.endpoint:
                self.endpoint.detached()

    def _attach(self, **answers: Any) -> None:
        asked = self.asked
        fields = {
            "snd_settle_mode": asked.snd_settle_mode,
            "rcv_settle_mode": asked.rcv_settle_mode,
        }
        if asked.role:
            fields["initial_delivery_count"] = 0
        self.session.send(Attach(self.name, asked.handle, not asked.role, **{**fields, **answers}))


class IncomingLink(Link):
    """The client sends."""

    def __init__(self, session: Session, asked: Attach) -> None:
        super().__init__(session, asked)
        self._delivery_count = asked.initial_delivery_count or 0
        self._credit = 0
        self._first: Transfer | None = None
        self._parts: list[bytes] = []

    def accept(self, endpoint: Endpoint, **answers: Any) -> None:
        super().accept(endpoint, **answers)
        self._grant()

    def transfer(self, transfer: Transfer, payload: bytes) -> None:
        self._first = self._first or transfer
        self._parts.append(payload)
        if transfer.more and not transfer.aborted:
            return
        first, whole = self._first, b"".join(self._parts)
        self._first, self._parts = None, []
        self._delivery_count += 1
        self._credit -= 1
        if not transfer.aborted and self.endpoint:
            self.endpoint.received(Delivery(self, first, whole))
        if self._credit < CREDIT // 2 and self.open:
            self._grant()

    def flow(self, flow: Flow) -> None:
        if flow.echo:
            self._grant()

    def _grant(self) -> None:
        self._credit = CREDIT
        self.session.flow(self, self._delivery_count, CREDIT)


class OutgoingLink(Link):
    """The client receives."""

    def __init__(self, session: Session, asked: Attach) -> None:
        super().__init__(session, asked)
        self.credit = 0
        self._delivery_count = 0

    def deliver(self, payload: bytes, tag: bytes, *, settled: bool) -> int:
        """The delivery's id in its session. It is forgotten if `settled`, else disposed of once."""
        self.credit -= 1
        self._delivery_count += 1
        return self.session.transfer(self, payload, tag, settled=settled)

    def flow(self, flow: Flow) -> None:
        if flow.link_credit is not None:
            self.credit = (flow.delivery_count or 0) + flow.link_credit - self._delivery_count
        if self.endpoint:
            self.endpoint.credited()
        if flow.drain:
            self._delivery_count += max(self.credit, 0)
            self.credit = 0
        if flow.drain or flow.echo:
            self.session.flow(self, self._delivery_count, self.credit, drain=bool(flow.drain))


class Session:
    """One of a connection's sessions; `channel` is the client's and ours alike."""

    def __init__(self, connection: Connection, channel: int, begin: Begin) -> None:
        self.connection = connection
        self.channel = channel
        self.links: dict[int, Link] = {}
        self.parting: set[int] = set()  # detached by us, and not by the client yet
        self._next_incoming = begin.next_outgoing_id
        self._next_outgoing = 1
        self._room = WINDOW
        self._unsettled: dict[int, OutgoingLink] = {}
        self.send(Begin(channel, self._next_outgoing, WINDOW, WINDOW, 255))

    def send(self, performative: Performative, payload: bytes = b"") -> None:
        self.connection.send(self.channel, performative, payload)

    def dispatch(self, performative: Performative, payload: bytes) -> None:
        match performative:
            case Attach():
                self._attached(performative)
            case Transfer():
                self._received(performative, payload)
            case Disposition():
                self._disposed(performative)
            case Flow():
                self._flowed(performative)
            case Detach():
                self._detached(performative)
            case _:
                raise AmqpError("amqp:not-allowed", f"{type(performative).__name__} in a session")

    def flow(
        self, link: Link | None, count: int = 0, credit: int = 0, *, drain: bool = False
    ) -> None:
        self._room = WINDOW
        of_link = (link.asked.handle, count, credit, None, drain or None) if link else ()
        windows = (self._next_incoming, WINDOW, self._next_outgoing, WINDOW)
        self.send(Flow(*windows, *of_link))

    def dispose(self, role: bool, delivery_id: int, state: Described) -> None:
        """Settled; `role` True for what the client sent, False for what it received."""
        self.send(Disposition(role, delivery_id, delivery_id, True, state))

    def transfer(self, link: OutgoingLink, payload: bytes, tag: bytes, *, settled: bool) -> int:
        delivery_id, self._next_outgoing = self._next_outgoing, self._next_outgoing + 1
        size = self.connection.payload_size
        for at in range(0, len(payload), size):
            more = at + size < len(payload)
            transfer = Transfer(link.asked.handle, delivery_id, tag, 0, settled, more)
            self.send(transfer, payload[at : at + size])
        if not settled:
            self._unsettled[delivery_id] = link
        return delivery_id

    def end(self) -> None:
        for link in list(self.links.values()):
            link.close()

    def _attached(self, attach: Attach) -> None:
        if attach.handle in self.links:
            text = f"a link has the handle {attach.handle}"
            raise AmqpError("amqp:session:handle-in-use", text)
        link = OutgoingLink(self, attach) if attach.role else IncomingLink(self, attach)
        self.links[attach.handle] = link
        self.connection.peer.attach(link)

    def _detached(self, detach: Detach) -> None:
        if detach.handle in self.parting:
            self.parting.remove(detach.handle)
            return
        if detach.handle not in self.links:
            raise _unattached(detach.handle)
        self.send(Detach(detach.handle, detach.closed))
        self.links[detach.handle].close()

    def _received(self, transfer: Transfer, payload: bytes) -> None:
        self._next_incoming += 1
        self._room -= 1
        link = self.links.get(transfer.handle)
        if isinstance(link, IncomingLink):
            link.transfer(transfer, payload)
        elif transfer.handle not in self.parting:
            raise _unattached(transfer.handle)
        if self._room < WINDOW // 2:
            self.flow(None)

    def _flowed(self, flow: Flow) -> None:
        link = None if flow.handle is None else self.links.get(flow.handle)
        if isinstance(link, IncomingLink | OutgoingLink):
            link.flow(flow)
        elif flow.handle is None and flow.echo:
            self.flow(None)

    def _disposed(self, disposition: Disposition) -> None:
        if not disposition.role or disposition.state is None:
            return
        last = disposition.first if disposition.last is None else disposition.last
        for delivery_id in range(disposition.first, last + 1):
            link = self._unsettled.pop(delivery_id, None)
            if link and link.open and link.endpoint:
                settled = bool(disposition.settled)
                link.endpoint.disposed(delivery_id, disposition.state, settled)


def _unattached(handle: int) -> AmqpError:
    return AmqpError("amqp:session:unattached-handle", f"no link has the handle {handle}")


def lifted(state: Described) -> Callable[[int], Any]:
    """A field of an outcome by its index, None where it was left out."""
    fields = state.value
    return lambda index: fields[index] if index < len(fields) else None


def filtered(source: Described, name: str, value: Any) -> Described:
    """The source with one filter set."""
    fields = list(source.value) + [None] * (11 - len(source.value))
    fields[7] = {**(fields[7] or {}), Symbol(name): value}
    return Described(ULong(0x28), fields)
