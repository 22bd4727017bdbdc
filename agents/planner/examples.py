"""What a model is shown of the form: requests over made-up tools, with the answer each should get."""

from __future__ import annotations

from typing import Any

Example = tuple[str, dict[str, Any]]


def _step(name: str, tool: str, *args: str, **more: Any) -> dict[str, Any]:
    step = {"name": name, "tool": tool, "args": list(args)}
    return step | {"if": "", "each": "", "after": [], "options": []} | more


def _answer(*steps: dict[str, Any], **more: Any) -> dict[str, Any]:
    answer: dict[str, Any] = {"steps": list(steps), "when": "", "left": [], "kind": "plan"}
    return answer | {"say": "", "choices": []} | more


_HOUSE = """\
Tools:
- water_plants(plant, litres): Water a plant
- open_window(room): Open a window
- read_meter(meter): Read a meter
- call_taxi(from, to, time): Order a taxi
Now: Monday 2026-01-05 10:00 (Europe/Paris)
Request: """
_OFFICE = """\
Tools:
- page.fetch(url, max_chars?: integer) -> {title, text}: Get the text of a web page
- text.shorten(text, sentences?: integer) -> {short}: Make a text shorter
- letters.list(folder?) -> {letters: array, count: integer}: List letters
- letter.forward(letter: object, to): Forward a letter
- message.send(to, text, title?): Send a message
- tell(text): Tell the person something
Now: Monday 2026-01-05 10:00 (Europe/Paris)
Request: """

EXAMPLES: tuple[Example, ...] = (
    (
        f"{_HOUSE}Please water the ficus with half a litre, then open the kitchen window. I also need a "
        "taxi from home to the station at 6 pm.",
        _answer(
            _step("water", "water_plants", "plant=ficus", "litres=half a litre"),
            _step("open", "open_window", "room=kitchen"),
            _step("taxi", "call_taxi", "from=home", "to=station", "time=6 pm"),
        ),
    ),
    (f"{_HOUSE}What does the gas meter say?", _answer(_step("read", "read_meter", "meter=gas"))),
    (
        f"{_OFFICE}Each Tuesday at 8 fetch https://shop.example/offers and if it mentions a bicycle send it "
        "to kim@home.example in two sentences",
        _answer(
            _step("fetch", "page.fetch", "url=https://shop.example/offers"),
            _step(
                "short",
                "text.shorten",
                "text=${fetch.text}",
                "sentences=2",
                **{"if": "if it mentions a bicycle"},
            ),
            _step(
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
        f"{_OFFICE}Forward each letter in the folder bills to tax@office.example, but ask me before you do, "
        "and tell me how many there were",
        _answer(
            _step("list", "letters.list", "folder=bills"),
            _step(
                "forward",
                "letter.forward",
                "letter=${item}",
                "to=tax@office.example",
                each="${list.letters}",
                options=["ask_first"],
            ),
            _step("tell", "tell", "text=${list.count} letters", after=["forward"]),
        ),
    ),
    (
        f"{_OFFICE}Send them the minutes",
        _answer(kind="question", say="To whom, and where are the minutes?"),
    ),
    (
        f"{_OFFICE}Sell my car",
        _answer(kind="refusal", say="There is no tool here that sells anything."),
    ),
    (f"{_HOUSE}Good evening!", _answer(kind="talk")),
)
