"""What a model is shown of the form: requests over made-up tools, with the answer each should get."""

from __future__ import annotations

from typing import Any

Example = tuple[str, dict[str, Any]]


def _step(words: str, name: str, tool: str, *args: str, **more: Any) -> dict[str, Any]:
    step = {"for": words, "name": name, "tool": tool, "args": list(args)}
    return step | {"if": "", "each": "", "after": [], "options": []} | more


def _answer(*steps: dict[str, Any], **more: Any) -> dict[str, Any]:
    answer: dict[str, Any] = {"steps": list(steps), "when": "", "left": [], "kind": "plan"}
    return answer | {"say": "", "choices": []} | more


REMINDER = "(Only the steps that this asks for.)"


def _asked(tools: str, request: str) -> str:
    today = "Today: Monday 2026-01-05 (Europe/Paris)"
    return f"Tools:\n{tools}\n{today}\nRequest: {request}\n{REMINDER}"


_HOUSE = """\
- call_taxi(from, to, time): Order a taxi
- open_window(room): Open a window
- read_meter(meter): Read a meter
- water_plants(plant, litres): Water a plant"""
_OFFER = """\
- message.send(to, text, title?): Send a message
- page.fetch(url, max_chars?: integer) -> {title, text}: Get the text of a web page
- text.shorten(text, sentences?: integer) -> {short}: Make a text shorter"""
_LETTERS = """\
- letter.forward(letter: object, to): Forward a letter
- letters.list(folder?) -> {letters: array, count: integer}: List letters"""

EXAMPLES: tuple[Example, ...] = (
    (
        _asked(
            _HOUSE,
            "Please water the ficus with half a litre, then open the kitchen window. I also need a "
            "taxi from home to the station at 6 pm.",
        ),
        _answer(
            _step("water the ficus", "water", "water_plants", "plant=ficus", "litres=half a litre"),
            _step("open the kitchen window", "open", "open_window", "room=kitchen"),
            _step(
                "a taxi from home to the station",
                "taxi",
                "call_taxi",
                "from=home",
                "to=station",
                "time=6 pm",
            ),
        ),
    ),
    (
        _asked(
            _OFFER,
            "Each Tuesday at 8 fetch https://shop.example/offers and if it mentions a bicycle send it "
            "to kim@home.example in two sentences",
        ),
        _answer(
            _step(
                "fetch https://shop.example/offers",
                "fetch",
                "page.fetch",
                "url=https://shop.example/offers",
            ),
            _step(
                "in two sentences",
                "short",
                "text.shorten",
                "text=${fetch.text}",
                "sentences=2",
                **{"if": "if it mentions a bicycle"},
            ),
            _step(
                "send it to kim@home.example",
                "send",
                "message.send",
                "to=kim@home.example",
                "text=${short.short}",
                **{"if": "if it mentions a bicycle"},
            ),
            when="Each Tuesday at 8",
        ),
    ),
    (
        _asked(
            _LETTERS,
            "Forward each letter in the folder bills to tax@office.example, but ask me before you do",
        ),
        _answer(
            _step("letter in the folder bills", "list", "letters.list", "folder=bills"),
            _step(
                "Forward each letter",
                "forward",
                "letter.forward",
                "letter=${item}",
                "to=tax@office.example",
                each="${list.letters}",
                options=["ask_first"],
            ),
        ),
    ),
    (
        _asked(_LETTERS, "Forward the minutes"),
        _answer(kind="question", say="Forward them to whom?"),
    ),
    (
        _asked(_LETTERS, "Sell my car"),
        _answer(kind="refusal", say="There is no tool here that sells anything."),
    ),
    (
        _asked(_HOUSE, "What does the gas meter say?"),
        _answer(_step("What does the gas meter say", "read", "read_meter", "meter=gas")),
    ),
)
