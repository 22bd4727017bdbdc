"""Secrets masked in what is kept: those of the settings, and what looks like a key or a password."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from backend.settings import Settings

MASK = "•••"
_SHORTEST = 6
_DEPTH = 12
_KEYS = re.compile(
    r"\b(?:sk|pk|rk)[-_][A-Za-z0-9_-]{16,}"
    r"|\bgh[opsur]_[A-Za-z0-9]{20,}|\bgithub_pat_\w{20,}|\bglpat-[\w-]{16,}"
    r"|\bxox[abeoprs]-[\w-]{10,}|\bAKIA[0-9A-Z]{16}\b|\bAIza[\w-]{30,}"
    r"|\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)",
    re.DOTALL,
)
_IN_LINK = re.compile(r"(?<=://)([^\s/:@]{1,200}):[^\s/@]{1,200}@")
_BEARER = re.compile(r"(?i)\b(bearer|basic) [\w.~+/=-]{12,}")
_NAMES = r"pass(?:word|wort|code|phrase)|passwd|pwd|secret|api[ _-]?key|access[ _-]?token|token|pin"
_NAMED = re.compile(
    rf"(?i)\b({_NAMES})([\"'”]?\s{{0,5}}(?:[:=]|\bis\b)\s{{0,5}})(?!•)"
    r"([\"'“][^\"'”]{3,200}|[^\s\"'“”,;&]{3,})"
)
_NAME = re.compile(rf"(?i)(?:^|[ _-])(?:{_NAMES})$")


def names_secret(name: str) -> bool:
    """Whether what stands under this name is nobody's to read: "smtp_password", "token"."""
    return _NAME.search(name) is not None


class Redaction:
    """Masks in texts what the settings hold secret, and what looks like a secret by itself."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        known = sorted({s for s in secrets if len(s) >= _SHORTEST}, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, known))) if known else None

    @classmethod
    def of(cls, settings: Settings) -> Redaction:
        fields = type(settings).model_fields.items()
        return cls(str(getattr(settings, name)) for name, field in fields if not field.repr)

    def text(self, text: str) -> str:
        if self._known is not None:
            text = self._known.sub(MASK, text)
        text = _KEYS.sub(MASK, text)
        text = _IN_LINK.sub(rf"\1:{MASK}@", text)
        text = _BEARER.sub(rf"\1 {MASK}", text)
        return _NAMED.sub(_masked, text)

    def value(self, value: Any, depth: int = _DEPTH) -> Any:
        """Every text in a JSON value, and all of it under a secret's name; keys stay."""
        if isinstance(value, str):
            return self.text(value)
        if depth == 0:
            return None
        if isinstance(value, Mapping):
            return {
                str(key): MASK
                if names_secret(str(key)) and isinstance(item, str)
                else self.value(item, depth - 1)
                for key, item in value.items()
            }
        if isinstance(value, list | tuple):
            return [self.value(item, depth - 1) for item in value]
        return value


def _masked(found: re.Match[str]) -> str:
    quote = found[3][0] if found[3][0] in "\"'“" else ""
    return f"{found[1]}{found[2]}{quote}{MASK}"
