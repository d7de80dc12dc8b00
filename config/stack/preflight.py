"""What must hold before anything starts. Each failure is one clear line with the way out."""

import fcntl
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

# The kernel's limit for the path of a Unix socket is 108 bytes, terminator included.
_SOCKET_PATH_LIMIT = 100


class StartError(Exception):
    """A reason not to start, in one line for the operator."""


def python_version() -> None:
    """Refuse any Python but 3.11, for which the requirements are pinned."""
    if sys.version_info[:2] != (3, 11):
        found = f"{sys.version_info.major}.{sys.version_info.minor}"
        raise StartError(f"Stagegate needs Python 3.11, and this is {found}. Try: make up PYTHON=python3.11")


def free_port(port: int, variable: str, what: str) -> None:
    """Refuse a port that another program listens on."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise StartError(
                f"Port {port} for {what} is taken. Stop the program that listens there, "
                f"or choose another: {variable}={port + 1} make up"
            ) from error


def socket_path(path: Path) -> None:
    """Refuse a path that the kernel cannot bind as a Unix socket."""
    if len(str(path).encode()) > _SOCKET_PATH_LIMIT:
        raise StartError(
            f"The folder {path.parent} is too deep for a socket. "
            "Choose a shorter one with STAGEGATE_DATA_DIR, or name your own Redis with REDIS_URL."
        )


@contextmanager
def only_one(data_dir: Path) -> Iterator[TextIO]:
    """Hold the lock of `data_dir` while the stack runs; the kernel frees it even after a kill."""
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        file = (data_dir / "stack.lock").open("w", encoding="ascii")
    except OSError as error:
        raise StartError(f"Cannot write to {data_dir}: {error.strerror}. Set STAGEGATE_DATA_DIR.") from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise StartError(f"Stagegate is already running from {data_dir}.") from error
        yield file
