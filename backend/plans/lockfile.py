"""What an approval is bound to besides the plan itself: the contracts of the tools it uses."""

from __future__ import annotations

import hashlib

from backend.contracts.plans import IR, Catalogue
from backend.contracts.tools import DESCRIPTIVE


def tools_hash(ir: IR, catalogue: Catalogue) -> str:
    """Changes when the contract of any tool the plan uses changes, and for no other reason."""
    digest = hashlib.sha256()
    for tool in sorted({node.tool for node in ir.nodes}):
        spec = catalogue.tools.get(tool)
        digest.update(
            f"{tool}={spec.model_dump_json(exclude=DESCRIPTIVE) if spec else 'none'}\n".encode()
        )
    return digest.hexdigest()
