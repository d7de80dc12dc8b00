"""The folder of one attempt at one job: fresh at the start, gone afterwards."""

import contextlib
import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings

from experiments.job_fence import Fence


def path(fence: Fence) -> Path:
    """Return where the folder of this attempt is; it need not exist."""
    return Path(settings.DATA_DIR) / "jobs" / f"{fence.job_id}-{fence.attempt}"


@contextlib.contextmanager
def fresh(fence: Fence) -> Iterator[Path]:
    """Make the folder, empty and for nobody else; remove it at the end, and now those of earlier attempts."""
    for attempt in range(1, fence.attempt + 1):
        remove(Fence(fence.job_id, attempt))
    folder = path(fence)
    folder.mkdir(parents=True, mode=stat.S_IRWXU)
    try:
        yield folder
    finally:
        remove(fence)


def remove(fence: Fence) -> None:
    """Remove the folder if it is there, whatever permissions a program gave its content."""
    folder = path(fence)
    shutil.rmtree(folder, ignore_errors=True)
    if folder.exists():
        with contextlib.suppress(OSError):
            _unlock(folder)
        shutil.rmtree(folder, ignore_errors=True)


def _unlock(folder: Path) -> None:
    # What is in a folder cannot be removed without permission to write to the folder.
    folder.chmod(stat.S_IRWXU)
    for parent, names, _ in os.walk(folder):
        for name in names:
            child = Path(parent, name)
            if not child.is_symlink():
                child.chmod(stat.S_IRWXU)
