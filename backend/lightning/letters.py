"""Dead letters: events that could not be handled, seen and tried again."""

from __future__ import annotations

from collections.abc import Sequence

from backend.contracts.errors import Conflict, NotFound
from backend.contracts.ports import DeadLetter
from backend.contracts.security import Principal
from backend.lightning.parts import Parts

_SEEN = 1000


class DeadLetters(Parts):
    """The verbs of dead letters. A person sees their own; operators see everybody's."""

    async def dead_letters(self, who: Principal) -> Sequence[DeadLetter]:
        """The latest first; of the newest 1,000 of all."""
        everybody = bool(who.roles & {"operator", "admin"})
        letters = await self.bus.dead_letters(_SEEN)
        return [x for x in letters if everybody or x.delivery.event.user_id == who.user_id]

    async def replay(self, who: Principal, event_id: str) -> None:
        """Have a dead letter handled after all. Raises `NotFound` when there is none (any more)."""
        known = {letter.delivery.event.id for letter in await self.dead_letters(who)}
        if event_id not in known or not await self.bus.replay(event_id):
            raise NotFound("There is no such dead letter.")

    async def replay_run(self, who: Principal, run_id: str) -> None:
        """Have everything handled that a run is stuck over, in its order. Raises `Conflict` when
        nothing is left of it to be tried."""
        await self._own(who, "run", run_id)
        stuck = [
            letter.delivery
            for letter in await self.dead_letters(who)
            if letter.delivery.stream == f"run:{run_id}"
        ]
        replayed = [await self.bus.replay(delivery.event.id) for delivery in reversed(stuck)]
        if not any(replayed):
            raise Conflict("Nothing of this run waits to be tried again.", code="EXEC_NOT_STUCK")
