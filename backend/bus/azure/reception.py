"""What is received, and by whom here: sessions taken, kept and let go."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import structlog
from azure.servicebus import ServiceBusReceivedMessage
from azure.servicebus.aio import ServiceBusReceiver
from azure.servicebus.exceptions import OperationTimeoutError

from backend.bus.azure.handlers import TROUBLE, Background, break_off, shut
from backend.bus.azure.inbox import Held, Inbox
from backend.bus.azure.locks import Renewals
from backend.bus.azure.namespace import Namespace
from backend.bus.azure.receivers import BACKOFF_S, DeadTap, SessionTap, WorkTap
from backend.bus.azure.taps import Arrived, Tap
from backend.contracts.errors import LightningError

log = structlog.get_logger()

ACCEPTING = 4
"""Receivers that wait for any session at once: each opens slowly, and then answers at once."""
ACCEPT_S = 30.0
KEPT_S = 5.0
"""A session without messages is kept that long: the next one is faster, and its state is in memory."""
AHEAD = 64
"""Messages of one stream that wait here."""
DEAD_AHEAD = 16
TEND_S = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Want:
    """Somebody who waits to receive."""

    limit: int
    work: bool


@dataclass(slots=True)
class Limits:
    """`most_streams` are held at once, each with a connection of its own; after `idle_s` without anybody to
    receive, others may have what is not leased; each `look_s` the queues' own dead letters are looked for."""

    idle_s: float
    most_streams: int
    look_s: float


class Reception:
    def __init__(
        self,
        namespace: Namespace,
        inbox: Inbox,
        arrived: Arrived,
        background: Background,
        limits: Limits,
    ) -> None:
        self._namespace = namespace
        self._inbox = inbox
        self._arrived = arrived
        self._background = background
        self._limits = limits
        self._wants: set[Want] = set()
        self._wanted_at = 0.0
        self._sessions: set[SessionTap] = set()
        self._work: WorkTap | None = None
        self._dead: list[DeadTap] = []
        self._accepting: dict[asyncio.Task[None], ServiceBusReceiver] = {}
        self._tending: asyncio.Task[None] | None = None
        self._renewals = Renewals(background, inbox.clock)

    def start(self) -> None:
        self._work = WorkTap(
            self._namespace.worker, self._arrived, self._background, self._wants_work
        )
        self._dead = [self._dead_tap(queue) for queue in self._namespace.queues]
        for tap in self._plain:
            tap.start()
        self._tending = asyncio.create_task(self._tend())

    async def close(self) -> None:
        """Others may receive what was leased when this returns."""
        if self._tending is not None:
            self._tending.cancel()
        taps = [*self._sessions, *self._plain]
        await asyncio.gather(self._stop_accepting(), *map(self._abandon, taps))

    @contextlib.contextmanager
    def wanting(self, want: Want) -> Iterator[None]:
        self._wants.add(want)
        self._look()
        try:
            yield
        finally:
            self._wants.discard(want)
            self._wanted_at = asyncio.get_running_loop().time()

    async def let_go(self) -> None:
        """Let others have whatever is not leased here: nobody waits for it."""
        await self._stop_accepting()
        idle = [tap for tap in self._sessions if not self._in_hand(tap)]
        parts = [self._give_up(tap) for tap in idle]
        parts += [self._rest_plain(tap) for tap in self._plain]
        await asyncio.gather(*parts)

    # --- demand -----------------------------------------------------------------------------------

    def _look(self) -> None:
        """Somebody waits: ask for what they need."""
        if self._work is not None:
            self._work.nudge()
        self._accept_more()

    def _wants_work(self, _: Tap) -> bool:
        wanted = max((want.limit for want in self._wants if want.work), default=0)
        return self._inbox.waiting(work=True) < wanted

    def _wants_dead(self, tap: Tap) -> bool:
        return len(self._inbox.of(tap)) < DEAD_AHEAD

    def _wants_stream(self, tap: Tap) -> bool:
        return len(self._inbox.of(tap)) < AHEAD

    # --- sessions ---------------------------------------------------------------------------------

    def _accept_more(self) -> None:
        room = min(ACCEPTING, self._limits.most_streams - len(self._sessions))
        for _ in range(room - len(self._accepting)):
            receiver = self._namespace.next_session(ACCEPT_S)
            task = self._background.start(self._accept(receiver))
            self._accepting[task] = receiver
            task.add_done_callback(self._accepted)

    def _accepted(self, task: asyncio.Task[None]) -> None:
        del self._accepting[task]
        if self._wants and not task.cancelled():
            self._accept_more()

    async def _accept(self, receiver: ServiceBusReceiver) -> None:
        """Take the next session there is, and wait for one."""
        try:
            await receiver.__aenter__()
        except OperationTimeoutError:
            self._background.start(shut(receiver))
        except (*TROUBLE, TimeoutError) as error:
            log.info("sessions.unreachable", error=type(error).__name__)
            self._background.start(shut(receiver))
            await asyncio.sleep(BACKOFF_S)
        else:
            self._hold(receiver)

    async def _stop_accepting(self) -> None:
        await asyncio.gather(*(break_off(*each) for each in self._accepting.items()))

    def _hold(self, receiver: ServiceBusReceiver) -> None:
        tap = SessionTap(
            receiver,
            self._arrived,
            self._background,
            self._wants_stream,
            self._lost,
            self._inbox.clock,
        )
        self._sessions.add(tap)
        tap.start()

    def _lost(self, tap: Tap) -> None:
        self._inbox.forget(tap)
        self._sessions.discard(tap)
        if self._wants:
            self._accept_more()

    def _in_hand(self, tap: Tap) -> bool:
        """Whether anything of it is leased, or held back."""
        return any(held.token or held.due for held in self._inbox.of(tap))

    async def _give_up(self, tap: SessionTap) -> None:
        self._sessions.discard(tap)
        self._inbox.forget(tap)
        await tap.close()

    # --- without sessions -------------------------------------------------------------------------

    @property
    def _plain(self) -> list[WorkTap]:
        return [*([self._work] if self._work else []), *self._dead]

    def _dead_tap(self, queue: str) -> DeadTap:
        return DeadTap(
            partial(self._namespace.dead_letters, queue),
            self._arrived,
            self._background,
            self._wants_dead,
            lambda: bool(self._wants),
            self._limits.look_s,
        )

    async def _rest_plain(self, tap: WorkTap) -> None:
        waiting = [held for held in self._inbox.of(tap) if not (held.token or held.due)]
        if tap.receiver is None and not waiting:
            return
        for held in waiting:
            self._inbox.drop(held)
        with contextlib.suppress(*TROUBLE, TimeoutError, LightningError):
            await tap.pause(_messages(waiting))

    async def _abandon(self, tap: Tap) -> None:
        held = self._inbox.forget(tap)
        if isinstance(tap, WorkTap):
            await tap.close(_messages(held))
            return
        for each in held:
            if each.token:
                await self._put_back(tap, each)
        await tap.close()

    async def _put_back(self, tap: Tap, held: Held) -> None:
        message = held.message
        assert message is not None
        with contextlib.suppress(*TROUBLE, TimeoutError, LightningError):
            await tap.call(lambda receiver: receiver.abandon_message(message))

    # --- time -------------------------------------------------------------------------------------

    async def _tend(self) -> None:
        while True:
            await asyncio.sleep(TEND_S)
            now = asyncio.get_running_loop().time()
            if self._wants:
                self._accept_more()
                for dead in self._dead:
                    dead.look()
            elif now - self._wanted_at > self._limits.idle_s:
                await self.let_go()
            kept_s = KEPT_S if len(self._sessions) < self._limits.most_streams else TEND_S
            for tap in list(self._sessions):
                if now - tap.quiet_since > kept_s and not self._inbox.of(tap):
                    self._background.start(self._give_up(tap))
                else:
                    self._renewals.session(tap)
            for plain in self._plain:
                for held in self._inbox.of(plain):
                    self._renewals.message(plain, held)


def _messages(held: Sequence[Held]) -> list[ServiceBusReceivedMessage]:
    return [each.message for each in held if each.message is not None]
