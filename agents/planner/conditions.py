"""Simple conditions in words, as guards; what cannot be said so is given back."""

from __future__ import annotations

import re
from dataclasses import dataclass

from agents.planner.schema import output_for
from agents.planner.slots import Made
from backend.plans.validation.schema import Shape

_ANY = re.compile(
    r"^(?:there\s+(?:are|is)|it\s+has|the\s+feed\s+has|it\s+contains|i\s+have|you\s+find|it\s+finds)\s+(?:any|some|anything|something|at\s+least\s+one|a|an)"
    r"(?:\s+(?P<what>entries|entry|items?|results?|articles?|posts?|news|files?|text|content|stories))?$"
)
_NOT_EMPTY = re.compile(r"^(?:it|the\s+\w+|this|that|they)\s+(?:is|are)(?:n't|\s+not)\s+empty$")
_STATUS = re.compile(
    r"^(?:the\s+)?(?:http\s+)?status(?:\s+code)?\s+(?P<op>is\s+not|isn't|is|=|!=|==|differs\s+from)\s+(?P<n>\d{3})$"
)
_DOWN = re.compile(
    r"^(?:it|the\s+(?:site|page|server|api))\s+is\s+(?P<state>up|online|reachable|down|offline|ok|not\s+ok)$"
)
_MENTIONS = re.compile(
    r"^(?:it|they|the\s+(?P<noun>\w+)|one\s+of\s+them|any\s+of\s+them)\s+(?P<not>doesn't\s+|does\s+not\s+|don't\s+)?"
    r"(?:mentions?|contains?|includes?|has\s+the\s+words?|says?)\s+(?:the\s+words?\s+)?(?P<what>.+)$"
)
_ANSWER = re.compile(
    r"^(?:(?:the|my)\s+answer\s+is|i\s+(?:say|answer|said|choose|reply))\s+(?P<what>.+)$"
)
_COUNT = re.compile(
    r"^(?:there\s+are|it\s+has|the\s+feed\s+has)\s+(?P<op>more\s+than|at\s+least|fewer\s+than|less\s+than)\s+(?P<n>\d{1,6})\s+(?P<what>\w+)$"
)
_OPERATORS = {"more than": ">", "at least": ">=", "fewer than": "<", "less than": "<"}
_FIELD = re.compile(
    r"^(?:(?:the|its|their)\s+)?(?P<field>[a-z_]\w*(?:\.[a-z_]\w*){0,4})\s+"
    r"(?:(?:is|are|was|gets?|goes|go|rises?|falls?|drops?|becomes?|stays?)\s+)?(?P<op>"
    r"(?:not\s+)?(?:over|above|under|below)|(?:more|greater|higher|less|fewer|lower|smaller)\s+than|at\s+least|"
    r"at\s+most|(?:not\s+)?(?:exactly|equal\s+to)|equals|(?:is\s+)?not|isn't|is|>=|<=|==|!=|=|>|<)\s*"
    r"(?P<n>[-+]?\d{1,12}(?:\.\d{1,9})?)(?:\s*(?:%|percent|euros?|dollars?|€|degrees?))?$"
)
_COMPARE = {
    **dict.fromkeys(("over", "above", "more", "greater", "higher", ">"), ">"),
    **dict.fromkeys(("under", "below", "less", "fewer", "lower", "smaller", "<"), "<"),
    **dict.fromkeys(("at least", ">="), ">="),
    **dict.fromkeys(("at most", "<="), "<="),
    **dict.fromkeys(("exactly", "equal", "equals", "is", "=", "=="), "=="),
    **dict.fromkeys(("not", "is not", "isn't", "!="), "!="),
}
_OPPOSITE = {">": "<=", "<": ">=", "==": "!="}
_NO_FIELDS = frozenset({"it", "this", "that", "they", "there", "he", "she", "something", "status"})


@dataclass(frozen=True, slots=True)
class Guard:
    """An expression and the steps it looks at."""

    expression: str
    steps: tuple[str, ...]


def guard(said: str, original: str, earlier: tuple[Made, ...]) -> Guard | None:
    """The guard for a condition's words (in lower case, and as said), or None if there is none."""
    word = re.match(
        r"\s*(?:but\s+)?(?P<word>only\s+if|only\s+when|if\s+and\s+only\s+if|if|when|whenever|unless|as\s+long\s+as|provided(?:\s+that)?|in\s+case)\s+",
        said,
    )
    if word is None or not earlier:
        return None
    named = re.sub("[\ue001\ue003]+", "it", said[word.end() :])
    body = re.sub(r"\s+", " ", named).strip(" ,.;:!?")
    written = original[word.end() :].strip(" ,.;:!?")
    found = _any(body, earlier) or _status(body, earlier) or _answer(body, written, earlier)
    found = found or _mentions(body, written, earlier) or _field(body, written, earlier)
    if found is not None and word["word"] == "unless":
        return Guard(f"not ({found.expression})", found.steps)
    return found


def _any(body: str, earlier: tuple[Made, ...]) -> Guard | None:
    counted = _COUNT.match(body)
    if counted is None and not _ANY.match(body) and not _NOT_EMPTY.match(body):
        return None
    for made in reversed(earlier):
        for output in (*made.spec.produces, *(made.spec.outputs.get("properties") or {})):
            kinds = _kinds(made, output)
            if made.goes_out or not kinds & {"array", "string"} or "object" in kinds:
                continue
            if counted and "array" not in kinds:
                continue
            if counted:
                operator = _OPERATORS[re.sub(r"\s+", " ", counted["op"])]
                return Guard(f"len({made.name}.{output}) {operator} {counted['n']}", (made.name,))
            return Guard(f"len({made.name}.{output}) > 0", (made.name,))
    return None


def _status(body: str, earlier: tuple[Made, ...]) -> Guard | None:
    status, state = _STATUS.match(body), _DOWN.match(body)
    for made in reversed(earlier):
        if status and "integer" in _kinds(made, "status"):
            same = status["op"] in {"is", "=", "=="}
            return Guard(f"{made.name}.status {'==' if same else '!='} {status['n']}", (made.name,))
        if state and "boolean" in _kinds(made, "ok"):
            up = state["state"] in {"up", "ok", "online", "reachable"}
            return Guard(f"{made.name}.ok" if up else f"not {made.name}.ok", (made.name,))
    return None


def _field(body: str, written: str, earlier: tuple[Made, ...]) -> Guard | None:
    """A number in the one JSON answer there is, by the name the person gives it."""
    found = _FIELD.match(body)
    made = [m for m in earlier if "json" in (m.spec.outputs.get("properties") or {})]
    if found is None or len(made) != 1 or found["field"].split(".")[0] in _NO_FIELDS:
        return None
    words = found["op"]
    opposite = words.startswith("not ")
    words = words.removeprefix("not ")
    operator = _COMPARE.get(words) or _COMPARE[words.split()[0]]
    operator = _OPPOSITE[operator] if opposite else operator
    field = written[written.lower().index(found["field"]) :][: len(found["field"])]
    return Guard(f"{made[0].name}.json.{field} {operator} {found['n']}", (made[0].name,))


def _answer(body: str, written: str, earlier: tuple[Made, ...]) -> Guard | None:
    found = _ANSWER.match(body)
    for made in reversed(earlier):
        if found and "answer" in (made.spec.outputs.get("properties") or {}):
            return Guard(f"{made.name}.answer == {_literal(_tail(written, found))}", (made.name,))
    return None


def _mentions(body: str, written: str, earlier: tuple[Made, ...]) -> Guard | None:
    found = _MENTIONS.match(body)
    if found is None:
        return None
    for made in reversed(earlier):
        outputs = made.spec.outputs.get("properties") or {}
        main = output_for(made.spec, "text", {})
        named = [found["noun"]] if found["noun"] in outputs else [main[0]] if main else []
        for output in named:
            if made.goes_out or _kinds(made, output) != {"string"}:
                continue
            operator = "not in" if found["not"] else "in"
            expression = f"{_literal(_tail(written, found))} {operator} {made.name}.{output}"
            return Guard(expression, (made.name,))
    return None


def _tail(written: str, found: re.Match[str]) -> str:
    """What the group "what" covers, as it was written."""
    words = len(found["what"].split())
    return " ".join(written.split()[-words:]).strip(" \"'“”‘’.,")


def _literal(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _kinds(made: Made, output: str) -> frozenset[str]:
    found = (made.spec.outputs.get("properties") or {}).get(output)
    return Shape(found, made.spec.outputs).kinds if found is not None else frozenset()
