"""Schedules: listed, paused, resumed, ended."""

from __future__ import annotations

from backend.contracts.schedules import Schedule
from backend.contracts.security import Principal
from backend.lightning.parts import Parts
from backend.lightning.views import schedule


class Schedules(Parts):
    """The verbs of schedules."""

    async def schedules(self, who: Principal) -> list[Schedule]:
        """Those that have not ended, the next due first, then the paused ones."""
        found: list[Schedule] = []
        for status in ("active", "paused"):
            cursor: str | None = None
            while True:
                page = await self.store.list(
                    "schedule",
                    owner=who.user_id,
                    status=status,
                    cursor=cursor,
                    limit=500,
                    newest_first=False,
                )
                found += map(schedule, page.items)
                if (cursor := page.cursor) is None:
                    break
        return found

    async def pause(self, who: Principal, schedule_id: str) -> Schedule:
        return await self._schedule(who, "schedule.pause", schedule_id)

    async def resume(self, who: Principal, schedule_id: str) -> Schedule:
        return await self._schedule(who, "schedule.resume", schedule_id)

    async def delete_schedule(self, who: Principal, schedule_id: str) -> Schedule:
        return await self._schedule(who, "schedule.delete", schedule_id)

    async def _schedule(self, who: Principal, type: str, schedule_id: str) -> Schedule:
        await self._own(who, "schedule", schedule_id)
        await self._command(who, type, {"schedule_id": schedule_id})
        return schedule(await self._own(who, "schedule", schedule_id))
