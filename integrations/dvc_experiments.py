"""One experiment in a clone of its own, brought back as a real DVC experiment."""

from __future__ import annotations

import contextlib
import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from integrations.dvc_clone import configure_clone
from integrations.dvc_commands import DVCCommands
from integrations.dvc_params import PARAMS_FILE, Scalar, override_parameters, write_parameters
from integrations.errors import IntegrationError
from integrations.git_commands import GitError, git_environment, run_local, run_long


class Metrics(dict[str, Any]):
    """Metrics by file, ``{"metrics.json": {"accuracy": 0.9}}``.

    ``missing`` names the files that could not be read, and why.
    """

    def __init__(self, values: Mapping[str, Any], missing: Mapping[str, str]) -> None:
        super().__init__(values)
        self.missing = dict(missing)


@dataclass(frozen=True, slots=True)
class ExperimentResult:
    """An experiment that has been run.

    ``name`` is known to ``dvc exp show``, ``apply`` and ``branch``; ``commit`` holds its ``params.yaml``,
    ``dvc.lock`` and metrics on top of ``baseline``; ``output`` is what ``dvc repro`` printed.
    """

    name: str
    commit: str
    baseline: str
    params: dict[str, Scalar]
    metrics: Metrics
    output: str


def run_in_clone(
    origin: Path, overrides: Mapping[str, Scalar], commands_in: Callable[[Path], DVCCommands]
) -> ExperimentResult:
    """Run the pipeline of ``origin`` with other parameters and store the result as an experiment there.

    ``commands_in`` makes the commands for a directory.
    """
    parameters = origin / PARAMS_FILE
    if parameters.is_symlink() or not parameters.is_file():
        raise IntegrationError(f"The repository has no {PARAMS_FILE}.", permanent=True)
    override_parameters(parameters.read_text(encoding="utf-8"), overrides)  # refuse before anything is made
    cache_dir = commands_in(origin).text("cache", "dir").splitlines()[-1]
    with _clone(origin) as (clone, baseline):
        configure_clone(
            clone, cache_dir=origin / cache_dir, site_cache_dir=clone / ".dvc" / "tmp" / "site-cache"
        )
        write_parameters(clone / PARAMS_FILE, overrides)
        commands = commands_in(clone)
        commands.text("checkout", "--allow-missing", "--force")
        output = commands.text("repro")
        name = f"run-{secrets.token_hex(5)}"
        commit = str(commands.answer("exp", "save", "--json", "--name", name)["ref"])
        metrics = read_metrics(commands)
        _bring_back(origin, clone, baseline, name)
    return ExperimentResult(name, commit, baseline, dict(overrides), metrics, output)


def read_metrics(commands: DVCCommands) -> Metrics:
    """Return the metrics of a working directory, by file."""
    answer = commands.answer("metrics", "show", "--json", accept_failure=True)
    workspace = (answer or {}).get("", {})
    values: dict[str, Any] = {}
    missing: dict[str, str] = {}
    for path, entry in (workspace.get("data") or {}).items():
        if "data" in entry:
            values[path] = entry["data"]
        else:
            missing[path] = error_text(entry.get("error")) or "not readable"
    return Metrics(values, missing)


def error_text(error: Any) -> str:
    """Return what DVC's JSON says about an error."""
    if isinstance(error, dict):
        return str(error.get("msg") or error.get("type") or "")
    return "" if error is None else str(error)


@contextlib.contextmanager
def _clone(origin: Path) -> Iterator[tuple[Path, str]]:
    """Give a copy of the repository as it is now, changes to tracked files included, and its commit."""
    env = git_environment()
    try:
        top = Path(run_local(["rev-parse", "--show-toplevel"], env=env, cwd=origin).decode().rstrip("\n"))
        baseline = run_local(["rev-parse", "--verify", "HEAD"], env=env, cwd=origin).decode().strip()
    except GitError as error:
        message = "An experiment needs a Git repository with a commit to start from."
        raise IntegrationError(message, permanent=True) from error
    temporary = origin / ".dvc" / "tmp"
    temporary.mkdir(parents=True, exist_ok=True)
    directory = Path(tempfile.mkdtemp(dir=temporary, prefix="stagegate-"))
    try:
        clone = directory / "clone"
        run_long(
            ["clone", "--local", "--no-checkout", "--template=", "--", str(top), str(clone)], env=env, cwd=top
        )
        run_long(["checkout", "--quiet", "--detach", baseline], env=env, cwd=clone)
        changes = run_local(
            ["diff", "--binary", "--no-ext-diff", "--no-textconv", "--ignore-submodules", "HEAD"],
            env=env,
            cwd=top,
        )
        if changes:
            run_local(["apply", "--whitespace=nowarn", "-"], env=env, cwd=clone, stdin=changes)
        yield clone / origin.resolve().relative_to(top.resolve()), baseline
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _bring_back(origin: Path, clone: Path, baseline: str, name: str) -> None:
    reference = f"refs/exps/{baseline[:2]}/{baseline[2:]}/{name}"
    run_long(
        ["fetch", "--quiet", "--no-tags", "--no-write-fetch-head", str(clone), f"{reference}:{reference}"],
        env=git_environment(),
        cwd=origin,
    )
