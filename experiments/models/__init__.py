"""Tables of repositories, jobs, and the mirror of MLflow's experiments and runs."""

from experiments.models.files import RunFile, RunFileContent, RunListing
from experiments.models.jobs import Job, JobLog, Outbox
from experiments.models.repositories import Commit, Ref, Repository
from experiments.models.runs import (
    Experiment,
    MetricGoal,
    MetricSeries,
    Run,
    RunMetric,
    RunParam,
    RunTag,
    SavedView,
    SyncState,
)

__all__ = [
    "Commit",
    "Experiment",
    "Job",
    "JobLog",
    "MetricGoal",
    "MetricSeries",
    "Outbox",
    "Ref",
    "Repository",
    "Run",
    "RunFile",
    "RunFileContent",
    "RunListing",
    "RunMetric",
    "RunParam",
    "RunTag",
    "SavedView",
    "SyncState",
]
