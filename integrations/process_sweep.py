"""Finds and kills what a command left behind on this host, when its launcher could not do it any more."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

from integrations.launcher import process_ids, process_numbers

MARKER_VARIABLE = "STAGEGATE_JOB"
SWEEP_SECONDS = 10.0


def kill_marked(marker: str) -> int:
    """Kill every process of this host whose environment says ``STAGEGATE_JOB=<marker>``; return how many.

    The calling process is left alone. Processes of other users cannot be seen (unless this runs as root).
    """
    entry = f"{MARKER_VARIABLE}={checked_marker(marker)}".encode()
    return _kill_where(lambda pid: _has_entry(pid, entry))


def kill_session(leader: int) -> int:
    """Kill every process of the session (or process group) that ``leader`` started; return how many."""
    return _kill_where(lambda pid: leader in process_numbers(pid)[1:])


def checked_marker(marker: str) -> str:
    """Return the marker; ``ValueError`` if it is empty or could not be told from its surroundings."""
    if not marker or not marker.isprintable():
        raise ValueError("a marker is a non-empty string of printable characters")
    return marker


def _kill_where(wanted: Callable[[int], bool]) -> int:
    """Kill until nothing is found twice: a process may fork while it is looked for, and shows an empty
    environment for the moment in which it becomes another program.
    """
    killed: set[int] = set()
    empty_passes = 0
    give_up = time.monotonic() + SWEEP_SECONDS
    while empty_passes < 2 and time.monotonic() < give_up:
        found = [pid for pid in process_ids() if pid != os.getpid() and _kill_if(wanted, pid)]
        killed.update(found)
        empty_passes = 0 if found else empty_passes + 1
        time.sleep(0.01)
    return len(killed)


def _kill_if(wanted: Callable[[int], bool], pid: int) -> bool:
    if not wanted(pid):
        return False
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return False
    try:
        if not wanted(pid):  # the number may have passed to another process before it was held
            return False
        signal.pidfd_send_signal(handle, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return False
    finally:
        os.close(handle)
    return True


def _has_entry(pid: int, entry: bytes) -> bool:
    try:
        return entry in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return False
