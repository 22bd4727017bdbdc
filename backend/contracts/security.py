"""Who asks, and what was answered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Role = Literal["user", "operator", "admin"]


@dataclass(frozen=True, slots=True)
class Principal:
    """Whoever acts: a person, or the system itself (`SYSTEM`)."""

    user_id: str
    roles: frozenset[Role] = frozenset({"user"})
    name: str = ""


SYSTEM = Principal("system", frozenset({"admin"}), "Lightning")


@dataclass(frozen=True, slots=True)
class Verdict:
    """`rule` names what decided; a denial carries a code and a sentence for the person."""

    decision: Literal["allow", "deny", "ask"]
    rule: str
    code: str = ""
    reason: str = ""

    @property
    def allowed(self) -> bool:
        return self.decision == "allow"
