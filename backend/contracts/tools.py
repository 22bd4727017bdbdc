"""What a step can call, how it is called, what comes back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

ToolType = Literal["native", "function", "agent", "mcp", "http", "plan"]
# pure: no effect, may be repeated and cached · idempotent: an effect, but repeating it with the same
# key changes nothing more · effect: repeating it acts twice
Purity = Literal["pure", "idempotent", "effect"]
JsonSchema = dict[str, Any]
# What only predicts or describes: a change here asks nobody to approve again.
DESCRIPTIVE = {"cost_usd", "duration_s", "examples"}


class ToolSpec(BaseModel):
    """A tool's contract. `inputs` and `outputs` are JSON Schemas of objects.

    `effects` say, in words for a person and in the singular, what one call does to their things
    ("sends 1 mail"); `{arg}` is replaced by an argument. `cost_usd` and `duration_s` are typical
    figures for a prediction. `requires` names settings without which it cannot work. A saved plan
    (type "plan") has `config` {"plan_id", "document"}.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(pattern=r"^[^\s\x00-\x1f]{1,128}$")
    name: str
    description: str
    version: str = "1"
    type: ToolType = "native"
    inputs: JsonSchema = Field(default_factory=lambda: {"type": "object", "properties": {}})
    outputs: JsonSchema = Field(default_factory=lambda: {"type": "object", "properties": {}})
    actions: tuple[str, ...] = ()
    purity: Purity = "effect"
    effects: tuple[str, ...] = ()
    produces: tuple[str, ...] = ()
    capabilities: tuple[str, ...] = ()
    config: dict[str, Any] = Field(default_factory=dict)
    requires: tuple[str, ...] = ()
    cost_usd: float = 0.0
    duration_s: float = 1.0
    timeout_s: float = 60.0
    undo: str | None = None
    examples: tuple[str, ...] = ()

    @property
    def closed(self) -> bool:
        """Whether it takes no arguments but those that its inputs name."""
        more = self.inputs.get("additionalProperties", not self.inputs.get("properties"))
        return not more and not self.inputs.get("patternProperties")


@dataclass(frozen=True, slots=True)
class ToolCall:
    """`key` identifies this piece of work across crashes and retries: run, step, iteration, item. `asked_at`
    is when the step was asked for, the same at every delivery; aware, in UTC."""

    tool: str
    args: Mapping[str, Any]
    user_id: str
    key: str
    run_id: str = ""
    step: str = ""
    attempt: int = 1
    thread_id: str | None = None
    asked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ToolResult:
    """`action` is the named outcome taken. `note` is said to the person as is ("extractive, no
    model"). `question` makes the step wait for a person's answer. `messages` go to the thread."""

    output: Mapping[str, Any] = field(default_factory=dict)
    action: str = "default"
    note: str = ""
    cost_usd: float = 0.0
    question: Mapping[str, Any] | None = None
    messages: tuple[str, ...] = ()
