"""Putting the files of one commit on top of another branch of a mirror, and pushing that to its upstream."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Collection
from pathlib import Path

from integrations.errors import IntegrationError
from integrations.git_commands import GitError, run_local, run_long
from integrations.git_locks import exclusive
from integrations.git_repository import GitMirror
from integrations.git_results import NO_OBJECT, RESULT_PREFIX, Signature

# What Git says when a branch is not what it was when we looked.
_MOVED = ("[rejected]", "fetch first", "non-fast-forward", "stale info", "cannot lock ref")


class MovedError(IntegrationError):
    """The branch has moved since it was looked at: look again and try again."""


def changed_paths(mirror: GitMirror, before: str, after: str) -> frozenset[str]:
    """Return the paths whose content differs between two commits; a renamed file counts with both names."""
    answer = _git(mirror, "diff-tree", "-r", "-z", "--name-only", "--no-renames", before, after)
    return frozenset(path.decode("utf-8", "surrogateescape") for path in answer.split(b"\0") if path)


def contains(mirror: GitMirror, commit: str, ancestor: str) -> bool:
    """Return whether `ancestor` is `commit` or in its history."""
    try:
        return _text(mirror, "merge-base", "--all", commit, ancestor) == ancestor
    except GitError as error:
        if error.output:
            raise
        return False  # they have nothing in common


def parents(mirror: GitMirror, commit: str) -> list[str]:
    """Return the parents of a commit."""
    return _text(mirror, "show", "-s", "--no-notes", "--format=%P", commit).split()


def branch_commit(mirror: GitMirror, branch: str) -> str | None:
    """Return the commit of a branch of the mirror; None if there is no such branch."""
    try:
        return _text(mirror, "rev-parse", "--verify", "--quiet", f"refs/heads/{branch}^{{commit}}")
    except GitError as error:
        if error.output:
            raise
        return None


def commit_onto(
    mirror: GitMirror,
    paths: Collection[str],
    source: str,
    onto: str,
    message: str,
    *,
    branch: str,
    signature: Signature,
    should_stop: Callable[[], bool] = lambda: False,
) -> str:
    """Commit the files `paths` as `source` has them (or has not) on top of `onto`, as a new branch of ours.

    Returns the commit; `onto` itself if it has these files already. Nothing else of `onto` changes.
    """
    if not branch.startswith(RESULT_PREFIX):
        raise IntegrationError(f"{branch!r} is not a branch for results.", permanent=True)
    with exclusive(mirror.path, mirror.time_limit, should_stop):
        tree = _tree(mirror, sorted(paths), source, onto)
        if tree == _text(mirror, "rev-parse", f"{onto}^{{tree}}"):
            return onto
        made = run_local(
            [f"--git-dir={mirror.path}", "commit-tree", tree, "-p", onto, "-F", "-"],
            env={**mirror.env, **signature.environment()},
            stdin=message.encode("utf-8"),
        )
        commit = made.decode("ascii").strip()
        _git(mirror, "update-ref", f"refs/heads/{branch}", commit, NO_OBJECT)
        return commit


def push(
    mirror: GitMirror,
    commit: str,
    branch: str,
    *,
    expected: str | None,
    should_stop: Callable[[], bool] = lambda: False,
) -> None:
    """Push a commit to a branch of the upstream, which must be at `expected` there (None: not be there).

    Never forced over other commits: `MovedError` if somebody was faster.
    """
    lease = f"--force-with-lease=refs/heads/{branch}:{expected or ''}"
    refspec = f"{commit}:refs/heads/{branch}"
    arguments = ["push", "--quiet", "--no-verify", "--no-recurse-submodules", lease, "origin", refspec]
    try:
        run_long(
            arguments, env=mirror.env, cwd=mirror.path, time_limit=mirror.time_limit, should_stop=should_stop
        )
    except GitError as error:
        if any(sign in error.output for sign in _MOVED):
            raise MovedError(f"The branch {branch} has moved meanwhile.", permanent=False) from None
        if "[remote rejected]" in error.output:
            raise IntegrationError(f"The origin refuses the push: {error.message}", permanent=True) from None
        raise


def _tree(mirror: GitMirror, paths: list[str], source: str, onto: str) -> str:
    with tempfile.TemporaryDirectory(prefix="stagegate-index-") as directory:
        index = {**mirror.env, "GIT_INDEX_FILE": str(Path(directory) / "index")}
        git_dir = f"--git-dir={mirror.path}"
        run_local([git_dir, "read-tree", onto], env=index)
        entries = bytearray()
        for path in paths:
            name = path.encode("utf-8", "surrogateescape")
            listed = run_local([git_dir, "ls-tree", "-z", "--full-tree", source, "--", path], env=mirror.env)
            facts = listed.partition(b"\t")[0].split()
            mode, sha = (facts[0], facts[2]) if facts else (b"0", NO_OBJECT.encode())
            entries += b"%s %s\t%s\0" % (mode, sha, name)
        run_local([git_dir, "update-index", "-z", "--index-info"], env=index, stdin=bytes(entries))
        return run_local([git_dir, "write-tree"], env=index).decode("ascii").strip()


def _git(mirror: GitMirror, *arguments: str) -> bytes:
    return run_local([f"--git-dir={mirror.path}", *arguments], env=mirror.env)


def _text(mirror: GitMirror, *arguments: str) -> str:
    return _git(mirror, *arguments).decode("utf-8", "replace").strip()
