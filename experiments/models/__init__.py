"""Tables of repositories, jobs, and the mirror of MLflow's experiments and runs."""

from experiments.models.files import RunFile, RunFileContent, RunListing
from experiments.models.jobs import Job, JobLog, Outbox, Priority
from experiments.models.repositories import Commit, DvcExperiment, Ref, Repository
from experiments.models.runs import (
    Experiment,
    MetricGoal,
    MetricSeries,
    Run,
    RunInput,
    RunMetric,
    RunParam,
    RunTag,
    SavedView,
    SyncState,
)
from experiments.models.sweeps import Sweep, Trial

__all__ = [
    "Commit",
    "DvcExperiment",
    "Experiment",
    "Job",
    "JobLog",
    "MetricGoal",
    "MetricSeries",
    "Outbox",
    "Priority",
    "Ref",
    "Repository",
    "Run",
    "RunFile",
    "RunFileContent",
    "RunInput",
    "RunListing",
    "RunMetric",
    "RunParam",
    "RunTag",
    "SavedView",
    "Sweep",
    "SyncState",
    "Trial",
]
