"""Chainlit's data layer over the Store: threads, messages, cards. Everything is its owner's alone."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from chainlit.context import ChainlitContextException, get_context
from chainlit.data.base import BaseDataLayer
from chainlit.types import (
    Feedback,
    PageInfo,
    PaginatedResponse,
    Pagination,
    ThreadDict,
    ThreadFilter,
)
from chainlit.user import PersistedUser, User

from agents.checkpoints import CHECKPOINT, WRITE
from agents.turns import LEASE, TURN
from backend.contracts.errors import Conflict, Forbidden, Invalid, NotFound
from backend.contracts.ports import Document, Store
from chat_app.news import NEWS_MARK, News
from chat_app.results import cut
from chat_app.words import sentence

THREAD, STEP, ELEMENT, FEEDBACK = "chat.thread", "chat.step", "chat.element", "chat.feedback"
# What goes with a thread; what was said there is in the agent's own documents too.
CHILDREN = (STEP, ELEMENT, FEEDBACK, TURN, WRITE, CHECKPOINT, LEASE)
MAX_TEXT = 20_000
MAX_NAME = 80
MAX_METADATA = 16_000
PAGE = 200
ADDRESS = re.compile(r"https?://(?:www\.)?([^/\s?#]+)[^\s,;]*")

# Who the request in hand is from, where Chainlit has no session to say it: set by chat_app.auth.
caller: ContextVar[str] = ContextVar("caller", default="")


def stamp(moment: datetime) -> str:
    """As Chainlit writes times, and so that they sort."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def checked_id(value: Any) -> str:
    """A UUID as text. Ids come from the browser, and end up in keys and paths."""
    try:
        return str(uuid.UUID(value))
    except (ValueError, AttributeError, TypeError):
        raise Invalid("That is not an id of ours.", code="EXEC_ID_INVALID") from None


def named(text: str) -> str:
    """A thread's name until a plan names it: what was said, with addresses as their hosts."""
    plain = " ".join(ADDRESS.sub(r"\1", text[: MAX_NAME * 20]).split())
    return cut(sentence(plain[1:]) if plain.startswith("/") else plain, MAX_NAME)


def signed_in() -> str:
    """The user id this call is for. Raises `Forbidden` when nobody is."""
    try:
        user = get_context().session.user
    except ChainlitContextException:
        user = None
    owner = user.identifier if user else caller.get()
    if not owner:
        raise Forbidden("Nobody is signed in.")
    return owner


class Threads(BaseDataLayer):  # type: ignore[misc, unused-ignore]
    """Documents: `chat.thread` with its cursor into the log; steps, elements, feedback below it.

    Cards are written by the server alone: what a browser sends as an element is refused.
    """

    def __init__(self, store: Store, now: Callable[[], datetime]) -> None:
        self._store = store
        self._now = now
        self._news = News(store)

    # --- for the server -------------------------------------------------------------------------------

    async def open(self, owner: str, thread_id: str, name: str = "") -> dict[str, Any]:
        """The thread's body; made when it is new. Raises `NotFound` for another owner's."""
        thread_id = checked_id(thread_id)
        found = await self._store.get(THREAD, thread_id, owner)
        if found is not None:
            return dict(found.body or {})
        now = stamp(self._now())
        body = {"name": named(name), "createdAt": now, "metadata": {}}
        try:
            await self._store.put(Document(THREAD, thread_id, owner, body, sort=now), create=True)
        except Conflict:
            found = await self._store.get(THREAD, thread_id, owner)
            if found is None:
                raise NotFound("There is no such thread.") from None
            return dict(found.body or {})
        return body

    async def owner(self, thread_id: str) -> str | None:
        """Whose thread it is, whoever asks. For the door only."""
        found = await self._store.get(THREAD, checked_id(thread_id), None)
        return found.owner if found else None

    async def newest(self, owner: str) -> str | None:
        """The thread that somebody wrote into last."""
        page = await self._store.list(THREAD, owner=owner, limit=1)
        return page.items[0].id if page.items else None

    async def note(self, owner: str, thread_id: str, touch: bool = False, **fields: Any) -> None:
        """Set fields of a thread that exists; `touch` moves it to the top of the list."""
        while True:
            found = await self._store.get(THREAD, thread_id, owner)
            if found is None:
                return
            sort = stamp(self._now()) if touch else found.sort
            try:
                await self._store.put(
                    replace(found, body={**(found.body or {}), **fields}, sort=sort)
                )
            except Conflict:
                continue
            return

    async def save_step(
        self, owner: str, step: Mapping[str, Any], *, create: bool = False
    ) -> Document:
        """With `create` raises `Conflict` when it is there already, whoever wrote it."""
        return await self._save(STEP, owner, step, str(step["createdAt"]), create=create)

    async def save_element(self, owner: str, element: Mapping[str, Any], sort: str) -> Document:
        return await self._save(ELEMENT, owner, element, sort)

    async def step(self, owner: str, step_id: str) -> dict[str, Any] | None:
        found = await self._store.get(STEP, checked_id(step_id), owner)
        return dict(found.body or {}) if found else None

    async def steps(self, owner: str, thread_id: str) -> list[Document]:
        return await self._below(STEP, owner, thread_id)

    async def remove_step(self, owner: str, step_id: str) -> None:
        await self._store.delete(STEP, checked_id(step_id), owner)

    async def remove_element(self, owner: str, element_id: str) -> None:
        await self._store.delete(ELEMENT, checked_id(element_id), owner)

    async def elements(self, owner: str, thread_id: str) -> list[Document]:
        return await self._below(ELEMENT, owner, thread_id)

    async def _save(
        self, kind: str, owner: str, body: Mapping[str, Any], sort: str, *, create: bool = False
    ) -> Document:
        thread_id, id = checked_id(body["threadId"]), checked_id(body["id"])
        if (await self._store.get(THREAD, thread_id, owner)) is None:
            raise NotFound("There is no such thread.")
        found = await self._store.get(kind, id, owner)
        if found is not None and found.parent != thread_id:
            raise NotFound("There is no such thread.")
        kept = found.sort if found else sort
        return await self._store.put(
            Document(kind, id, owner, dict(body), parent=thread_id, sort=kept), create=create
        )

    async def _below(self, kind: str, owner: str, thread_id: str) -> list[Document]:
        documents: list[Document] = []
        cursor: str | None = None
        while True:
            page = await self._store.list(
                kind, owner=owner, parent=thread_id, cursor=cursor, limit=PAGE, newest_first=False
            )
            documents += page.items
            cursor = page.cursor
            if cursor is None:
                return documents

    # --- for Chainlit ---------------------------------------------------------------------------------

    async def get_user(self, identifier: str) -> PersistedUser | None:
        found = await self._store.get("user", identifier, None)
        if found is None or found.body is None:
            return None
        return PersistedUser(
            id=found.id,
            identifier=found.id,
            display_name=str(found.body.get("name") or found.id),
            createdAt=str(found.body.get("created_at", "")),
        )

    async def create_user(self, user: User) -> PersistedUser | None:
        """Never makes one: users are registered, not guessed from a token."""
        return await self.get_user(user.identifier)

    async def get_thread_author(self, thread_id: str) -> str:
        found = await self._mine(thread_id)
        return found.owner if found else ""

    async def get_thread(self, thread_id: str) -> ThreadDict | None:
        found = await self._mine(thread_id)
        if found is None:
            return None
        steps = await self._below(STEP, found.owner, found.id)
        elements = await self._below(ELEMENT, found.owner, found.id)
        thread = _thread(found)
        thread["steps"] = [dict(s.body or {}) for s in steps]  # type: ignore[misc]
        thread["elements"] = [dict(e.body or {}) for e in elements]  # type: ignore[misc]
        return thread

    async def list_threads(
        self, pagination: Pagination, filters: ThreadFilter
    ) -> PaginatedResponse[ThreadDict]:
        owner = signed_in()
        limit = max(1, min(pagination.first, 50))
        cursor: str | None = None
        if filters.search:
            found = await self._store.search(
                THREAD, cut(filters.search, 200), owner=owner, limit=limit
            )
        else:
            page = await self._store.list(
                THREAD, owner=owner, cursor=pagination.cursor, limit=limit
            )
            found, cursor = page.items, page.cursor
        unread = await self._news.unread(owner, found)
        return PaginatedResponse(
            PageInfo(cursor is not None, None if filters.search else pagination.cursor, cursor),
            [_thread(d, news=d.id in unread) for d in found],
        )

    async def update_thread(
        self,
        thread_id: str,
        name: str | None = None,
        user_id: str | None = None,
        metadata: dict[str, Any] | None = None,
        tags: list[str] | None = None,
    ) -> None:
        """A name with `user_id` is Chainlit's for a new thread, without it the person's own choice."""
        owner, thread_id = signed_in(), checked_id(thread_id)
        if name is not None and user_id is not None:
            await self.open(owner, thread_id, name)
        elif name is not None:
            own = cut(name.removeprefix(NEWS_MARK).strip(), MAX_NAME)
            await self.note(owner, thread_id, name=own, named=True)
        found = await self._store.get(THREAD, thread_id, owner)
        if metadata is None or found is None:
            return
        merged = {**(found.body or {}).get("metadata", {}), **metadata}
        merged = {k: v for k, v in merged.items() if v is not None}
        if len(json.dumps(merged, default=str)) <= MAX_METADATA:
            await self.note(owner, thread_id, metadata=merged)

    async def delete_thread(self, thread_id: str) -> None:
        found = await self._mine(thread_id)
        if found is None:
            return
        for kind in CHILDREN:
            for document in await self._below(kind, found.owner, found.id):
                await self._store.delete(kind, document.id, found.owner)
        await self._store.delete(THREAD, found.id, found.owner)

    async def create_step(self, step_dict: Mapping[str, Any]) -> None:
        """Keeps messages. Chainlit's bookkeeping of its own calls is not worth keeping."""
        if "message" not in str(step_dict.get("type")):
            return
        owner = signed_in()
        text = str(step_dict.get("output", ""))
        if step_dict.get("type") == "user_message":
            await self.open(owner, str(step_dict["threadId"]), text)
        await self.save_step(owner, {**step_dict, "output": cut(text, MAX_TEXT), "metadata": {}})

    async def update_step(self, step_dict: Mapping[str, Any]) -> None:
        owner = signed_in()
        if await self._store.get(STEP, checked_id(step_dict.get("id")), owner) is not None:
            await self.create_step(step_dict)

    async def delete_step(self, step_id: str) -> None:
        await self.remove_step(signed_in(), step_id)

    async def create_element(self, element: Any) -> None:
        raise Forbidden("Only the server writes cards.", code="EXEC_ELEMENT_REFUSED")

    async def delete_element(self, element_id: str, thread_id: str | None = None) -> None:
        raise Forbidden("Only the server writes cards.", code="EXEC_ELEMENT_REFUSED")

    async def get_element(self, thread_id: str, element_id: str) -> Any:
        thread_id = checked_id(thread_id)
        found = await self._store.get(ELEMENT, checked_id(element_id), signed_in())
        if found is None or found.parent != thread_id:
            return None
        return dict(found.body or {})

    async def upsert_feedback(self, feedback: Feedback) -> str:
        owner, step_id = signed_in(), checked_id(feedback.forId)
        step = await self._store.get(STEP, step_id, owner)
        if step is None:
            raise NotFound("There is no such message.")
        body = {"value": int(feedback.value), "comment": cut(feedback.comment or "", 2_000)}
        await self._store.put(Document(FEEDBACK, step_id, owner, body, parent=step.parent))
        return step_id

    async def delete_feedback(self, feedback_id: str) -> bool:
        return await self._store.delete(FEEDBACK, checked_id(feedback_id), signed_in())

    async def get_favorite_steps(self, user_id: str) -> list[Any]:
        return []

    async def build_debug_url(self) -> str:
        return ""

    async def close(self) -> None:
        """The store is not ours to close."""

    async def _mine(self, thread_id: str) -> Document | None:
        try:
            return await self._store.get(THREAD, checked_id(thread_id), signed_in())
        except Invalid:
            return None


def _thread(document: Document, *, news: bool = False) -> ThreadDict:
    body = document.body or {}
    name = str(body.get("name") or "New thread")
    return ThreadDict(
        id=document.id,
        createdAt=document.sort or str(body.get("createdAt", "")),
        name=f"{NEWS_MARK}{name}" if news else name,
        userId=document.owner,
        userIdentifier=document.owner,
        tags=[],
        metadata=dict(body.get("metadata") or {}),
        steps=[],
        elements=[],
    )
