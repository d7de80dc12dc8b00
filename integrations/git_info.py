"""Which commit, branch and tag a working directory is at."""

from __future__ import annotations

import os
from pathlib import Path

from integrations.git_commands import GitError, git_environment, run_local

FACTS = {
    "git_commit": ["rev-parse", "--verify", "HEAD"],
    "git_branch": ["symbolic-ref", "--short", "HEAD"],
    "git_tag": ["describe", "--tags", "HEAD"],
}
REASONS = (
    ("not a git repository", "not a Git repository"),
    ("needed a single revision", "the repository has no commit yet"),
    ("not a symbolic ref", "HEAD is detached"),
    ("dubious ownership", "the repository belongs to another user"),
    ("no names found", "no tag leads to this commit"),
    ("no tags can describe", "no tag leads to this commit"),
    ("not a valid object name head", "the repository has no commit yet"),
)


class GitInfo(dict[str, str]):
    """``git_commit``, ``git_branch`` and ``git_tag``, ready to be used as keyword arguments.

    A fact that could not be found is the empty string, and ``missing`` says why.
    """

    def __init__(self, facts: dict[str, str], missing: dict[str, str]) -> None:
        super().__init__(facts)
        self.missing = missing


def get_git_info(path: str | os.PathLike[str] | None = None) -> GitInfo:
    """Return what Git says about the working directory ``path`` (default: the current one).

    ``git_commit`` is the full hash of HEAD; ``git_branch`` the branch that is checked out; ``git_tag`` what
    ``git describe --tags`` says: the newest tag that leads to HEAD, followed by ``-<commits>-g<hash>`` when
    HEAD is ahead of it. Never raises because of the state of the repository: what is not known is ``""`` and
    named, with the reason, in the ``missing`` attribute of the answer.
    """
    facts = dict.fromkeys(FACTS, "")
    missing: dict[str, str] = {}
    directory = Path.cwd() if path is None else Path(path)
    if not directory.is_dir():
        return GitInfo(facts, dict.fromkeys(FACTS, "no such directory"))
    for name, arguments in FACTS.items():
        try:
            answer = run_local(arguments, cwd=directory, env=git_environment(), time_limit=10.0)
            facts[name] = answer.decode("utf-8", errors="replace").strip()
        except GitError as error:
            missing[name] = _reason(error)
    if "git_commit" in missing:  # without a commit Git's own reason for the missing tag misleads
        missing["git_tag"] = missing["git_commit"]
    return GitInfo(facts, missing)


def _reason(error: GitError) -> str:
    answer = error.output.lower()
    return next((reason for sign, reason in REASONS if sign in answer), error.message)
