"""The runs that somebody chose in the table, as their address or form names them."""

from collections.abc import Iterable

from django.db.models import QuerySet

from experiments.models import Run
from experiments.run_edits import MAX_RUNS
from experiments.selectors.run_matches import ACTIVE, Matches
from experiments.stored_text import text


def ids(values: Iterable[str]) -> list[str]:
    """Return MLflow's ids, each once, in the order in which they were named.

    :param values: of the field `runs`; each may hold several, separated by commas
    """
    named = [text(part.strip(), 64) for value in values for part in value.split(",")]
    return list(dict.fromkeys(filter(None, named)))[: MAX_RUNS + 1]


def matching(found: Matches) -> list[str]:
    """Return MLflow's ids of the runs in `found`, the newest first; one more than can be edited at most."""
    newest = found.all().order_by("-started_at", "-pk")
    return list(newest.values_list("run_id", flat=True)[: MAX_RUNS + 1])


def rows(wanted: list[str]) -> QuerySet[Run]:
    """Return those of the runs `wanted` that are there, in no order."""
    return Run.objects.filter(run_id__in=wanted[:MAX_RUNS], lifecycle_stage=ACTIVE)


def runs(wanted: list[str]) -> list[Run]:
    """Return those of the runs `wanted` that are there, in that order. One query; none for no run."""
    if not wanted:
        return []
    by_id = {run.run_id: run for run in rows(wanted).only("run_id", "name")}
    return [by_id[run_id] for run_id in wanted if run_id in by_id]
