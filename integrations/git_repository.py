"""Managed mirrors of Git repositories, and what Git says about a working directory (:func:`get_git_info`)."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from integrations import git_results
from integrations.errors import IntegrationError
from integrations.git_commands import (
    ALLOWED_PROTOCOLS,
    NETWORK_SECONDS,
    GitError,
    git_environment,
    run_local,
    run_long,
)
from integrations.git_info import GitInfo, get_git_info
from integrations.git_locks import exclusive
from integrations.git_reading import Commit, GitReader, Ref
from integrations.git_urls import checked_url

__all__ = ["Commit", "GitError", "GitInfo", "GitMirror", "Ref", "get_git_info"]

# Upstream's branches and tags become ours, but upstream can neither write nor prune our own results.
REFSPECS = (
    "+refs/heads/*:refs/heads/*",
    "+refs/tags/*:refs/tags/*",
    f"^refs/heads/{git_results.RESULT_PREFIX.rstrip('/')}",
    f"^refs/heads/{git_results.RESULT_PREFIX}*",
)


class GitMirror(GitReader):
    """A bare copy of an upstream repository that also keeps our results, on branches ``stagegate/*``.

    All reading methods (of :class:`GitReader`) work without the upstream. Every error is an
    :class:`IntegrationError`.

    Parameters
    ----------
    path:
        The directory that :meth:`create` made.
    protocols:
        Transports that may be used; ``file`` covers paths on this host.
    environment:
        Additional variables for Git, for example ``GIT_SSH_COMMAND`` or ``GIT_ASKPASS``.
    time_limit:
        Seconds for a fetch or a clone.
    """

    def __init__(
        self,
        path: Path,
        *,
        protocols: Collection[str] = ALLOWED_PROTOCOLS,
        environment: Mapping[str, str] | None = None,
        time_limit: float = NETWORK_SECONDS,
    ) -> None:
        super().__init__(Path(path).absolute(), git_environment(protocols, environment))
        if not (self.path / "HEAD").is_file():
            raise IntegrationError(f"There is no Git mirror at {path}.", permanent=True)
        self.protocols = tuple(protocols)
        self.time_limit = time_limit

    @classmethod
    def create(
        cls,
        url: str,
        path: Path,
        *,
        protocols: Collection[str] = ALLOWED_PROTOCOLS,
        environment: Mapping[str, str] | None = None,
        time_limit: float = NETWORK_SECONDS,
    ) -> GitMirror:
        """Make an empty mirror of ``url``; :meth:`fetch` fills it. Repeating the call changes nothing.

        Permanent ``IntegrationError`` for a URL that is refused, or if ``path`` mirrors another URL.
        """
        url = checked_url(url, protocols)
        path = Path(path).absolute()
        if not path.exists():
            _initialise(url, path, git_environment(protocols, environment))
        mirror = cls(path, protocols=protocols, environment=environment, time_limit=time_limit)
        if mirror.url != url:
            raise IntegrationError(f"{path} is already the mirror of another repository.", permanent=True)
        return mirror

    @property
    def url(self) -> str:
        """Address of the upstream, as given to :meth:`create`."""
        return self._text("config", "--get", "remote.origin.url")

    def fetch(self, should_stop: Callable[[], bool] = lambda: False) -> None:
        """Bring branches and tags up to date, drop those upstream dropped, and follow its default branch."""
        checked_url(self.url, self.protocols)
        with exclusive(self.path, self.time_limit, should_stop):
            self._long(
                [
                    "fetch",
                    "--prune",
                    "--no-tags",
                    "--no-recurse-submodules",
                    "--no-write-fetch-head",
                    "origin",
                ],
                should_stop,
            )
            answer = self._long(["ls-remote", "--symref", "origin", "HEAD"], should_stop)
            self._follow_default_branch(answer)

    def _follow_default_branch(self, answer: Sequence[str]) -> None:
        for line in answer:
            if line.startswith("ref: refs/heads/") and line.endswith("\tHEAD"):
                reference = line.removeprefix("ref: ").removesuffix("\tHEAD")
                if self._has_reference(reference):
                    self._git("symbolic-ref", "HEAD", reference)

    def clone_at(self, sha: str, destination: Path, should_stop: Callable[[], bool] = lambda: False) -> Path:
        """Make an independent working directory at exactly ``sha`` (HEAD detached) and return it.

        It shares object files with the mirror by hard links where the file system allows, has no remote, so
        that what runs inside does not push by accident, and runs no hooks. Submodules stay empty and files
        kept by Git LFS stay pointers. ``destination`` must not exist.
        """
        self.require(sha)
        if destination.exists():
            raise IntegrationError(f"{destination} exists already.", permanent=True)
        destination.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._clone(sha, destination.absolute(), should_stop)
        except BaseException:
            shutil.rmtree(destination, ignore_errors=True)
            raise
        return destination

    def _clone(self, sha: str, destination: Path, should_stop: Callable[[], bool]) -> None:
        settings = (
            "core.hooksPath=/dev/null",
            "core.fsmonitor=false",
            "gc.auto=0",
            "submodule.recurse=false",
        )
        options = [word for setting in settings for word in ("--config", setting)]
        self._long(
            [
                "clone",
                "--local",
                "--no-checkout",
                "--template=",
                *options,
                "--",
                str(self.path),
                str(destination),
            ],
            should_stop,
            destination.parent,
        )
        self._long(["checkout", "--quiet", "--detach", sha], should_stop, destination)
        self._long(["remote", "remove", "origin"], should_stop, destination)

    def commit_result(
        self,
        workdir: Path,
        paths: Iterable[str],
        message: str,
        *,
        branch: str,
        author_name: str,
        author_email: str,
        parent: str | None = None,
        when: datetime | None = None,
        should_stop: Callable[[], bool] = lambda: False,
    ) -> str:
        """Commit files of a clone on top of the commit it was made from, as a new branch of this mirror.

        The files are read as data and written straight to the mirror: no Git command runs inside the clone,
        whose configuration the job may have changed.

        Parameters
        ----------
        workdir, paths:
            The clone and existing files or directories in it. A directory is taken as it is now: files that
            the parent commit has below it and that are gone are removed. Links are refused.
        branch:
            ``stagegate/...``. It is created and never moves: name it by job and attempt. Calling again with
            the same files returns the commit that is there; with other files it is a permanent error.
        parent:
            Hash of the parent commit; default: the commit at which the clone stands. Give it when the code
            that ran in the clone might have moved that.
        when:
            Date of the commit (aware). The same date, author and message give the same hash on any branch.
        should_stop:
            Asked while another writer of this mirror is waited for; ``True`` gives up (not permanent).
        """
        result = git_results.collect(Path(workdir), paths)
        parent = parent or git_results.head_of(Path(workdir))
        self.require(parent)
        if not branch.startswith(git_results.RESULT_PREFIX) or not self._is_well_formed(
            f"refs/heads/{branch}"
        ):
            raise IntegrationError(f"{branch!r} is not a branch for results.", permanent=True)
        signature = git_results.Signature(author_name, author_email, when)
        with exclusive(self.path, self.time_limit, should_stop):
            return git_results.commit_files(
                self.path, self.env, result, message, parent=parent, branch=branch, signature=signature
            )

    def _long(
        self,
        arguments: Sequence[str],
        should_stop: Callable[[], bool] = lambda: False,
        cwd: Path | None = None,
    ) -> list[str]:
        where = cwd or self.path
        return run_long(
            arguments, env=self.env, cwd=where, time_limit=self.time_limit, should_stop=should_stop
        )


def _initialise(url: str, path: Path, env: Mapping[str, str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".new-mirror-") as directory:
        fresh = Path(directory) / "mirror"
        run_local(["init", "--quiet", "--bare", "--template=", "--", str(fresh)], env=env)
        with (fresh / "config").open("a", encoding="utf-8") as config:
            config.write(_settings(url))
        try:
            fresh.rename(path)
        except OSError:
            if not path.exists():  # otherwise somebody made the same mirror at the same time
                raise


def _settings(url: str) -> str:
    """Return the mirror's own settings, in the syntax of Git's configuration files."""
    quoted = url.replace("\\", "\\\\").replace('"', '\\"')
    specs = "".join(f"\tfetch = {spec}\n" for spec in REFSPECS)
    # Others may push to or clone from the mirror with their own configuration: hooks stay off, too.
    always = "[core]\n\thooksPath = /dev/null\n[gc]\n\tauto = 0\n\tpruneExpire = never\n"
    return f'[remote "origin"]\n\turl = "{quoted}"\n{specs}{always}'
