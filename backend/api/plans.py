"""/api/plans: from words or a document to an approved plan."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field, model_validator

from backend.api.auth import Caller, Door
from backend.api.body import StrictRoute
from backend.api.paging import Cursor, Limit, Paged
from backend.contracts.errors import Issue, NotFound, Unavailable
from backend.contracts.plans import Trust
from backend.contracts.ports import PlanAnswer, Planner
from backend.contracts.views import PlanView

router = APIRouter(prefix="/plans", tags=["plans"], route_class=StrictRoute)

MAX_PROMPT = 10_000
IdempotencyKey = Annotated[
    str | None,
    Header(max_length=200, description="The same key proposes once, however often it is sent."),
]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class NewPlan(_Body):
    """Either words or a document. `timezone` is the IANA zone its times are meant in."""

    prompt: str | None = Field(default=None, min_length=1, max_length=MAX_PROMPT)
    document: dict[str, Any] | None = None
    timezone: str | None = Field(default=None, max_length=64)

    @model_validator(mode="after")
    def _one_of_two(self) -> NewPlan:
        if (self.prompt is None) == (self.document is None):
            raise ValueError("give either prompt or document")
        return self


class Approval(_Body):
    """`ir_hash` is what was looked at; `catalogue_hash` may say with which tools."""

    ir_hash: str = Field(max_length=128)
    catalogue_hash: str | None = Field(default=None, max_length=128)
    inputs: dict[str, Any] = Field(default_factory=dict)


class Rejection(_Body):
    reason: str = Field(default="", max_length=1000)


class Start(_Body):
    inputs: dict[str, Any] = Field(default_factory=dict)


class Started(BaseModel):
    run_id: str


class InWords(BaseModel):
    """What the planner said instead of a plan; `choices` may be sent as the next prompt."""

    kind: Literal["question", "refusal", "talk", "manage"]
    text: str
    choices: list[str] = []


class ToolVersion(BaseModel):
    """`contract` is the sha256 of all that the tool promises."""

    version: str
    contract: str


class Lockfile(BaseModel):
    """`signature` is this instance's, over everything else in canonical JSON (RFC 8785)."""

    ir_hash: str
    tool_versions: dict[str, ToolVersion]
    created_by: str
    created_at: str
    origin: Literal["planner", "edited", "hand"]
    trust: Trust
    planning_id: str
    signature: str


class Validity(BaseModel):
    ok: bool
    ir_hash: str
    issues: list[Issue]


@router.post(
    "",
    status_code=201,
    responses={
        200: {"model": InWords, "description": "No plan: a question, a refusal, or talk."},
        201: {"model": PlanView, "description": "The proposal, with its issues."},
    },
    response_model=None,
)
async def propose(
    request: Request,
    response: Response,
    door: Door,
    who: Caller,
    body: NewPlan,
    idempotency_key: IdempotencyKey = None,
) -> PlanView | InWords:
    """Propose a plan, from words or as a document. Nothing runs before it is approved.

    201 is a plan that waits for approval; it may have issues of severity `error`, which must be
    mended first. 200 is an answer in words: the planner asks, or will not.
    """
    if body.prompt is None:
        view = await door.propose(
            who, body.document or {}, timezone=body.timezone, proposal_id=idempotency_key
        )
    else:
        found = await door.propose_words(
            who, _planner(request), body.prompt, body.timezone, idempotency_key
        )
        if isinstance(found, PlanAnswer):
            kind = "refusal" if found.kind == "plan" else found.kind
            response.status_code = 200
            return InWords(kind=kind, text=found.text, choices=list(found.choices))
        view = found
    response.headers["Location"] = f"/api/plans/{view.plan_id}"
    return view


@router.get("")
async def list_plans(
    door: Door,
    who: Caller,
    cursor: Cursor = None,
    limit: Limit = 50,
    saved: bool = False,
    q: Annotated[str, Query(max_length=200)] = "",
) -> Paged[PlanView]:
    """Your plans, the newest first. With `saved` those that are kept under a name, by name, as of the
    revision that is kept; `q` finds among them by their words, the best first."""
    if saved or q:
        kept = await door.saved(who, q)
        views = [await door.plan(who, each.plan_id, each.revision) for each in kept[:limit]]
        return Paged(items=views, cursor=None)
    items, following = await door.plans(who, cursor, limit)
    return Paged(items=items, cursor=following)


@router.get("/{plan_id}")
async def get_plan(door: Door, who: Caller, plan_id: str, revision: int | None = None) -> PlanView:
    """A plan as of its newest revision, or of `revision`."""
    return await door.plan(who, plan_id, revision)


@router.get("/{plan_id}/lock")
async def get_lock(
    response: Response, door: Door, who: Caller, plan_id: str, revision: int | None = None
) -> Lockfile:
    """The signed lockfile of a revision: its hash, the versions of its tools, who made it."""
    view = await door.plan(who, plan_id, revision)
    if not view.lock:
        raise NotFound("This revision is older than lockfiles.")
    name = f"{view.plan_id[:8]}-{view.revision}.lock.json"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return Lockfile.model_validate(view.lock)


@router.post("/{plan_id}/validate")
async def validate(door: Door, who: Caller, plan_id: str) -> Validity:
    """Check the newest revision again, against the tools and the clock of now."""
    view = await door.plan(who, plan_id)
    checked = await door.validate(who, view.document, view.timezone, view.not_covered, view.request)
    return Validity(ok=checked.ok, ir_hash=checked.ir_hash, issues=list(checked.issues))


@router.post("/{plan_id}/approve")
async def approve(door: Door, who: Caller, plan_id: str, body: Approval) -> PlanView:
    """Approve exactly the revision with this `ir_hash`: it is scheduled if it has a time, else it runs
    now (`run_id`). Repeating it changes nothing; 409 when the plan has changed since."""
    return await door.approve(who, plan_id, body.ir_hash, body.catalogue_hash, body.inputs)


@router.post("/{plan_id}/reject")
async def reject(door: Door, who: Caller, plan_id: str, body: Rejection | None = None) -> PlanView:
    """Turn a proposal down."""
    return await door.reject(who, plan_id, body.reason if body else "")


@router.post("/{plan_id}/run", status_code=202)
async def run(door: Door, who: Caller, plan_id: str, body: Start | None = None) -> Started:
    """Run the approved revision now, beside its schedule."""
    return Started(run_id=await door.run(who, plan_id, body.inputs if body else {}))


def _planner(request: Request) -> Planner:
    planner: Planner | None = getattr(request.app.state, "planner", None)
    if planner is None:
        raise Unavailable(
            "No planner is running here.", code="PLAN_NO_PLANNER", hint="Send a document instead."
        )
    return planner
