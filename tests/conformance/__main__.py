"""make conformance: every port's suite on every adapter, and what came of it as a table."""

from __future__ import annotations

import sys
from collections import Counter, defaultdict
from pathlib import Path

import pytest

PORTS = {
    "test_bus_delivery": "Bus",
    "test_bus_log": "Bus",
    "test_bus_settling": "Bus",
    "test_store": "Store",
    "test_blobs": "Blobs",
    "test_files": "Files",
}
FIXTURES = ("buses", "store", "blobs", "files")


class Table:
    """Counts what each port's suite came to, by adapter."""

    def __init__(self) -> None:
        self.adapters: dict[str, tuple[str, str]] = {}
        self.counts: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        for item in items:
            port = PORTS.get(Path(item.path).stem)
            params = getattr(getattr(item, "callspec", None), "params", {})
            adapter = next((str(params[name]) for name in FIXTURES if name in params), None)
            if port and adapter:
                self.adapters[item.nodeid] = (port, adapter)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        place = self.adapters.get(report.nodeid)
        if place is None:
            return
        if report.when == "call" or report.outcome != "passed":
            self.counts[place][report.outcome] += 1

    def __str__(self) -> str:
        lines = [f"{'port':<7}{'adapter':<18}{'passed':>7}{'failed':>8}{'skipped':>9}"]
        for (port, adapter), found in self.counts.items():
            told = "".join(
                f"{found[name]:>{n}}" for name, n in (("passed", 7), ("failed", 8), ("skipped", 9))
            )
            lines.append(f"{port:<7}{adapter:<18}{told}")
        return "\n".join(lines)


if __name__ == "__main__":
    table = Table()
    code = pytest.main([str(Path(__file__).parent), *sys.argv[1:]], plugins=[table])
    print(f"\n{table}")
    sys.exit(code)
