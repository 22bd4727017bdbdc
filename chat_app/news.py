"""Which threads have news: what their runs did since the person last looked."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from backend.contracts.ports import Document, Store

NEWS_MARK = "\N{BLACK CIRCLE} "  # a name is all that Chainlit's list of threads shows
RUNS_READ = 100


class News:
    """Reads the newest runs once for a whole list of threads."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def unread(self, owner: str, threads: Sequence[Document]) -> frozenset[str]:
        """Ids of the threads nobody looks at in which a run ended or asks since somebody did."""
        left = {t.id: seen for t in threads if (seen := (t.body or {}).get("seen"))}
        if not left:
            return frozenset()
        page = await self._store.list("run", owner=owner, limit=RUNS_READ)
        unread = set()
        for document in page.items:
            run = document.body or {}
            thread_id = run.get("thread_id")
            if thread_id not in left:
                continue
            at = run.get("ended_at") or (
                run["started_at"] if run.get("status") == "waiting" else ""
            )
            if at and datetime.fromisoformat(at) > datetime.fromisoformat(left[thread_id]):
                unread.add(thread_id)
        return frozenset(unread)
