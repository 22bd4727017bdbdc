"""Deliveries signed as Standard Webhooks 1.0 have it: who sent it, when, and that nobody changed it."""

from __future__ import annotations

import base64
import hmac
from collections.abc import Mapping
from datetime import datetime

from backend.contracts.errors import Unauthenticated

ID, TIMESTAMP, SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"
TOLERANCE_S = 300
_LABEL = b"lightning notify 1"
_MAX_ID = 200


def notify_key(signing_key: str) -> bytes:
    """The key of deliveries: one of its own, as what signs tokens must sign nothing else."""
    return hmac.digest(signing_key.encode(), _LABEL, "sha256")


def secret(signing_key: str) -> str:
    """The key as the libraries for Standard Webhooks take it: `whsec_` and base64."""
    return f"whsec_{base64.b64encode(notify_key(signing_key)).decode()}"


def signed(key: bytes, id: str, at: datetime, body: bytes) -> dict[str, str]:
    """The headers of a delivery: the same `id` for all its attempts, the time of this one."""
    seconds = str(int(at.timestamp()))
    return {ID: id, TIMESTAMP: seconds, SIGNATURE: f"v1,{_signature(key, id, seconds, body)}"}


def verified(key: bytes, headers: Mapping[str, str], body: bytes, now: datetime) -> str:
    """The delivery's id. Raises `Unauthenticated` when it is not signed with `key`, or was signed more
    than five minutes from `now`. Header names are in lower case."""
    id, seconds, given = (headers.get(name, "") for name in (ID, TIMESTAMP, SIGNATURE))
    if not 0 < len(id) <= _MAX_ID or not (seconds.isascii() and seconds.isdigit()):
        raise _refused(f"It needs the headers {ID}, {TIMESTAMP} and {SIGNATURE}.")
    expected = f"v1,{_signature(key, id, seconds, body)}".encode()
    # Several signatures, by spaces: the sender's key may be about to change.
    if not any(hmac.compare_digest(expected, one.encode()) for one in given.split(" ")):
        raise _refused("Its signature is not ours.")
    if abs(now.timestamp() - int(seconds)) > TOLERANCE_S:
        raise Unauthenticated(
            "This delivery was signed too long ago, or ahead of time.",
            code="EXEC_DELIVERY_EXPIRED",
            hint="Sign each attempt anew; compare the clocks.",
        )
    return id


def _signature(key: bytes, id: str, seconds: str, body: bytes) -> str:
    content = b".".join((id.encode("utf-8", "replace"), seconds.encode(), body))
    return base64.b64encode(hmac.digest(key, content, "sha256")).decode()


def _refused(why: str) -> Unauthenticated:
    return Unauthenticated(
        f"This delivery is not signed. {why}",
        code="EXEC_SIGNATURE_INVALID",
        hint="How to sign is in docs/reference/notify.md.",
    )
