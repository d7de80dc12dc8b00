"""Which paths a ``.dvcignore`` excludes, as DVC itself says."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from integrations.dvc_commands import DVCCommands, DVCError

PATHS_PER_CALL = 500


def ignored(root: Path, commands: DVCCommands, paths: Collection[str]) -> set[str]:
    """Return those of the paths (relative to the repository ``root``) that ``.dvcignore`` excludes.

    ``commands`` are asked only where such a file says anything.
    """
    found: set[str] = set()
    waiting = list(paths) if _has_rules(root) else []
    while waiting:
        batch, waiting = waiting[:PATHS_PER_CALL], waiting[PATHS_PER_CALL:]
        try:
            found.update(commands.text("check-ignore", "--", *batch).splitlines())
        except DVCError as error:
            if error.returncode != 1 or error.last_lines:  # 1 and silence: none of them
                raise
    return found & set(paths)


def _has_rules(root: Path) -> bool:
    """Whether a ``.dvcignore`` says anything; the one that ``dvc init`` makes has only comments."""
    lines = (
        line for file in root.rglob(".dvcignore") for line in file.read_text(errors="replace").splitlines()
    )
    return any(line.strip() and not line.startswith("#") for line in lines)
