"""How a piece of the grammar is written: a pattern, and what it adds to the parts."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from agents.planner.times.parts import Parts

Said = re.Match[str]
Take = Callable[[Parts, Said], None]
Fits = Callable[[Said, Parts], bool]

# patterns that several matters use
EVERY = r"(?:once\s+)?(?:every|each)(?:\s+single)?"
WORKING = r"(?:week|work(?:ing)?[- ]?|business[- ])\s?days?"
PART = r"(?P<part>\s+(?:morning|afternoon|evening|night)s?)?"


@dataclass(frozen=True, slots=True)
class Phrase:
    """`strong` phrases may begin a time inside a request; weak ones only continue one. `joins` ones
    may follow an "and". `day` phrases name one day, after "starting" and "until" too; `bound` phrases
    are such words, and name the field their day is put in. `continues` ones follow a time of day."""

    pattern: re.Pattern[str]
    take: Take
    strong: bool
    fits: Fits
    joins: bool
    day: bool
    bound: str
    continues: bool


class Phrases(list[Phrase]):
    """The phrases of one matter."""

    def __init__(self, *, joins: bool = False) -> None:
        super().__init__()
        self.joins = joins

    def phrase(
        self,
        pattern: str,
        *,
        strong: bool = True,
        fits: Fits = lambda said, parts: True,
        day: bool = False,
        bound: str = "",
        joins: bool | None = None,
        continues: bool = False,
    ) -> Callable[[Take], Take]:
        def register(take: Take) -> Take:
            whole = rf"(?:(?<![\w/@.-])|(?=[\s,&+]))(?:{pattern})(?![\w@/])(?!'s\b)(?!-\w)(?!\.\w)"
            may_join = self.joins if joins is None else joins
            compiled = re.compile(whole)
            self.append(Phrase(compiled, take, strong, fits, may_join, day, bound, continues))
            return take

        return register
