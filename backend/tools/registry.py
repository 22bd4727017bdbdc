"""The one registry: which tools there are, and the one way to call them."""

from __future__ import annotations

import hashlib
import re
import traceback
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

import jsonschema_rs
import orjson
import structlog

from backend.contracts.caching import Cache
from backend.contracts.errors import (
    Invalid,
    Issue,
    LightningError,
    RateLimited,
    Retry,
    ToolError,
    Unavailable,
)
from backend.contracts.events import utc_now
from backend.contracts.plans import Catalogue
from backend.contracts.ports import LLM, Files
from backend.contracts.security import Verdict
from backend.contracts.tools import DESCRIPTIVE, ToolCall, ToolResult, ToolSpec
from backend.settings import Settings
from backend.tools.define import Tool, ToolContext
from backend.tools.outgoing import Outgoing

MAX_OUTPUT = 5_000_000
MAX_ISSUES = 10
_ALL = "all tools"
_MODEL_KEY = "OPENAI_API_KEY"

# Plans are apart: `plan.` names a person's saved plans.
_ID = re.compile(r"(?!plan\.)[a-z][a-z0-9_]*(\.[a-z0-9_-]+)+")

log = structlog.get_logger(__name__)


Judge = Callable[[str], Verdict | None]


def _allow(tool: str) -> Verdict | None:
    return None


class Registry:
    """The tools of this process, by id. Tools may be registered while it runs."""

    def __init__(
        self,
        tools: Iterable[Tool],
        settings: Settings,
        *,
        http: Outgoing,
        files: Files,
        llm: LLM | None = None,
        now: Callable[[], datetime] = utc_now,
        judge: Judge | None = None,
    ) -> None:
        self._settings = settings
        self._http = http
        self._files = files
        self._llm = llm
        self._now = now
        self._judge = judge or _allow
        self._tools: dict[str, Tool] = {}
        self._validators: dict[str, jsonschema_rs.Validator] = {}
        self.catalogues: Cache[str, Catalogue] = Cache(1)
        for each in tools:
            self.register(each)

    def register(self, tool: Tool) -> None:
        """Add a tool, or put a new version in the place of the one with its id. Raises `ValueError` for an
        id that is not dotted: `file.read`."""
        if not _ID.fullmatch(tool.spec.id):
            raise ValueError(f"{tool.spec.id!r} is no id for a tool; write it as area.verb.")
        validator = jsonschema_rs.validator_for(
            tool.spec.inputs, validate_formats=True, offline=True
        )
        self._validators[tool.spec.id] = validator
        self._tools[tool.spec.id] = tool
        self.catalogues.drop()

    def catalogue(self) -> Catalogue:
        """What plans are validated against; made anew only when a tool was registered."""
        known = self.catalogues.get(_ALL)
        if known is None:
            specs = [tool.spec for tool in self._tools.values()]
            known = catalogue_of(
                specs, self._settings, model=self._llm is not None, judge=self._judge
            )
            self.catalogues.put(_ALL, known)
        return known

    async def call(self, call: ToolCall) -> ToolResult:
        """Call a tool with its arguments checked and its defaults filled in.

        Raises `Invalid` (EXEC_ARGS_INVALID, one issue per argument), `Retry` for a tool that waits,
        and `ToolError` for everything else: its own, EXEC_TOOL_UNKNOWN, EXEC_SETTING_MISSING,
        EXEC_TOO_LARGE, EXEC_OUTPUT_INVALID, and EXEC_TOOL_CRASHED for a fault in the tool.
        """
        tool = self._tools.get(call.tool)
        if tool is None:
            raise ToolError(f"There is no tool {call.tool}.", code="EXEC_TOOL_UNKNOWN")
        if missing := _missing(tool.spec, self._settings, self._llm is not None):
            names = " and ".join(missing)
            said = f"{tool.spec.id} cannot work: {names} is not set."
            raise ToolError(said, code="EXEC_SETTING_MISSING", hint=f"Set {names} and restart.")
        args = with_defaults(tool.spec, call.args)
        self._check(tool.spec, args)
        messages: list[str] = []
        result = await self._run(tool, self._context(call, messages.append), args)
        return ToolResult(
            output=_as_json(tool.spec.id, result.output),
            action=result.action,
            note=result.note,
            cost_usd=result.cost_usd,
            question=result.question,
            messages=(*messages, *result.messages),
        )

    async def _run(self, tool: Tool, context: ToolContext, args: Mapping[str, Any]) -> ToolResult:
        try:
            return await tool(context, **args)
        except (ToolError, Invalid, Retry):
            raise
        except LightningError as error:
            raise ToolError(
                error.message,
                code=error.code,
                hint=error.hint,
                issues=error.issues,
                transient=isinstance(error, Unavailable | RateLimited),
            ) from error
        except Exception as error:
            # As text: a traceback with the values of variables would log passwords.
            trace = traceback.format_exc()
            log.error("tool crashed", tool=tool.spec.id, key=context.call.key, traceback=trace)
            said = f"{tool.spec.id} broke down ({type(error).__name__})."
            raise ToolError(said, code="EXEC_TOOL_CRASHED") from error

    def _context(self, call: ToolCall, say: Callable[[str], None]) -> ToolContext:
        return ToolContext(
            call=call,
            http=self._http,
            files=self._files,
            llm=self._llm,
            settings=self._settings,
            now=self._now,
            say=say,
        )

    def _check(self, spec: ToolSpec, args: Mapping[str, Any]) -> None:
        issues: list[Issue] = []
        for found in self._validators[spec.id].iter_errors(dict(args)):
            error = _closest(found)
            path = "/".join(map(str, ("args", *error.instance_path, *_named(error))))
            issues.append(Issue(code="EXEC_ARGS_INVALID", message=error.message[:300], path=path))
            if len(issues) == MAX_ISSUES:
                break
        if issues:
            said = f"{spec.id} cannot take these arguments: {issues[0].message}"
            raise Invalid(said, code="EXEC_ARGS_INVALID", issues=tuple(issues))


def catalogue_of(
    specs: Iterable[ToolSpec], settings: Settings, *, model: bool, judge: Judge = _allow
) -> Catalogue:
    """What can be planned with these tools here; `model` says whether there is one. What one would cost
    is not spent without it. `judge` is policy's word on a tool."""
    known = {
        spec.id: spec
        if model or "language" not in spec.capabilities
        else spec.model_copy(update={"cost_usd": 0.0})
        for spec in sorted(specs, key=lambda spec: spec.id)
    }
    missing = {id: _missing(spec, settings, model) for id, spec in known.items()}
    return Catalogue(
        tools=known,
        missing={id: names for id, names in missing.items() if names},
        verdicts={id: verdict for id in known if (verdict := judge(id)) is not None},
        hash=_hash(known),
    )


def _missing(spec: ToolSpec, settings: Settings, model: bool) -> tuple[str, ...]:
    """A model is there in whichever way it was configured; other settings by their name."""
    return tuple(
        name
        for name in spec.requires
        if not (model if name == _MODEL_KEY else getattr(settings, name.lower(), None))
    )


def with_defaults(spec: ToolSpec, args: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments, and the declared default of each one that is not given."""
    defaults = {
        name: schema["default"]
        for name, schema in spec.inputs.get("properties", {}).items()
        if isinstance(schema, dict) and "default" in schema
    }
    return {**defaults, **args}


def _closest(error: jsonschema_rs.ValidationError) -> jsonschema_rs.ValidationError:
    """Of an argument that may be one of several types, what is wrong in the type it is of."""
    kind = error.kind
    if isinstance(kind, jsonschema_rs.ValidationErrorKind.AnyOf):
        for branch in kind.context:
            if not any(each.kind.name == "type" and not each.instance_path for each in branch):
                return _closest(branch[0])
    return error


def _named(error: jsonschema_rs.ValidationError) -> tuple[str, ...]:
    """The argument that is missing, or that there is none of."""
    kind = error.kind
    if isinstance(kind, jsonschema_rs.ValidationErrorKind.Required):
        return (kind.property,)
    if isinstance(kind, jsonschema_rs.ValidationErrorKind.AdditionalProperties):
        return (kind.unexpected[0],)
    return ()


def _hash(specs: Mapping[str, ToolSpec]) -> str:
    told = [spec.model_dump(mode="json", exclude=DESCRIPTIVE) for spec in specs.values()]
    return hashlib.sha256(orjson.dumps(told, option=orjson.OPT_SORT_KEYS)).hexdigest()


def _as_json(id: str, output: Any) -> dict[str, Any]:
    """What the log will hold, so that a run goes on the same after a crash as without one."""
    options = orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_DATETIME
    try:
        text = orjson.dumps(output, option=options)
    except (TypeError, orjson.JSONEncodeError) as error:
        raise ToolError(f"{id} gave back no JSON ({error}).", code="EXEC_OUTPUT_INVALID") from error
    if len(text) > MAX_OUTPUT:
        said = f"{id} gave back {len(text):,} bytes; {MAX_OUTPUT:,} is the most."
        raise ToolError(said, code="EXEC_TOO_LARGE")
    value = orjson.loads(text)
    if not isinstance(value, dict):
        raise ToolError(f"{id} gave back no object.", code="EXEC_OUTPUT_INVALID")
    return value
