"""How the tests are spread over the processors."""

from __future__ import annotations

from typing import Any

import pytest
from xdist.scheduler import LoadGroupScheduling

TOGETHER = ("tests/azure/", "tests/chat/", "tests/deploy/")
SERVING = "tests/chat/test_several.py"  # starts two servers for each database


class Spread(LoadGroupScheduling):
    """Any test anywhere, but some where the others are, as they share what takes long to start: servers,
    browsers, a declared deployment. Of the journeys, two go on at once: each has a browser and a server that
    want a processor.

    By path, because the marks of xdist 3.8 (`xdist_group`) do nothing under pytest 9.
    """

    def _split_scope(self, nodeid: str) -> str:
        path, _, _ = nodeid.partition("::")
        folder, _, name = path.rpartition("/")
        if folder == "tests/journeys":
            return f"{folder}/{'a-m' if name < 'test_n' else 'n-z'}"
        if path == SERVING:
            return path + nodeid.partition("[")[2]
        return next((shared for shared in TOGETHER if path.startswith(shared)), nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Spread | None:
    return Spread(config, log) if config.getvalue("dist") == "loadgroup" else None
