"""DVC pipelines from Python: running, measuring and listing them (:class:`DVCPipelineManager`)."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

from integrations import dvc_ignore
from integrations.dvc_clone import configure_clone
from integrations.dvc_commands import DVCCommands, DVCError, Limits, dvc_environment
from integrations.dvc_events import StageEvent, stage_event
from integrations.dvc_experiments import ExperimentResult, Metrics, error_text, read_metrics, run_in_clone
from integrations.dvc_files import read_pipeline
from integrations.dvc_locks import read_lock
from integrations.dvc_params import ParameterError, Scalar, read_parameters, write_parameters
from integrations.dvc_records import Lock, LockedFile, LockedStage, Pipeline, Stage
from integrations.dvc_verification import Mismatch, verify_outputs
from integrations.errors import IntegrationError

__all__ = [
    "DVCError",
    "DVCPipelineManager",
    "ExperimentResult",
    "Lock",
    "LockedFile",
    "LockedStage",
    "Metrics",
    "Mismatch",
    "ParameterError",
    "Pipeline",
    "Stage",
    "StageEvent",
    "configure_clone",
    "dvc_environment",
    "is_up_to_date",
    "read_lock",
    "read_parameters",
    "read_pipeline",
    "stage_event",
    "verify_outputs",
    "write_parameters",
]

TARGET = re.compile(r"(?!-)[\w./@:=+-]{1,500}")


class DVCPipelineManager:
    """The pipeline of one DVC repository, run through the ``dvc`` command.

    Parameters
    ----------
    repo_path:
        Directory that holds ``.dvc``; ``FileNotFoundError`` if it does not.
    env:
        The whole environment of DVC and its stages. Default: a minimal one with the caller's ``PATH``,
        ``HOME``, language and accelerator settings, and an index of its own below ``.dvc/tmp``. Credentials
        of a remote that are not in DVC's configuration must be given here.
    time_limit:
        Seconds for each command; ``None``: no limit. ``grace``: seconds between TERM and KILL at its end.
    on_line:
        Receives each line of output as it appears.
    should_stop:
        Asked at least once a second; ``True`` cancels the command that runs.
    on_start, marker:
        See :func:`integrations.process_group.run`.

    All methods raise :class:`DVCError` (an :class:`IntegrationError`) with the last lines of the output when
    a command fails, takes too long or is cancelled; no process is left in any case.
    """

    def __init__(
        self,
        repo_path: str | os.PathLike[str],
        *,
        env: Mapping[str, str] | None = None,
        time_limit: float | None = None,
        grace: float = 20.0,
        on_line: Callable[[str], None] | None = None,
        should_stop: Callable[[], bool] | None = None,
        on_start: Callable[[int], None] | None = None,
        marker: str = "",
    ) -> None:
        self.repo_path = Path(repo_path).absolute()
        if not (self.repo_path / ".dvc").is_dir():
            raise FileNotFoundError(f"{repo_path} is not a DVC repository: it has no .dvc directory")
        self._given_env = None if env is None else dict(env)
        self._limits = Limits(time_limit, grace, on_line, should_stop, on_start, marker)
        self._dvc = self._commands_in(self.repo_path)

    def repro(self, stage: str | None = None) -> str:
        """Run what has changed, or only what ``stage`` needs, and return the output (its last 2,000 lines).

        A failing stage is a permanent error.
        """
        if stage is None:
            return self._dvc.text("repro")
        if not TARGET.fullmatch(stage):
            raise IntegrationError(f"{stage[:200]!r} is not the name of a stage.", permanent=True)
        return self._dvc.text("repro", "--", stage)

    def run_experiment(self, param_overrides: Mapping[str, Scalar]) -> ExperimentResult:
        """Run the pipeline with other values in ``params.yaml`` and keep the result as a DVC experiment.

        It runs in a fresh clone of HEAD, with the changes that tracked files have now, and with this
        repository's cache: the working directory stays as it is, and any number may run at once.
        ``dvc exp run`` is not used: in parallel it mixes up parameters, and ``--set-param`` accepts values
        that write other files or reach a shell.

        Parameters
        ----------
        param_overrides:
            ``{"train.learning_rate": 1e-4}``: scalars of ``params.yaml`` by dotted key. Unknown keys, other
            types and strings with shell characters raise :class:`ParameterError` before anything is run (the
            rules: :func:`integrations.dvc_params.override_parameters`).

        Returns
        -------
        Name, commit, baseline, parameters, metrics and output of the experiment. ``dvc exp apply <name>``
        brings it into the working directory.
        """
        return run_in_clone(self.repo_path, param_overrides, self._commands_in)

    def get_metrics(self) -> Metrics:
        """Return the current metrics by file: ``{"metrics.json": {"accuracy": 0.9}}``.

        Files that are declared but not there (or not readable) are named in ``missing``.
        """
        return read_metrics(self._dvc)

    def push(self) -> str:
        """Upload to the default remote what the current commit's pipeline needs; errors are not permanent."""
        return self._dvc.text("push", permanent=False)

    def pull(self) -> str:
        """Download it and check it out; errors are not permanent."""
        return self._dvc.text("pull", permanent=False)

    def list_experiments(self, *, all_commits: bool = False) -> list[dict[str, Any]]:
        """Return the experiments that started from HEAD (or from any commit), newest first.

        Each record has ``name``, ``rev``, ``baseline`` (hash), ``baseline_name`` (a branch, if there is one),
        ``timestamp`` (ISO 8601 or ``None``), ``params`` and ``metrics`` (values by file), ``executor`` (state
        of one that DVC still runs, or ``None``) and ``error`` (text or ``None``).
        """
        options = ["--all-commits"] if all_commits else []
        answer = self._dvc.answer("exp", "show", "--json", *options) or []
        records = [
            _experiment(baseline, experiment)
            for baseline in answer
            for experiment in baseline.get("experiments") or []
        ]
        return sorted(records, key=lambda record: record["timestamp"] or "", reverse=True)

    def status(self) -> dict[str, Any]:
        """Return what ``dvc status`` finds changed, by stage or file; empty if nothing."""
        return self._dvc.answer("status", "--json") or {}

    def is_up_to_date(self) -> bool:
        """Whether ``dvc repro`` would have nothing to do. Trusts DVC's own index: see :meth:`verify`."""
        return not self.status()

    def verify(self, *, deps: bool = True) -> list[Mismatch]:
        """Hash all outputs (and dependencies) and return what differs from ``dvc.lock``."""
        lock = read_lock((self.repo_path / "dvc.lock").read_bytes())
        should_stop = self._limits.should_stop or (lambda: False)
        return verify_outputs(self.repo_path, lock, deps=deps, ignored=self.ignored, should_stop=should_stop)

    def ignored(self, paths: Collection[str]) -> set[str]:
        """Return those of the paths (relative to the repository) that ``.dvcignore`` excludes."""
        return dvc_ignore.ignored(self.repo_path, self._dvc, paths)

    def _commands_in(self, path: Path) -> DVCCommands:
        site_cache_dir = path / ".dvc" / "tmp" / "site-cache"
        env = self._given_env
        if env is None:
            env = dvc_environment(Path.home(), site_cache_dir, isolated=False)
        elif path != self.repo_path:  # an experiment's clone must not share the index of the repository
            env = {**env, "DVC_SITE_CACHE_DIR": str(site_cache_dir)}
        return DVCCommands(path, env, self._limits)


def is_up_to_date(path: str | os.PathLike[str], *, env: Mapping[str, str] | None = None) -> bool:
    """Whether ``dvc repro`` would have nothing to do in ``path``; see :class:`DVCPipelineManager`."""
    return DVCPipelineManager(path, env=env).is_up_to_date()


def _experiment(baseline: Mapping[str, Any], experiment: Mapping[str, Any]) -> dict[str, Any]:
    newest = (experiment.get("revs") or [{}])[0]
    data = newest.get("data") or {}
    return {
        "name": experiment.get("name") or newest.get("name"),
        "rev": newest.get("rev"),
        "baseline": baseline.get("rev"),
        "baseline_name": baseline.get("name"),
        "timestamp": data.get("timestamp"),
        "params": _values(data.get("params")),
        "metrics": _values(data.get("metrics")),
        "executor": experiment.get("executor"),
        "error": error_text(newest.get("error")) or None,
    }


def _values(files: Mapping[str, Any] | None) -> dict[str, Any]:
    return {path: entry["data"] for path, entry in (files or {}).items() if "data" in entry}
