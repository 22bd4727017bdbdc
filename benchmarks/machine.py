"""What the machine itself can do: the yardstick that every figure of ours is divided by."""

from __future__ import annotations

import os
import sqlite3
import time
from pathlib import Path


def durable_commits_per_s(folder: Path, seconds: float = 1.0) -> float:
    """One-row transactions on SQLite in WAL with synchronous=FULL, one after the other."""
    connection = sqlite3.connect(folder / "yardstick.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, body TEXT)")
    count, end = 0, time.perf_counter() + seconds
    began = time.perf_counter()
    while time.perf_counter() < end:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("INSERT INTO t (body) VALUES (?)", ("x" * 500,))
        connection.execute("COMMIT")
        count += 1
    rate = count / (time.perf_counter() - began)
    connection.close()
    return rate


def fdatasync_ms(folder: Path, times: int = 200) -> float:
    """Median of writing 4 kB and syncing it."""
    path = folder / "yardstick.bin"
    samples = []
    descriptor = os.open(path, os.O_CREAT | os.O_WRONLY)
    try:
        for _ in range(times):
            os.pwrite(descriptor, b"x" * 4096, 0)
            began = time.perf_counter()
            os.fdatasync(descriptor)
            samples.append(time.perf_counter() - began)
    finally:
        os.close(descriptor)
    return sorted(samples)[times // 2] * 1000
