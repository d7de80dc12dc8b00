"""A job's clone of a repository, and DVC at work in it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from django.conf import settings

from experiments import stage_environment
from experiments.job_context import JobContext
from experiments.parameter_values import Value
from experiments.parameters import ParameterErrors, ParametersFileError, apply_overrides
from experiments.pipeline_summary import place, uncached
from integrations import environment_probe
from integrations.dvc_clone import configure_clone
from integrations.dvc_commands import DVCCommands, DVCError, Limits
from integrations.dvc_experiments import read_metrics
from integrations.dvc_files import DEFAULT_PARAMS_FILE, PIPELINE_FILE, read_pipeline
from integrations.dvc_locks import LOCK_FILE, read_lock
from integrations.dvc_pipeline import DVCPipelineManager
from integrations.dvc_records import Lock, Pipeline
from integrations.dvc_verification import Mismatch, verify_outputs
from integrations.environment_probe import Environment
from integrations.errors import IntegrationError
from integrations.git_repository import GitMirror
from integrations.yaml_text import load_mapping

MAX_TRACKED = 10_000
MAX_DVC_FILE = 1_000_000
# What DVC says when the bytes are nowhere, as opposed to a remote that cannot be reached now.
_NOWHERE = ("error.dvc.org/missing-files", "Missing cache files", "missing data 'source'")
_PROBE_SECONDS = 300.0
_SHOWN = 10


class PipelineClone:
    """A clone at an exact commit, below the workspace of a job.

    :param context: the job that it belongs to; its programs carry the job's mark and stop with it
    :param cache_dir: DVC's cache; the one that all jobs share if left out
    """

    def __init__(self, context: JobContext, *, cache_dir: Path | None = None) -> None:
        self.context = context
        self.path = context.workspace / "repository"
        self.cache_dir = cache_dir or stage_environment.cache_dir()
        #: What stands before the commands that run stages, and before those that transfer data.
        self.before_stages: tuple[str, ...] = ()
        self.before_transfers: tuple[str, ...] = ()

    def make(self, mirror: GitMirror, sha: str) -> None:
        """Clone, and let DVC use the cache and an index of its own.

        :raises IntegrationError: the mirror has no such commit, or it is no DVC repository
        """
        mirror.clone_at(sha, self.path)
        configure_clone(
            self.path,
            cache_dir=self.cache_dir,
            site_cache_dir=stage_environment.site_cache_dir(self.context.workspace),
        )

    def pipeline(self) -> Pipeline:
        """Return what `dvc.yaml` says.

        :raises IntegrationError: it is missing, broken, or has no stage
        """
        found = read_pipeline(self._content(PIPELINE_FILE))
        if not found.stages:
            raise IntegrationError(f"{PIPELINE_FILE} has no stages.", permanent=True)
        return found

    def lock(self) -> Lock:
        """Return what `dvc.lock` says."""
        return read_lock(self._content(LOCK_FILE))

    def lock_digest(self) -> str:
        """Return the SHA-256 of `dvc.lock`, 64 hex digits."""
        return hashlib.sha256(self._content(LOCK_FILE)).hexdigest()

    def params_text(self) -> str:
        """Return the content of the parameters file; empty if there is none."""
        file = self.path / DEFAULT_PARAMS_FILE
        return self._content(DEFAULT_PARAMS_FILE).decode("utf-8", "replace") if file.exists() else ""

    def set_params(self, overrides: Mapping[str, Value]) -> None:
        """Write `overrides` into the parameters file; they are checked against it once more.

        :raises IntegrationError: a value is refused, or the file cannot be changed
        """
        if not overrides:
            return
        try:
            changed = apply_overrides(self.params_text(), overrides)
        except (ParameterErrors, ParametersFileError) as error:
            raise IntegrationError(f"{DEFAULT_PARAMS_FILE}: {error}", permanent=True) from None
        (self.path / DEFAULT_PARAMS_FILE).write_text(changed, encoding="utf-8")

    def probe(self) -> Environment:
        """Return the facts of the interpreter that the stages get, measured in their environment.

        :raises IntegrationError: it cannot be measured
        """
        target = self.context.workspace / "environment.json"
        program = Path(environment_probe.__file__)
        env = stage_environment.for_stages(self.context.workspace)
        self.context.run(
            [*self.before_stages, "python", str(program), str(target)],
            env=env,
            cwd=self.path,
            time_limit=_PROBE_SECONDS,
        )
        try:
            return environment_probe.read_environment(target)
        except (ValueError, OSError) as error:
            message = f"The environment of the stages cannot be measured: {error}"
            raise IntegrationError(message, permanent=True) from None

    def tracked(self) -> dict[str, str]:
        """Return the data that DVC keeps beside the pipeline: path -> its ``.dvc`` file."""
        found: dict[str, str] = {}
        for file in sorted(self.path.rglob("*.dvc"))[:MAX_TRACKED]:
            relative = file.relative_to(self.path)
            if not file.is_file() or file.is_symlink() or relative.parts[0] in {".dvc", ".git"}:
                continue
            if file.stat().st_size > MAX_DVC_FILE:
                raise IntegrationError(f"{relative} is too large.", permanent=True)
            for out in load_mapping(file.read_bytes(), str(relative)).get("outs") or []:
                if isinstance(out, dict) and isinstance(out.get("path"), str):
                    found[place(relative.parent.as_posix(), out["path"])] = relative.as_posix()
        return found

    def fetch(self, targets: list[str]) -> None:
        """Bring the data of these ``.dvc`` files (or stage outputs) here, from the cache or the remote.

        :raises IntegrationError: permanent if the data are in neither; else the remote cannot be reached
        """
        if not targets:
            return
        try:
            self.dvc("checkout", "--quiet", "--", *targets, on_line=_nothing)
        except DVCError:
            self.pull(targets)

    def pull(self, targets: list[str], *, env: Mapping[str, str] | None = None) -> None:
        """Bring the data of these ``.dvc`` files (or stage outputs) here from the remote.

        :param env: of the transfer; the one with the worker's credentials if left out
        :raises IntegrationError: as of :meth:`fetch`
        """
        if not targets:
            return
        env = env or stage_environment.for_transfers(self.context.workspace)
        try:
            self.dvc("pull", "--", *targets, env=env)
        except DVCError as error:
            said = "\n".join(error.last_lines)
            permanent = any(sign in said for sign in _NOWHERE)
            reason = (
                "are neither in the cache nor in the DVC remote" if permanent else "cannot be fetched now"
            )
            names = ", ".join(targets[:_SHOWN])
            raise IntegrationError(
                f"The data of {names} {reason}.\n{error.message}", permanent=permanent
            ) from None

    def repro(self, on_line: Callable[[str], None], *options: str) -> None:
        """Run what has changed.

        :param options: further ones of `dvc repro`
        :raises DVCError: a stage failed
        """
        self.dvc("repro", *options, on_line=on_line)

    def verify(self, lock: Lock, pipeline: Pipeline, *, whole: bool = True) -> None:
        """Hash what is here against `lock`: DVC hands out a tampered cache without a word.

        :param whole: everything must be here, and the inputs count too
        :raises IntegrationError: something is not what the lock says
        """
        manager = DVCPipelineManager(self.path, env=stage_environment.for_stages(self.context.workspace))
        found = verify_outputs(
            self.path,
            lock,
            deps=whole,
            pipeline=pipeline,
            ignored=manager.ignored,
            should_stop=self.context.should_stop,
        )
        self.context.check()
        relevant = [one for one in found if whole or one.kind != "missing"]
        for one in relevant:
            self.context.log(f"{one.path} of stage {one.stage}: {one.kind}")
        wrong = [one for one in relevant if one.kind != "unverifiable"]
        if wrong:
            raise IntegrationError(_told(wrong), permanent=True)

    def metrics(self) -> dict[str, Any]:
        """Return the content of the metrics files, by path."""
        env = stage_environment.for_stages(self.context.workspace)
        found = read_metrics(self._commands(env, _nothing, self.before_stages))
        for path, reason in found.missing.items():
            self.context.log(f"The metrics {path} cannot be read: {reason}")
        return found

    def git_files(self, pipeline: Pipeline) -> list[str]:
        """Return the paths that belong into the commit of the result, as far as they are here."""
        wanted = [DEFAULT_PARAMS_FILE, LOCK_FILE]
        plain = {stage.name: stage for stage in pipeline.stages if not stage.templated}
        for name, locked in self.lock().stages.items():
            places = [place(plain[name].wdir if name in plain else ".", one.path) for one in locked.outs]
            wanted += [str(Path(one).parent / ".gitignore") for one in places]
            # Only DVC can tell the paths of a stage with ${...} in it; the lock has them as they turned out.
            wanted += uncached(plain[name]) if name in plain else filter(self._is_left_to_git, places)
        inside = [
            path for path in dict.fromkeys(wanted) if not path.startswith(("/", "..")) and "$" not in path
        ]
        return [path for path in inside if (self.path / path).exists()]

    def push(self) -> bool:
        """Upload the data to the repository's DVC remote; return whether it has one.

        :raises IntegrationError: not permanent: the remote cannot be reached
        """
        try:
            self.dvc("remote", "default", on_line=_nothing)
        except DVCError:
            self.context.log(
                "The repository has no default DVC remote: the data stay in the cache of this host."
            )
            return False
        env = stage_environment.for_transfers(self.context.workspace)
        said = self.dvc("push", env=env)
        if any(sign in said for sign in _NOWHERE):
            raise IntegrationError("Not all data could be pushed: some are not in the cache.", permanent=True)
        return True

    def dvc(
        self,
        *arguments: str,
        env: Mapping[str, str] | None = None,
        on_line: Callable[[str], None] | None = None,
    ) -> str:
        """Run a DVC command with its output in the job's log, and return it.

        :param env: that of a transfer; the one of the stages if left out
        :raises DVCError: it failed
        :raises Stopped: the job should stop
        """
        before = self.before_transfers if env else self.before_stages
        env = env or stage_environment.for_stages(self.context.workspace)
        try:
            return self._commands(env, on_line or self.context.log, before).text(*arguments)
        except DVCError:
            self.context.check()  # it may have failed because it was told to stop
            raise

    def quiet_commands(self) -> DVCCommands:
        """Return what asks DVC questions here, without a word in the log."""
        env = stage_environment.for_stages(self.context.workspace)
        return self._commands(env, _nothing, self.before_stages)

    def _is_left_to_git(self, path: str) -> bool:
        """Return whether DVC, which writes what it keeps itself into the .gitignore beside it, did not."""
        beside = self.path / Path(path).parent / ".gitignore"
        return not beside.is_file() or f"/{Path(path).name}" not in beside.read_text(
            "utf-8", "replace"
        ).split("\n")

    def _commands(
        self, env: Mapping[str, str], on_line: Callable[[str], None], before: tuple[str, ...]
    ) -> DVCCommands:
        limits = Limits(
            grace=settings.JOB_CANCEL_GRACE,
            on_line=on_line,
            should_stop=self.context.should_stop,
            marker=self.context.marker,
            before=before,
        )
        return DVCCommands(self.path, env, limits)

    def _content(self, name: str) -> bytes:
        file = self.path / name
        if file.is_symlink() or not file.is_file():
            raise IntegrationError(f"There is no file {name}.", permanent=True)
        return file.read_bytes()


def _nothing(_: str) -> None:
    pass


def _told(wrong: list[Mismatch]) -> str:
    shown = "; ".join(f"{one.path} ({one.kind})" for one in wrong[:_SHOWN])
    return (
        f"What is in the working directory is not what {LOCK_FILE} says: {shown}. "
        "A stage changed another's output, or the cache was tampered with."
    )
