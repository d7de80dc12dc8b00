"""How one run can be made again, from everything that is known of it."""

from __future__ import annotations

from django.conf import settings

from experiments import reproduction_steps
from experiments.models import Repository, Run
from experiments.repositories import mirror_path
from experiments.reproduction_steps import Reproduction
from experiments.selectors import run_files


def reproduction(run: Run, repository: Repository | None) -> Reproduction:
    """Return the commands that make `run` again, and what is missing for that. One query.

    :param repository: the one that it came from, if it is connected here
    """
    return reproduction_steps.steps(
        run.run_id,
        run.tags,
        files=[file.path for file in run_files.all_of(run)],
        tracking_uri=settings.MLFLOW_PUBLIC_URL,
        connected_url=repository.url if repository else "",
        mirror=str(mirror_path(repository)) if repository else "",
    )
