"""How the tests are spread over the processors."""

from __future__ import annotations

from typing import Any

import pytest
from xdist.scheduler import LoadGroupScheduling

JOURNEYS = "tests/journeys/"
SHARING = "tests/deploy/"
SERVING = "tests/chat/test_several.py"


class Spread(LoadGroupScheduling):
    """Any test anywhere, but some where the others are: journeys one after the other, as each has a browser
    and a server that want a processor, what is deployed is declared once for a file, and servers that several
    tests share are started once for each database.

    By path, because the marks of xdist 3.8 (`xdist_group`) do nothing under pytest 9.
    """

    def _split_scope(self, nodeid: str) -> str:
        path, _, _ = nodeid.partition("::")
        if path.startswith(JOURNEYS):
            return JOURNEYS
        if path == SERVING:
            return path + nodeid.partition("[")[2]
        return path if path.startswith(SHARING) else nodeid


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Spread | None:
    return Spread(config, log) if config.getvalue("dist") == "loadgroup" else None
