"""Resident memory of the processes of a server."""

from __future__ import annotations

import os

import psutil


def megabytes(group: int) -> list[float]:
    """Return the resident memory of each process of a process group, the largest first."""
    found = []
    for process in psutil.process_iter():
        try:
            if os.getpgid(process.pid) == group:
                found.append(process.memory_info().rss / 1024 / 1024)
        except (ProcessLookupError, psutil.Error):
            continue
    return sorted(found, reverse=True)
