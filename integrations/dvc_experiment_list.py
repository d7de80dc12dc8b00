"""The experiments that people made with DVC and pushed: their refs in a mirror, and what DVC says of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from integrations.dvc_commands import DVCCommands
from integrations.dvc_experiments import error_text
from integrations.dvc_params import PARAMS_FILE
from integrations.git_commands import run_local, run_long
from integrations.git_locks import exclusive
from integrations.git_repository import GitMirror

MAX_EXPERIMENTS = 200
MAX_VALUES = 1_000
# DVC's own places below refs/exps (exec, celery, apply, ...) do not look like this.
_REF = re.compile(r"refs/exps/(?P<head>[0-9a-f]{2})/(?P<tail>[0-9a-f]{38})/(?P<name>[^\s\x00-\x1f]{1,250})")
_REFSPEC = "+refs/exps/*:refs/exps/*"


@dataclass(frozen=True, slots=True)
class ExperimentRef:
    """A pushed experiment: its ref, commit, the commit that it started from, and when it was made."""

    ref: str
    name: str
    sha: str
    base: str
    made_at: datetime


@dataclass(frozen=True, slots=True)
class ListedExperiment:
    """What DVC says of an experiment; keys are dotted, those of other files begin with ``file:``.

    ``problem`` says what could not be read; empty if all could.
    """

    ref: ExperimentRef
    params: Mapping[str, Any]
    metrics: Mapping[str, Any]
    problem: str = ""


def fetch_refs(
    mirror: GitMirror, should_stop: Callable[[], bool] = lambda: False
) -> tuple[list[ExperimentRef], int]:
    """Fetch the upstream's experiments; return the newest of them and how many there are."""
    arguments = ["fetch", "--prune", "--no-tags", "--no-recurse-submodules", "--no-write-fetch-head"]
    with exclusive(mirror.path, mirror.time_limit, should_stop):
        run_long(
            [*arguments, "origin", _REFSPEC],
            env=mirror.env,
            cwd=mirror.path,
            time_limit=mirror.time_limit,
            should_stop=should_stop,
        )
    form = "--format=%(refname)%00%(objectname)%00%(committerdate:unix)"
    listed = run_local(
        [f"--git-dir={mirror.path}", "for-each-ref", "--sort=-committerdate", form, "refs/exps/"],
        env=mirror.env,
    )
    found = [ref for line in listed.decode("utf-8", "replace").split("\n") if (ref := _ref(line))]
    return found[:MAX_EXPERIMENTS], len(found)


def bring(mirror: GitMirror, refs: Sequence[ExperimentRef], clone: Path) -> None:
    """Put experiments of the mirror into a clone of it."""
    specs = [f"{one.ref}:{one.ref}" for one in refs]
    arguments = ["fetch", "--quiet", "--no-tags", "--no-write-fetch-head", str(mirror.path)]
    run_long([*arguments, *specs], env=mirror.env, cwd=clone, time_limit=mirror.time_limit)


def read(commands: DVCCommands, refs: Sequence[ExperimentRef]) -> list[ListedExperiment]:
    """Return what `dvc exp show` says of experiments that are in the clone of `commands`.

    One that it does not tell of is there with its problem. `DVCError` if DVC cannot answer at all.
    """
    bases = [word for base in dict.fromkeys(one.base for one in refs) for word in ("--rev", base)]
    answer = commands.answer("exp", "show", "--json", *bases)
    told = {str(rev.get("rev")): rev for rev in _revisions(answer)}
    return [_listed(ref, told.get(ref.sha)) for ref in refs]


def _ref(line: str) -> ExperimentRef | None:
    name, _, rest = line.partition("\0")
    sha, _, seconds = rest.partition("\0")
    match = _REF.fullmatch(name)
    if match is None:
        return None
    made = datetime.fromtimestamp(int(seconds) if seconds.isdecimal() and len(seconds) < 11 else 0, UTC)
    return ExperimentRef(name, match["name"], sha, match["head"] + match["tail"], made)


def _revisions(answer: Any) -> Iterator[Mapping[str, Any]]:
    for base in answer if isinstance(answer, list) else []:
        for experiment in (base.get("experiments") or []) if isinstance(base, dict) else []:
            yield from (rev for rev in experiment.get("revs") or [] if isinstance(rev, dict))


def _listed(ref: ExperimentRef, rev: Mapping[str, Any] | None) -> ListedExperiment:
    empty = ListedExperiment(ref, {}, {})
    if rev is None:
        return replace(empty, problem="DVC does not list it.")
    data = rev.get("data")
    if not isinstance(data, dict):
        return replace(empty, problem=error_text(rev.get("error")) or "DVC cannot read it.")
    params, params_problem = _values(data.get("params"))
    metrics, metrics_problem = _values(data.get("metrics"), plain=True)
    return ListedExperiment(ref, params, metrics, params_problem or metrics_problem)


def _values(files: Any, *, plain: bool = False) -> tuple[dict[str, Any], str]:
    """Return the values of all files by dotted key, and the first thing that is wrong with one of them."""
    found: dict[str, Any] = {}
    problem = ""
    for path, entry in files.items() if isinstance(files, dict) else []:
        if not isinstance(entry, dict) or "data" not in entry:
            said = error_text(entry.get("error")) if isinstance(entry, dict) else ""
            problem = problem or f"{path}: {said or 'cannot be read'}"
            continue
        prefix = "" if plain or path == PARAMS_FILE else f"{path}:"
        for key, value in _flat(entry["data"], ""):
            if len(found) < MAX_VALUES:
                found[f"{prefix}{key}"] = value
    return found, problem


def _flat(data: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    if isinstance(data, dict):
        for key, value in data.items():
            yield from _flat(value, f"{prefix}.{key}" if prefix else str(key))
    elif prefix:
        yield prefix, data
