"""What the home page shows: what needs this person, what serves, what moves."""

from dataclasses import dataclass

from accounts.access import permissions_of
from accounts.models import User
from experiments import mirror_state
from experiments.job_summary import JobSummary
from experiments.models import Run, SyncState
from experiments.selectors.jobs import ACTIVE_WORD, JobFilter, page_of
from registry import inbox
from registry.models import ModelVersion, Promotion
from registry.stages import Stage
from registry.version_facts import MetricFact, key_metrics

_SHOWN = 8


@dataclass(frozen=True)
class Home:
    """Everything on the home page.

    :ivar to_review: promotions that wait for this person, the oldest first
    :ivar waiting: promotions that wait for somebody else
    :ivar serving: versions in Production with their key metrics
    :ivar mirror: how the mirror of MLflow is doing
    """

    to_review: list[Promotion]
    waiting: list[Promotion]
    serving: list[tuple[ModelVersion, list[MetricFact]]]
    jobs: list[JobSummary]
    runs: list[Run]
    mirror: SyncState | None

    @property
    def mirror_error(self) -> str:
        """Why MLflow could not be read the last time; empty when it could."""
        return self.mirror.error if self.mirror else ""

    @property
    def is_empty(self) -> bool:
        """Whether this installation has nothing to show yet."""
        return not (self.to_review or self.waiting or self.serving or self.jobs or self.runs)


def home(user: User) -> Home:
    """Return what the home page shows to `user`. A fixed number of queries."""
    permissions = permissions_of(user)
    serving = ModelVersion.objects.filter(stage=Stage.PRODUCTION).select_related("model")
    return Home(
        to_review=list(inbox.needs_review_by(user, permissions)[:_SHOWN]),
        waiting=list(inbox.waiting_on_others(user, permissions)[:_SHOWN]),
        serving=[(version, key_metrics(version)) for version in serving.order_by("model__name")[:_SHOWN]],
        jobs=list(page_of(JobFilter(state=ACTIVE_WORD), "1"))[:_SHOWN],
        runs=list(Run.objects.filter(lifecycle_stage="active").select_related("experiment")[:_SHOWN]),
        mirror=SyncState.objects.filter(name=mirror_state.NAME).first(),
    )
