"""Runs that can be added to a comparison: those in production, and what a search finds."""

from dataclasses import dataclass

from experiments.compare_address import CompareAddress
from experiments.compare_request import MAX_RUNS
from experiments.filters import FilterError
from experiments.models import Run
from experiments.production_runs import ProductionRun
from experiments.selectors.compare import Comparison
from experiments.selectors.run_matches import RunFilter, matching

_MOST = 10
_MAX_SEARCH = 500


@dataclass(frozen=True)
class Offers:
    """What can be added; each with the address that adds it.

    :ivar production: it also becomes the baseline
    :ivar search: what was looked for; `runs` is what was found
    :ivar fault: why the search is not understood
    """

    production: list[tuple[ProductionRun, str]]
    search: str
    runs: list[tuple[Run, str]]
    fault: str = ""
    is_full: bool = False


def offers(found: Comparison, address: CompareAddress, search: str) -> Offers:
    """Return what can be added to `found`. As many queries as a filter takes, none without a `search`."""
    if len(found.ids) >= MAX_RUNS:
        return Offers([], "", [], is_full=True)
    production = [(one, address.with_run(one.run_id, baseline=one.run_id)) for one in found.offered]
    search = search.strip()[:_MAX_SEARCH].replace("\0", "")
    if not search:
        return Offers(production, "", [])
    try:
        rows = matching(RunFilter(text=search)).all().exclude(run_id__in=found.ids)
        newest = list(rows.select_related("experiment").order_by("-started_at", "-pk")[:_MOST])
    except FilterError as error:
        return Offers(production, search, [], fault=str(error))
    return Offers(production, search, [(run, address.with_run(run.run_id)) for run in newest])
