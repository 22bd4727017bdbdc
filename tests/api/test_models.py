"""Which models there are and which one plans, asked over HTTP."""

from __future__ import annotations

import httpx


async def test_the_models_are_listed_with_price_and_ability(ann: httpx.AsyncClient) -> None:
    answer = (await ann.get("/api/models")).json()
    rows = {row["id"]: row for row in answer["models"]}
    assert {row["vendor"] for row in rows.values()} == {"openai", "anthropic"}
    assert all(row["input_usd"] > 0 and row["context"] > 0 for row in rows.values())
    assert answer["used"] == {}
