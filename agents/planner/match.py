"""That a request means a saved plan, and what it says of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from agents.planner.times import Refused, When


@dataclass(frozen=True, slots=True)
class Match:
    """`mode`: the request is this saved plan ("exact"), or this plan is one part of it ("reuse").

    `inputs` are the values said for its inputs. For "exact", `when` is the time said, or why it is no
    exact one; None where none was said, and then `lasting` says that the plan's own time is meant,
    rather than now; `rest` are the words that say nothing the plan knows. For "reuse", `rest` is
    the request without the words for this plan: all that is still to be planned, its time too.
    """

    mode: Literal["exact", "reuse"]
    tool: str
    confidence: float
    reason: str
    inputs: Mapping[str, Any] = field(default_factory=dict)
    when: When | Refused | None = None
    lasting: bool = False
    rest: str = ""
