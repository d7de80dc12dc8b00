"""Facts about the machine, for whoever reads the figures."""

from __future__ import annotations

import os
import platform
import sqlite3
from importlib.metadata import version
from pathlib import Path

import psutil


def facts() -> list[str]:
    """Return one sentence for each fact."""
    memory = psutil.virtual_memory().total / 1024**3
    busy = ", ".join(f"{load:.1f}" for load in os.getloadavg())
    return [
        f"{os.cpu_count()} cores ({_processor()}), {memory:.0f} GB of memory, {platform.system()}",
        f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, "
        f"MLflow {version('mlflow')}, Django {version('django')}",
        f"load of the machine over 1, 5 and 15 minutes when the measurement began: {busy}",
    ]


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
