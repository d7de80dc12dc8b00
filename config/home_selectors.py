"""What the home page shows: what needs this person, what serves, what moves."""

from dataclasses import dataclass
from typing import TypeVar

from django.db.models import F, Func, IntegerField, Model, QuerySet, Subquery

from accounts.access import permissions_of
from accounts.models import User
from experiments import mirror_state
from experiments.job_summary import JobSummary
from experiments.models import Run, SyncState
from experiments.selectors.jobs import ACTIVE_WORD, JobFilter, page_of
from registry import access, bypass, drift_selectors, inbox, promotion_rows, selectors
from registry.drift_selectors import Alerts
from registry.models import ModelVersion, Promotion
from registry.promotion_rows import PromotionRow
from registry.version_facts import MetricFact, key_metrics

_SHOWN = 8
M = TypeVar("M", bound=Model)


@dataclass(frozen=True)
class Home:
    """Everything on the home page.

    :ivar to_review: promotions that wait for this person, the oldest first; not more than fit the page
    :ivar to_review_count: how many wait for this person in all; `waiting_count`, `jobs_count` likewise
    :ivar bypasses: versions put in place without a review that nobody else has looked at
    :ivar waiting: promotions that wait for somebody else
    :ivar serving: versions in Production with their key metrics, the newest there first
    :ivar mirror: how the mirror of MLflow is doing
    :ivar alerts: drift in MLflow, and what could not be applied to it
    """

    to_review: list[PromotionRow]
    to_review_count: int
    waiting: list[PromotionRow]
    waiting_count: int
    serving: list[tuple[ModelVersion, list[MetricFact]]]
    serving_count: int
    jobs: list[JobSummary]
    jobs_count: int
    runs: list[Run]
    mirror: SyncState | None
    bypasses: list[Promotion]
    alerts: Alerts

    @property
    def mirror_error(self) -> str:
        """Why MLflow could not be read the last time; empty when it could."""
        return self.mirror.error if self.mirror else ""

    @property
    def is_empty(self) -> bool:
        """Whether this installation has nothing to show yet."""
        return not (self.to_review or self.waiting or self.serving or self.jobs or self.runs or self.alerts)


def home(user: User) -> Home:
    """Return what the home page shows to `user`. A fixed number of queries."""
    permissions = permissions_of(user)
    mine, others = inbox.split(user, permissions)
    first, to_review_count = _shown(promotion_rows.light(mine))
    rest, waiting_count = _shown(promotion_rows.light(others))
    rows = promotion_rows.of([*first, *rest])
    serving, serving_count = _shown(selectors.serving(user=user))
    jobs = page_of(JobFilter(state=ACTIVE_WORD, reader=user), "1")
    return Home(
        to_review=rows[: len(first)],
        to_review_count=to_review_count,
        waiting=rows[len(first) :],
        waiting_count=waiting_count,
        serving=[(version, key_metrics(version)) for version in serving],
        serving_count=serving_count,
        jobs=list(jobs)[:_SHOWN],
        jobs_count=jobs.paginator.count,
        runs=list(Run.objects.filter(lifecycle_stage="active").select_related("experiment")[:_SHOWN]),
        bypasses=list(bypass.unreviewed().filter(access.visible_q(user, "version__model"))[:_SHOWN]),
        mirror=SyncState.objects.filter(name=mirror_state.NAME).first(),
        alerts=drift_selectors.alerts(user),
    )


def _shown(rows: QuerySet[M]) -> tuple[list[M], int]:
    """Return the first of `rows`, and how many there are in all. One query."""
    count = Func(F("pk"), function="COUNT", output_field=IntegerField())
    first = list(rows.annotate(in_all=Subquery(rows.order_by().values(in_all=count)))[:_SHOWN])
    return first, getattr(first[0], "in_all", 0) if first else 0
