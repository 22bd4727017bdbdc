"""Web addresses that start a plan: unguessable, derived from the instance's key, nothing to store."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterable, Mapping
from typing import Any

PATH = "/api/hooks"
_LABEL = b"lightning webhook 1"


def hook_token(plan_id: str, trigger: str, key: str) -> str:
    """The last part of the address of a plan's webhook trigger; the same for all its revisions."""
    # a key of its own: what signs tokens must sign nothing else
    own = hmac.digest(key.encode(), _LABEL, "sha256")
    mac = hmac.digest(own, f"{plan_id}\x1f{trigger}".encode(), "sha256")
    return f"{plan_id}.{base64.urlsafe_b64encode(mac[:24]).decode()}"


def plan_of(token: str) -> str:
    """The plan an address claims to be of; whether it is, its trigger's token tells."""
    return token.rpartition(".")[0]


def called(
    token: str, plan_id: str, triggers: Iterable[Mapping[str, Any]], key: str
) -> Mapping[str, Any] | None:
    """The webhook trigger whose address this is."""
    given = token.encode("utf-8", "replace")
    for trigger in triggers:
        if trigger["kind"] == "webhook" and hmac.compare_digest(
            hook_token(plan_id, trigger["name"], key).encode(), given
        ):
            return trigger
    return None


def is_signed(secret: str, body: bytes, signature: str) -> bool:
    """Whether `signature` is `sha256=` and the HMAC-SHA256 of the body in hex, as GitHub and many
    others send it in X-Hub-Signature-256."""
    expected = "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(expected.encode(), signature.strip().encode("utf-8", "replace"))
