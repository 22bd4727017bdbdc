"""`python -m benchmarks.planning.scripted`: a scripted model that drafts right plans, and plans with a fault.

What comes of the right draft is the ceiling of the pipeline: each loss is ours. With a fault in it, a model
that mends exactly what it is told shows the repairs, and one that never does shows what is said then.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import structlog

from agents.planner.model import ModelPlanner
from agents.planner.model_drafts import to_draft
from agents.planner.offline import OfflinePlanner
from agents.planner.session import plan_once
from backend.contracts.errors import LightningError
from backend.llm import OpenAILLM
from backend.plans.validation import check
from benchmarks.planning.documents import CATALOGUE
from benchmarks.planning.faults import FAULTS, SPOILT, Draft, faulty
from benchmarks.planning.gold import score
from benchmarks.planning.requests import Written, written
from benchmarks.planning.with_model import asked
from tests.scripted_openai import Answer, ScriptedOpenAI

OUTCOMES = ("right", "asked", "shown", "no answer", "wrong")
SEED = 7
# how long a model is waited for that says nothing
PATIENCE_S = 0.5


@dataclass(frozen=True, slots=True)
class Bench:
    server: ScriptedOpenAI
    planner: ModelPlanner
    own_ms: list[float] = field(default_factory=list)


class Model:
    """Answers with `first`, then mends towards `right` what it is told; a stubborn one says the same."""

    def __init__(self, right: Draft, first: Draft, *, stubborn: bool, spoilt: str = "") -> None:
        self._right = right
        self._first = first
        self._stubborn = stubborn
        self._spoilt = spoilt
        self.calls = 0

    def answer(self, request: dict[str, Any]) -> Answer:
        self.calls += 1
        shape = request["response_format"]["json_schema"]["schema"]["properties"]
        if "remove" in shape:
            return Answer(json.dumps(self._repair(request["messages"][-1]["content"])))
        draft = self._first if self._stubborn or self.calls == 1 else self._right
        text = json.dumps(draft)
        if self._spoilt and (self.calls == 1 or self._stubborn):
            return _spoilt(text, self._spoilt)
        return Answer(text)

    def _repair(self, asked: str) -> dict[str, Any]:
        draft = self._first if self._stubborn else self._right
        told = {step["name"] for step in json.loads(asked.split("\n")[1])}
        known = {step["name"] for step in self._right["steps"]}
        names = told | known if not told & known else told
        remove = [] if self._stubborn else sorted(told - known)
        steps = [step for step in draft["steps"] if step["name"] in names]
        return {"steps": steps, "remove": remove, "when": draft["when"]}


def _spoilt(text: str, how: str) -> Answer:
    if how == "JSON truncated":
        return Answer(text[: len(text) // 2], finish="length")
    if how == "prose around the JSON":
        return Answer(
            f"Sure! Here is the plan you asked for:\n```json\n{text}\n```\nAnything else?"
        )
    if how == "slow once":
        return Answer(pause=True)
    status = int(how.split()[0])
    return Answer(status=status, error={"message": how}, headers={"retry-after-ms": "1"})


async def right_draft(rules: OfflinePlanner, row: Written) -> Draft | None:
    """The draft that stands for what must come of a row: written by the planner without a model, and
    taken where the row's own expectation finds it right. None where it is not."""
    request = asked(row)
    answer = await rules.plan(request)
    more = {"left": list(answer.not_covered), "choices": list(answer.choices)}
    if answer.kind != "plan":
        right = score(row, answer, None, None).right
        draft = {
            "steps": [],
            "when": "",
            "kind": answer.kind,
            "say": answer.text or "Well.",
            **more,
        }
        return draft if right else None
    checked = check(answer.document, CATALOGUE, now=row.now, timezone=row.zone)
    if not score(row, answer, True, checked).right or answer.document is None:
        return None
    kind = "revision" if answer.revises else "plan"
    return {**to_draft(answer.document, request), "kind": kind, "say": "", **more, "choices": []}


async def outcome(bench: Bench, row: Written) -> tuple[str, bool, str]:
    """One of OUTCOMES, whether the plan is valid, and what came."""
    began = time.perf_counter()
    try:
        found = await plan_once(bench.planner, asked(row))
    except LightningError as error:
        return "no answer", False, error.code
    took_ms = (time.perf_counter() - began) * 1000
    bench.own_ms.append(took_ms - found.answer.usage.get("model_ms", 0.0))
    scored = score(row, found.answer, not found.repairs, found.checked)
    told = json.dumps(found.answer.document) if found.answer.document else found.answer.text
    if scored.right:
        return "right", True, ""
    if found.answer.kind != "plan":
        return "asked", False, told
    warned = found.checked is not None and any(
        issue.severity == "error" or issue.code == "PLAN_NOT_COVERED"
        for issue in found.checked.issues
    )
    said = warned or found.answer.not_covered or "without the model" in found.answer.text
    return "shown" if said else "wrong", bool(scored.valid), told


async def main() -> None:
    options = _options()
    logging.disable(logging.ERROR)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    rules, rows = OfflinePlanner(), written("dev")
    drafts = [(row, draft) for row in rows if (draft := await right_draft(rules, row))]
    with ScriptedOpenAI() as server:
        llm = OpenAILLM("gpt-4.1", api_key=server.key, base_url=server.url, retries=2)
        bench = Bench(server, ModelPlanner(llm, rules=rules))
        print(f"{len(drafts)} of {len(rows)} rows have a right draft\n\n{_head()}")
        await _line(bench, "the right draft", drafts, drafts, options)
        bench.own_ms.sort()
        shares = [bench.own_ms[len(bench.own_ms) * part // 100] for part in (50, 95)]
        print(f"our share of the time: p50 {shares[0]:.0f} ms, p95 {shares[1]:.0f} ms")
        plans = [(row, draft) for row, draft in drafts if draft["steps"]]
        for name in [name for name in FAULTS if options.fault in name]:
            spoilt = [(row, faulty(name, draft, f"{SEED} {row.id}")) for row, draft in plans]
            pairs = [(p, (s[0], s[1])) for p, s in zip(plans, spoilt, strict=True) if s[1]]
            await _line(bench, name, [p for p, _ in pairs], [s for _, s in pairs], options)
        hurried = OpenAILLM(
            "gpt-4.1", api_key=server.key, base_url=server.url, retries=2, timeout_s=PATIENCE_S
        )
        for how in [how for how in SPOILT if options.fault in how]:
            chosen = Bench(server, ModelPlanner(hurried, rules=rules)) if "slow" in how else bench
            await _line(chosen, how, plans, plans, options, how)
        await hurried.aclose()


async def _line(
    bench: Bench,
    name: str,
    right: Sequence[tuple[Written, Draft]],
    first: Sequence[tuple[Written, Any]],
    options: argparse.Namespace,
    spoilt: str = "",
) -> None:
    cells = []
    for stubborn in (False, True):
        counted, valid = Counter[str](), 0
        for (row, draft), (_, faulted) in zip(right, first, strict=True):
            model = Model(draft, faulted, stubborn=stubborn, spoilt=spoilt)
            bench.server.rules[:] = [model.answer]
            how, ok, told = await outcome(bench, row)
            counted[how] += 1
            valid += ok
            if options.failures and how != "right" and (not stubborn or how == "wrong"):
                print(
                    f"    {row.id} {'stubborn ' * stubborn}{how}: {row.request[:90]} => {told[:700]}"
                )
        cells.append(f"{valid:4}" + "".join(f"{counted[each]:10}" for each in OUTCOMES))
        if name == "the right draft":
            break
    print(f"{name:<26}{len(right):4} |{' |'.join(cells)}", flush=True)


def _head() -> str:
    columns = "valid" + "".join(f"{each:>10}" for each in OUTCOMES)
    return f"{'':<26}   n | {columns} | stubborn: {columns}"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fault", default="", help="only the faults with this in their name")
    parser.add_argument("--failures", action="store_true", help="what was not right")
    return parser.parse_args()


if __name__ == "__main__":
    asyncio.run(main())
