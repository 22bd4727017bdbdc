"""The lockfile: what exactly was looked at, with which tools, by whom, signed by this instance."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any, Literal

import rfc8785

from backend.contracts.errors import Invalid, Issue
from backend.contracts.plans import IR, Catalogue, Trust
from backend.contracts.tools import DESCRIPTIVE
from backend.plans.ir import ir_hash

Origin = Literal["planner", "edited", "hand"]
Tools = Mapping[str, Mapping[str, str]]
_LABEL = b"lightning lockfile 1"
_FIELDS = frozenset(
    {"ir_hash", "tool_versions", "created_by", "created_at", "origin", "trust"}
    | {"planning_id", "signature"}
)


@dataclass(frozen=True, slots=True)
class Lock:
    """`tool_versions` has, per tool, its "version" and the sha256 of its "contract" (both empty for a
    tool that there was not). `created_by` is a planner or a user's id, `created_at` ISO, in UTC.
    `planning_id` is the session it was planned in, "" for none. `signature` is in hex, over everything
    else."""

    ir_hash: str
    tool_versions: Tools
    created_by: str
    created_at: str
    origin: Origin
    trust: Trust
    planning_id: str = ""
    signature: str = ""

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def make_lock(
    ir: IR,
    catalogue: Catalogue,
    key: str,
    *,
    created_by: str,
    created_at: datetime,
    origin: Origin,
    trust: Trust,
    planning_id: str = "",
) -> Lock:
    """The signed lock of `ir` with the tools as they are. `key` is the instance's signing key."""
    versions = tool_versions(ir, catalogue)
    at = created_at.isoformat()
    lock = Lock(ir_hash(ir), versions, created_by, at, origin, trust, planning_id)
    return replace(lock, signature=_signature(lock, key))


def read_lock(raw: Any) -> Lock | None:
    """A lock from JSON; None for what is none. Its signature is still to be verified."""
    if not isinstance(raw, Mapping) or raw.keys() != _FIELDS:
        return None
    texts = [raw[name] for name in _FIELDS - {"tool_versions"}]
    tools = raw["tool_versions"]
    if not all(isinstance(text, str) for text in texts) or not _are_tools(tools):
        return None
    return Lock(**raw)


def is_signed(lock: Lock, key: str) -> bool:
    """Whether this instance made exactly this lock."""
    try:
        expected = _signature(lock, key)
    except (rfc8785.CanonicalizationError, UnicodeError):
        return False
    return hmac.compare_digest(expected.encode(), lock.signature.encode("utf-8", "replace"))


def verify(lock: Lock, ir: IR, catalogue: Catalogue, key: str) -> tuple[Issue, ...]:
    """What of the lock does not hold any more, in words; nothing when all does.

    PLAN_LOCK_FORGED: this instance did not sign it so. PLAN_LOCK_BROKEN: the plan is another than
    the locked one. PLAN_TOOLS_CHANGED, once for each tool: its version or contract differs.
    """
    issues: list[Issue] = []
    if not is_signed(lock, key):
        issues.append(
            Issue(
                code="PLAN_LOCK_FORGED",
                message="The lockfile was changed, or was made somewhere else.",
                suggestion="Have the plan checked and approved anew.",
            )
        )
    if lock.ir_hash != _hash_or_none(ir):
        issues.append(
            Issue(
                code="PLAN_LOCK_BROKEN",
                message="The plan was changed by hand since it was locked.",
                suggestion="Have the plan checked and approved anew.",
            )
        )
    now = tool_versions(ir, catalogue)
    for tool in sorted(lock.tool_versions.keys() | now.keys()):
        if said := _difference(tool, lock.tool_versions.get(tool), now.get(tool)):
            issues.append(
                Issue(
                    code="PLAN_TOOLS_CHANGED",
                    message=said,
                    suggestion="Look at the fresh revision and approve that.",
                )
            )
    return tuple(issues)


def tool_versions(ir: IR, catalogue: Catalogue) -> dict[str, dict[str, str]]:
    """Per tool the plan uses: its version and the digest of its contract."""
    return {
        tool: _version(tool, catalogue) for tool in dict.fromkeys(node.tool for node in ir.nodes)
    }


def tools_hash(ir: IR, catalogue: Catalogue) -> str:
    """Changes when the contract of any tool the plan uses changes, and for no other reason."""
    return hashlib.sha256(rfc8785.dumps(tool_versions(ir, catalogue))).hexdigest()


def trust_of(origin: Origin, before: Trust | None) -> Trust:
    """How far a revision is trusted, after that of the revision it was made from (None: from none).

    What a planner made of a planner's work alone is trusted. An edit makes it mixed, and mixed it
    stays; nothing that comes from a document written by hand is trusted again.
    """
    if origin == "hand" or before == "untrusted":
        return "untrusted"
    return "trusted" if origin == "planner" and before in (None, "trusted") else "mixed"


def _version(tool: str, catalogue: Catalogue) -> dict[str, str]:
    spec = catalogue.tools.get(tool)
    if spec is None:
        return {"version": "", "contract": ""}
    contract = spec.model_dump_json(exclude=DESCRIPTIVE).encode()
    return {"version": spec.version, "contract": hashlib.sha256(contract).hexdigest()}


def _difference(tool: str, then: Mapping[str, str] | None, now: Mapping[str, str] | None) -> str:
    if then is None:
        return f"The tool {tool} is used now."
    if now is None:
        return f"The tool {tool} is not used any more."
    if then == now:
        return ""
    if not now["contract"]:
        return f"The tool {tool} is gone."
    if not then["contract"]:
        return f"The tool {tool} is there now."
    if then["version"] != now["version"]:
        return f"The tool {tool} changed from version {then['version']} to {now['version']}."
    return f"The contract of the tool {tool} changed within version {now['version']}."


def _signature(lock: Lock, key: str) -> str:
    signed = {name: value for name, value in asdict(lock).items() if name != "signature"}
    # a key of its own: what signs tokens must sign nothing else
    own = hmac.digest(key.encode(), _LABEL, "sha256")
    return hmac.new(own, rfc8785.dumps(signed), "sha256").hexdigest()


def _hash_or_none(ir: IR) -> str | None:
    try:
        return ir_hash(ir)
    except Invalid:
        return None


def _are_tools(tools: Any) -> bool:
    return isinstance(tools, Mapping) and all(
        isinstance(version, Mapping)
        and version.keys() == {"version", "contract"}
        and all(isinstance(text, str) for text in version.values())
        for version in tools.values()
    )
