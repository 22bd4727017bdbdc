"""What is shown while a message is answered: the stages of planning, then the words as they come."""

from __future__ import annotations

import uuid

from agents.conversation import Stage
from chat_app.results import cut
from chat_app.rooms import Room, derived

STAGES = {
    "converse": "Read what you said",
    "discover": "Looked for tools",
    "select": "Chose among them",
    "draft": "Wrote the plan",
    "validate": "Checked it",
    "propose": "Kept it for you",
}


class Progress:
    """One step in the thread, collapsed, and one message that grows."""

    def __init__(self, room: Room, turn_id: str) -> None:
        self.message_id = derived("reply", turn_id)
        self._room = room
        self._step_id = str(uuid.uuid4())
        self._at = room.step("")["createdAt"]
        self._stages: list[Stage] = []
        self._now = ""
        self._streaming = False

    async def stage(self, stage: Stage) -> None:
        if stage.status == "running":
            self._now = stage.name
        else:
            self._now = ""
            self._stages.append(stage)
        first = not self._stages and stage.status == "running"
        await self._room.emit("new_message" if first else "update_message", self._step(True))

    async def token(self, token: str) -> None:
        if not self._streaming:
            self._streaming = True
            step = self._room.step(token, id=self.message_id, streaming=True)
            await self._room.emit("stream_start", step)
            return
        news = {"id": self.message_id, "token": token, "isSequence": False, "isInput": False}
        await self._room.emit("stream_token", news)

    async def end(self, keep: bool) -> None:
        """Planning leaves a folded line behind, plain talk nothing."""
        if not self._stages:
            return
        if keep:
            step = self._step(False)
            await self._room.keep(step)
            await self._room.emit("update_message", step)
        else:
            await self.drop()

    async def take_back(self) -> None:
        """Words that have come are said in another message."""
        if self._streaming:
            await self._room.emit("delete_message", self._room.step("", id=self.message_id))

    async def drop(self) -> None:
        if self._stages or self._now:
            await self._room.emit("delete_message", self._step(False))

    def _step(self, running: bool) -> dict[str, object]:
        lines = [f"- {_words(s.name)} · {_time(s.duration_ms)}{_detail(s)}" for s in self._stages]
        if self._now:
            lines.append(f"- {_words(self._now)} …")
        total = sum(s.duration_ms for s in self._stages)
        return self._room.step(
            "\n".join(lines),
            id=self._step_id,
            at=self._at,
            name="Planning" if running else f"Planned in {_time(total)}{self._ours(total)}",
            type="tool",
            end=None if running else self._at,
            showInput=False,
            defaultOpen=False,
        )

    def _ours(self, total: float) -> str:
        """What of it was not the model's."""
        waited = sum(s.model_ms for s in self._stages)
        return f", {_time(max(0.0, total - waited))} of it ours" if waited else ""


def _words(name: str) -> str:
    if name.startswith("repair"):
        return f"Repaired it ({name.removeprefix('repair').strip().replace('/', ' of ')})"
    return STAGES.get(name, name)


def _time(milliseconds: float) -> str:
    return f"{milliseconds:.0f} ms" if milliseconds < 1000 else f"{milliseconds / 1000:.1f} s"


def _detail(stage: Stage) -> str:
    return f" · {cut(stage.detail, 120)}" if stage.detail else ""
