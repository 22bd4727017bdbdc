"""A model's draft made a plan document: it says which tools, what with and in whose words; names, times,
references, conditions and the order are ours."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agents.planner import schema, titles, wiring
from agents.planner.drafts import Draft
from agents.planner.entities import Text
from agents.planner.guard import Guard
from agents.planner.guards import MEMORY
from agents.planner.lexicon import WORDS
from agents.planner.made import Made
from agents.planner.model_conditions import Conditions, any_status, told_of_failure
from agents.planner.model_steps import in_order, with_reason
from agents.planner.model_times import started, when_of
from agents.planner.model_values import Values, fits_item, written
from agents.planner.purpose import purpose
from agents.planner.steps import Steps
from backend.contracts.errors import Issue
from backend.contracts.plans import RESERVED_STEP_NAMES
from backend.contracts.ports import PlanRequest
from backend.contracts.tools import ToolSpec

Json = dict[str, Any]
WAIT = "wait.until"
_TWICE = re.compile(r"\b(?:twice|again|times|repeat\w*)\b", re.IGNORECASE)
_REFERRED = re.compile(r"(?<!\$)\$\{\s*([A-Za-z_]\w*)")


@dataclass(frozen=True, slots=True)
class Drawn:
    """A document, and the words of the draft that it could not express."""

    document: Json
    left: tuple[str, ...] = ()


def to_document(
    draft: Mapping[str, Any], request: PlanRequest, before: Mapping[str, Any] | None = None
) -> Drawn:
    """The plan document of a draft (`prompts.draft_schema`). What a draft of `before`, the plan that it
    changes, repeats as it was stays exactly as it is there."""
    opened = to_draft(before, request) if before is not None else None
    start = started(
        draft["when"], request, before if opened and _same_when(draft, opened) else None
    )
    same = {s["name"]: s for s in opened["steps"]} if opened else {}
    whole = {s["name"]: s for s in (before or {}).get("steps", ())}
    eventful = any(event["kind"] in ("event", "webhook") for event in start.events)
    drafting = _Drafting(request, start.names, start.made, eventful=eventful)
    asked = draft["steps"] if before is not None else with_reason(draft["steps"], request)
    for step in in_order(asked):
        if {**step, "for": ""} == same.get(step["name"]) and before is not None:
            drafting.keep(whole[step["name"]], _events(before), start.names)
        else:
            drafting.add(step)
    lines = [(m.spec, s["args"]) for m, s in drafting.pairs() if not m.quiet]
    document = {
        "plan_name": titles.plan_name(lines, start.when, drafting.draft.steps)[:110],
        "events": start.events,
        "steps": drafting.draft.steps,
    }
    document["description"] = purpose(document, request.catalogue.tools)
    return Drawn(document, tuple(dict.fromkeys([*drafting.left, *start.left])))


def mended(document: Mapping[str, Any], repair: Mapping[str, Any], request: PlanRequest) -> Drawn:
    """`document` with the parts of a repair (`prompts.repair_schema`) in their places."""
    draft = to_draft(document, request)
    given = {step["name"]: step for step in repair["steps"]}
    steps = [given.pop(s["name"], s) for s in draft["steps"] if s["name"] not in repair["remove"]]
    when = draft["when"] if repair["when"] is None else repair["when"]
    again = {**draft, "steps": [*steps, *given.values()], "when": when}
    drawn = to_document(again, request, document)
    kept = {k: document[k] for k in ("plan_name", "description") if k in document}
    return Drawn({**document, **drawn.document, **kept}, drawn.left)


def to_draft(document: Mapping[str, Any], request: PlanRequest) -> Json:
    """A plan document in the form of a draft."""
    return {
        "steps": [_drafted(step) for step in document["steps"]],
        "when": when_of(document.get("events", ()), request.timezone),
    }


def failing(document: Mapping[str, Any], issues: Sequence[Issue]) -> list[str]:
    """Names of the steps that the issues are about; all where one is about the whole plan."""
    names = [step["name"] for step in document["steps"]]
    found: list[str] = []
    for issue in issues:
        place = issue.path.split("/")
        if place[0] == "steps" and len(place) > 1 and place[1].isdecimal():
            found += names[int(place[1]) : int(place[1]) + 1]
        elif place[0] != "events":
            found += names
    return list(dict.fromkeys(found))


class _Drafting:
    """Steps one after the other. `starts` are the names of the triggers."""

    def __init__(
        self, request: PlanRequest, starts: Sequence[str], arrives: Made | None, *, eventful: bool
    ) -> None:
        self._tools = request.catalogue.tools
        self._starts = list(starts)
        self.draft = Draft()
        self.left: list[str] = []
        self._steps = Steps(
            self.draft, Text.of(request.text), self._tools, self._starts[0], arrives
        )
        self._conditions = Conditions(self.draft, self._steps.insert, self._steps.earlier)
        self._made: dict[str, Made] = {}
        self._said: list[tuple[Any, Made]] = []
        self._twice = _TWICE.search(request.text) is not None
        self._values = Values(self._made, eventful=eventful)

    def pairs(self) -> list[tuple[Made, Json]]:
        return list(zip(self.draft.made, self.draft.steps, strict=True))

    def keep(self, step: Mapping[str, Any], was: Sequence[str], now: Sequence[str]) -> None:
        """A step that stays as it is, but for what starts it."""
        on = [name for heard in step["on"] for name in (now if heard in was else [heard])]
        self._put({**step, "on": list(dict.fromkeys(on))}, step["name"])

    def add(self, said: Mapping[str, Any]) -> None:
        """A step; not one that says over again what an earlier one says, as small models do, where nothing
        is to be done twice and no time goes by in between."""
        essence = {k: v for k, v in said.items() if k not in ("for", "name", "after")}
        again = next((made for was, made in self._said if was == essence), None)
        if again is not None and not self._twice:
            self._made[said["name"]] = again
            return
        spec = self._tools.get(said["tool"])
        name = self._name(said["name"], said["tool"])
        step: Json = {"name": name, "on": [], "action": said["tool"], "args": {}}
        each = self._values.list_of(said["each"]) if said["each"].strip() else ""
        step["args"] = self._filled(self._values.arguments(said["args"], spec), spec, each)
        guard = self._guard(said["if"], each)
        self._listen(step, said["after"], guard, spec, each)
        if each:
            step["for_each"] = each
        if guard is not None and guard.errors:
            step = told_of_failure(step, guard, spec)
            self._route(guard.errors)
        elif guard is not None and guard.expression and not self._follows(step, guard.expression):
            step["guard"] = guard.expression
            any_status(guard, self.draft)
        if "ask_first" in said["options"]:
            step["approval"] = "required"
        if "go_on_if_it_fails" in said["options"]:
            step["on_error"] = "continue"
        if "any_of_them" in said["options"] and len(step["on"]) > 1:
            step["join"] = "any"
        self._put(step, said["name"])
        if step["action"] == WAIT:
            self._said.clear()
        self._said.append((essence, self._made[said["name"]]))

    def _put(self, step: Json, said: str) -> None:
        spec = self._tools.get(step["action"]) or _unknown(step["action"])
        made = Made(step["name"], spec, listed=bool(step.get("for_each")))
        self.draft.steps.append(step)
        self.draft.made.append(made)
        self._made[said] = self._made[step["name"]] = made

    # --- one step ---------------------------------------------------------------------------------

    def _name(self, said: str, tool: str) -> str:
        name = re.sub(r"\W+", "_", said.strip().lower()).strip("_")[:40]
        if not re.match(r"[a-z]", name) or name in RESERVED_STEP_NAMES:
            name = f"do_{name or re.sub(r'[^a-z0-9]+', '_', tool.lower())}"[:40]
        taken = {step["name"] for step in self.draft.steps}
        return next(n for n in (name, *(f"{name}_{i}" for i in range(2, 99))) if n not in taken)

    def _filled(self, args: Json, spec: ToolSpec | None, each: str) -> Json:
        """With what nobody needs to say: a subject, what to remember under, the only thing there is."""
        if spec is None:
            return args
        wanted = schema.properties(spec)
        items = self._items(each)
        for name, value in args.items():
            value = "${item}" if each and value == each else value
            args[name] = fits_item(value, wanted.get(name, {}), name, items) if each else value
        for name in sorted(schema.required(spec) - args.keys()):
            before = [(m, s) for m, s in self.pairs() if not m.quiet]
            if name == "subject" and before:
                args[name] = titles.subject([(m.spec, s["args"]) for m, s in before])
            elif name == "memory":
                args[name] = MEMORY
            elif schema.role(name, wanted[name]) == "content":
                told = [m for m, _ in before if not m.goes_out and not m.aside]
                if each:
                    args[name] = "${item}"
                elif len(told) == 1:
                    args[name] = self._values.value(f"${{{told[-1].name}}}", name, wanted[name])
        return {**schema.ordered(spec, args), **args}

    def _items(self, each: str) -> Mapping[str, Any]:
        """The schema of what a list holds."""
        found = re.fullmatch(r"\$\{(\w+)\.(\w+)\}", each)
        made = self._made.get(found[1]) if found else None
        outputs = made.spec.outputs.get("properties") or {} if made else {}
        part: Any = outputs.get(found[2], {}) if found else {}
        items = part.get("items", {}) if isinstance(part, Mapping) else {}
        if isinstance(items, Mapping) and "$ref" in items and made is not None:
            items = made.spec.outputs.get("$defs", {}).get(items["$ref"].rsplit("/", 1)[-1], {})
        return items if isinstance(items, Mapping) else {}

    def _guard(self, words: str, each: str) -> Guard | None:
        if not words.strip():
            return None
        item = (
            ("entry" if "title" in (self._items(each).get("properties") or {}) else "text")
            if each
            else ""
        )
        guard = self._conditions.bind(words, item)
        if guard is None:
            self.left.append(words.strip())
        for made in self.draft.made:  # what a condition has added
            self._made.setdefault(made.name, made)
        return guard

    def _listen(
        self,
        step: Json,
        after: Sequence[str],
        guard: Guard | None,
        spec: ToolSpec | None,
        each: str,
    ) -> None:
        names: list[str] = []
        failures: list[str] = []
        for said in after:
            root, _, end = said.strip().removeprefix("step.").partition(".")
            made = self._made.get(root)
            if made is not None and end == "error":
                failures.append(made.name)
            elif made is not None:
                names.append(made.name)
        names += [r for r in _references(step["args"], each) if r in self._made]
        names += guard.steps if guard is not None else ()
        if failures:
            self._route(failures)
        if not names and not failures and "start" not in after:
            names = self._before(spec)
        known = [self._made[n].name if n in self._made else n for n in names]
        wiring.listen(step, self.draft.steps, known, self._starts[0])
        step["on"] += [f"step.{name}.error" for name in failures]
        if step["on"] == [self._starts[0]]:
            step["on"] = list(self._starts)
        elif failures:
            step["on"] = [on for on in step["on"] if on not in self._starts]

    def _before(self, spec: ToolSpec | None) -> list[str]:
        """What a step follows that uses nothing of the others: the one before it, for the order is the
        person's; but what is only read waits for nobody, and nobody for what a condition may skip."""
        pairs = [(m, s) for m, s in self.pairs() if not m.quiet]
        if not pairs or spec is None:
            return []
        own = spec.id in WORDS
        tells = bool(spec.outputs.get("properties"))
        if (own and wiring.stage_of(spec) == "source") or (
            not own and tells and spec.purity == "pure"
        ):
            return []
        made, step = pairs[-1]
        return wiring.waits_for(step) if step.get("guard") else [made.name]

    def _follows(self, step: Json, expression: str) -> bool:
        """Whether it only runs behind others that have this very guard."""
        names = wiring.waits_for(step)
        guards = {s["name"]: s.get("guard") for s in self.draft.steps}
        return bool(names) and all(guards.get(name) == expression for name in names)

    def _route(self, names: Sequence[str]) -> None:
        for step in self.draft.steps:
            if step["name"] in names and "on_error" not in step:
                step["on_error"] = "route"


def _drafted(step: Mapping[str, Any]) -> Json:
    used = set(_references(step.get("args", {}), step.get("for_each") or ""))
    used |= set(re.findall(r"[A-Za-z_]\w*", step.get("guard") or ""))
    heard = [on.removeprefix("step.") for on in step["on"] if on.startswith("step.")]
    return {
        "for": "",
        "name": step["name"],
        "tool": step["action"],
        "args": [f"{name}={written(value)}" for name, value in step.get("args", {}).items()],
        "if": step.get("guard") or "",
        "each": step.get("for_each") or "",
        "after": [name for name in heard if name not in used],
        "options": [
            option
            for option, meant in (
                ("ask_first", bool(step.get("approval"))),
                ("go_on_if_it_fails", step.get("on_error") == "continue"),
                ("any_of_them", step.get("join") == "any"),
            )
            if meant
        ],
    }


def _references(args: Mapping[str, Any], each: str) -> list[str]:
    return list(dict.fromkeys(_REFERRED.findall(f"{written(dict(args))} {each}")))


def _same_when(draft: Mapping[str, Any], opened: Mapping[str, Any]) -> bool:
    return " ".join(draft["when"].lower().split()) == " ".join(opened["when"].lower().split())


def _events(document: Mapping[str, Any]) -> list[str]:
    return [event["name"] for event in document.get("events", ())]


def _unknown(tool: str) -> ToolSpec:
    name = re.sub(r"\W", "_", tool)[:128] or "unknown"
    return ToolSpec(id=name, name=name, description=name)
