"""Keeps the memory and the environment of this process from others of the same user. Linux."""

from __future__ import annotations

import ctypes
import os
import sys

PR_GET_DUMPABLE = 3
PR_SET_DUMPABLE = 4


def close_to_others() -> str:
    """Make this process, and those that it forks, unreadable in /proc and for debuggers.

    A program that it starts is readable again (`execve` resets it): stages and launchers stay as they were.
    Root may look all the same.

    :return: why it could not be done; empty if it was done. Nothing depends on it, so nothing is raised
    """
    if sys.platform != "linux":
        return f"{sys.platform} has no such protection"
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        done: int = libc.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
    except (OSError, AttributeError) as error:
        return str(error)
    return "" if done == 0 else os.strerror(ctypes.get_errno())


def is_closed() -> bool:
    """Return whether others of the same user cannot read this process."""
    return sys.platform == "linux" and ctypes.CDLL(None).prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0
