"""What a form for runs begins with: a ref, and the values of an earlier job or run."""

from collections.abc import Mapping
from dataclasses import dataclass

from experiments import launch_source
from experiments.launch_page import parameters_of, resolve
from experiments.launch_source import Prefill
from experiments.launches import Target
from experiments.models import Repository


@dataclass(frozen=True)
class Opening:
    """Where a form begins.

    :ivar asked: the ref that was asked for; empty for what is usual
    :ivar problem: why there is no target
    """

    prefill: Prefill
    target: Target | None
    asked: str
    problem: str


def opening(repository: Repository, query: Mapping[str, str]) -> Opening | None:
    """Return where the form at this query begins; None if it names a job or run that is not there."""
    prefill = _prefill(repository, query)
    if prefill is None:
        return None
    asked = query.get("ref", "")
    target, problem = resolve(repository, asked or prefill.ref)
    if target is None and prefill.sha and not asked:
        # Its branch is gone; the commit is still known.
        target, problem = resolve(repository, prefill.sha)
    if not prefill.is_exact:
        prefill = launch_source.fitted(prefill, parameters_of(target.commit if target else None)[0])
    return Opening(prefill, target, asked, problem)


def _prefill(repository: Repository, query: Mapping[str, str]) -> Prefill | None:
    if "from_job" in query:
        return launch_source.from_job(repository, query["from_job"])
    if "from_run" in query:
        return launch_source.from_run(repository, query["from_run"])
    if "from_experiment" in query:
        return launch_source.from_experiment(repository, query["from_experiment"])
    return Prefill()
