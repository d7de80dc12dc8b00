"""Making real Git repositories for tests."""

from __future__ import annotations

import subprocess
from pathlib import Path

from integrations.git_commands import git_environment

IDENTITY = {
    f"GIT_{role}_{field}": value
    for role in ("AUTHOR", "COMMITTER")
    for field, value in (("NAME", "Tester"), ("EMAIL", "tester@example.org"))
}


def git(repository: Path, *arguments: str) -> str:
    """Run Git with a fixed identity in a directory and return what it printed."""
    done = subprocess.run(
        ["git", *arguments],
        cwd=repository,
        env={**git_environment(), **IDENTITY},
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.strip()


def make_repository(path: Path, files: dict[str, str] | None = None) -> Path:
    """Make a repository with one commit on ``main``."""
    path.mkdir(parents=True)
    git(path, "init", "--quiet", "--initial-branch=main")
    commit(path, files or {"README": "hello\n"}, "first")
    return path


def commit(repository: Path, files: dict[str, str], message: str) -> str:
    """Write files, commit them, and return the hash."""
    for name, text in files.items():
        target = repository / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    git(repository, "add", "--all")
    git(repository, "commit", "--quiet", "--allow-empty", "--message", message)
    return git(repository, "rev-parse", "HEAD")
