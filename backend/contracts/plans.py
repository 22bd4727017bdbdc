"""The plan document (what people and models write) and its IR (what is hashed, approved and run)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from backend.contracts.errors import Issue
from backend.contracts.security import Verdict
from backend.contracts.tools import ToolSpec

RESERVED_STEP_NAMES = frozenset({"inputs", "event", "run", "item", "index", "step"})
RESERVED_ACTION = "error"
SAVED_PREFIX = "plan."  # of the tools that are saved plans
DEFAULT_MAX_ITERATIONS = 100
MAX_STEPS = 2_000

Name = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_-]{0,63}$")]
EventName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_.-]{0,127}$")]
Join = Literal["all", "any"]
OnError = Literal["fail", "continue", "route"]
GraphType = Literal["acyclic", "reactive"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


# --- triggers -------------------------------------------------------------------------------------


class ManualTrigger(_Strict):
    name: EventName
    kind: Literal["manual"]


class CronTrigger(_Strict):
    """croniter's five fields, with `#` and `L`. `only_if` is an expression over the due date
    (`due.day`, `due.month`, `due.year`, `due.weekday` with Monday 0, `due.days_in_month`,
    `due.last_workday`, `due.workday` and `due.workdays` of the month, `due.date` as ISO text,
    `due.day_count`, `due.week_count`)."""

    name: EventName
    kind: Literal["cron"]
    schedule: str | None = Field(default=None, max_length=200)
    schedules: list[Annotated[str, Field(max_length=200)]] | None = Field(
        default=None, max_length=20
    )
    timezone: str | None = Field(default=None, max_length=64)
    only_if: str | None = Field(default=None, max_length=1000)


class IntervalTrigger(_Strict):
    name: EventName
    kind: Literal["interval"]
    every_s: int = Field(ge=1, le=366 * 86_400)
    anchor: datetime | None = None


class AtTrigger(_Strict):
    name: EventName
    kind: Literal["at"]
    timestamp: datetime
    timezone: str | None = Field(default=None, max_length=64)


class WebhookTrigger(_Strict):
    name: EventName
    kind: Literal["webhook"]
    secret: str | None = Field(default=None, max_length=200)
    filter: str | None = Field(default=None, max_length=1000)


class EventTrigger(_Strict):
    """`type` is an event type or a pattern with `*` ("email.*")."""

    name: EventName
    kind: Literal["event"]
    type: str = Field(max_length=128)
    filter: str | None = Field(default=None, max_length=1000)


Trigger = Annotated[
    ManualTrigger | CronTrigger | IntervalTrigger | AtTrigger | WebhookTrigger | EventTrigger,
    Field(discriminator="kind"),
]
TIMED_KINDS = frozenset({"cron", "interval", "at"})

# --- document -------------------------------------------------------------------------------------


class Input(_Strict):
    """A value a run is started with; without a default it must be given."""

    type: Literal["string", "number", "integer", "boolean", "array", "object"] = "string"
    format: str | None = Field(default=None, max_length=40)
    description: str = Field(default="", max_length=500)
    default: Any = None
    enum: list[Any] | None = Field(default=None, max_length=100)


class Retry(_Strict):
    """`max_attempts` counts the first; delays double from `delay_s` up to `max_delay_s`."""

    max_attempts: int = Field(default=3, ge=1, le=20)
    delay_s: float = Field(default=1.0, ge=0, le=3600)
    max_delay_s: float = Field(default=60.0, ge=0, le=86_400)


class Step(_Strict):
    """One tool call. `action` is the tool's id; None in `join`, `retry` … means the default of D3."""

    name: Name
    on: list[EventName] = Field(min_length=1, max_length=200)
    action: str = Field(min_length=1, max_length=128)
    args: dict[str, Any] = Field(default_factory=dict)
    description: str = Field(default="", max_length=200)
    join: Join | None = None
    guard: str | None = Field(default=None, max_length=1000)
    emits: list[EventName] = Field(default_factory=list, max_length=20)
    for_each: str | None = Field(default=None, max_length=500)
    max_parallel: int | None = Field(default=None, ge=1, le=1000)
    retry: Retry | None = None
    timeout_s: float | None = Field(default=None, gt=0, le=86_400)
    on_error: OnError | None = None
    approval: Literal["required"] | None = None


class PlanDocument(_Strict):
    schema_version: Literal[1] = 1
    plan_name: str = Field(min_length=1, max_length=120)
    description: str = Field(default="", max_length=1000)
    graph_type: GraphType = "acyclic"
    max_iterations: int | None = Field(default=None, ge=1, le=100_000)
    inputs: dict[Name, Input] = Field(default_factory=dict)
    events: list[Trigger] = Field(default_factory=list, max_length=50)
    steps: list[Step] = Field(min_length=1, max_length=MAX_STEPS)


# --- IR -------------------------------------------------------------------------------------------


class Node(_Strict):
    id: Name
    tool: str
    version: str | None = None
    params: dict[str, Any] = Field(default_factory=dict)
    guard: str | None = None
    join: Join | None = None
    emits: list[EventName] = Field(default_factory=list)
    for_each: str | None = None
    max_parallel: int | None = None
    retry: Retry | None = None
    timeout_s: float | None = None
    on_error: OnError | None = None
    approval: Literal["required"] | None = None


class Edge(_Strict):
    """`source` is a trigger's name or a node's id. `action` None means any default outcome, a name
    means that action of the tool, "error" its final failure. `event` is set where the document
    listened to an emitted name of the source's."""

    source: EventName = Field(alias="from")
    to: Name
    action: str | None = None
    event: EventName | None = None


class DataMapping(_Strict):
    """`param` of node `to` is fed from `output` of node `source`, under another name."""

    source: Name = Field(alias="from")
    output: str
    to: Name
    param: str


class IR(_Strict):
    """What is approved. `ir_hash` covers everything but `metadata` (names and words)."""

    metadata: dict[str, Any] = Field(default_factory=dict)
    graph_type: GraphType = "acyclic"
    max_iterations: int | None = None
    inputs: dict[Name, Input] = Field(default_factory=dict)
    triggers: list[Trigger] = Field(default_factory=list)
    nodes: list[Node]
    edges: list[Edge] = Field(default_factory=list)
    mappings: list[DataMapping] = Field(default_factory=list)
    shared_store_schema: dict[str, Any] = Field(default_factory=dict)


# --- what validation looks at ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The tools a person may use: the registry's, and their saved plans. `missing` names, per tool, the
    settings without which it cannot work; `verdicts`, per tool, what policy says of it other than
    allow. `hash` changes when any tool's contract changes; an approval is bound to it."""

    tools: Mapping[str, ToolSpec]
    missing: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    verdicts: Mapping[str, Verdict] = field(default_factory=dict)
    hash: str = ""


@dataclass(frozen=True, slots=True)
class Checked:
    """A document after validation: `ir` and `ir_hash` are there unless its shape is broken."""

    issues: tuple[Issue, ...]
    document: PlanDocument | None = None
    ir: IR | None = None
    ir_hash: str = ""

    @property
    def ok(self) -> bool:
        return self.ir is not None and not any(i.severity == "error" for i in self.issues)


PlanStatus = Literal[
    "proposed", "approved", "scheduled", "rejected", "superseded", "archived", "ended"
]


Trust = Literal["trusted", "mixed", "untrusted"]


@dataclass(frozen=True, slots=True)
class Revision:
    """A stored revision of a plan. `origin`: who wrote it; `provenance` how it came about."""

    plan_id: str
    number: int
    ir_hash: str
    catalogue_hash: str
    document: PlanDocument
    ir: IR
    issues: tuple[Issue, ...] = ()
    origin: Literal["planner", "edited", "hand"] = "hand"
    request: str = ""
    created_at: datetime | None = None
    provenance: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SavedPlan:
    """A plan under a name of its owner's: the tool `plan.<slug>` runs exactly this revision. `request`
    is what it was made from, in the person's words."""

    slug: str
    name: str
    plan_id: str
    revision: int
    ir_hash: str
    document: PlanDocument
    request: str = ""
    saved_at: datetime | None = None

    @property
    def tool(self) -> str:
        return f"{SAVED_PREFIX}{self.slug}"


@dataclass(frozen=True, slots=True)
class Template:
    """A shipped plan to start from. `example` is how a person may ask for it."""

    slug: str
    name: str
    description: str
    document: PlanDocument
    example: str = ""
