"""Factories of repositories, commits, jobs and logs for tests."""

from datetime import timedelta
from itertools import count
from typing import Any

from django.utils import timezone

from accounts.models import User
from experiments import execution
from experiments.models import Commit, Job, JobLog, Ref, Repository

PARAMS = """\
data:
  name: receipt-digits        # Name of the data set
train:
  architecture: CRNN          # Network: CNN or CRNN
  learning_rate: 0.01         # Step size at the start
  epochs: 8                   # Passes over the training amounts
  channels: [16, 32, 48]      # Filters of each convolution block
  bidirectional: true         # Whether the GRU reads in both directions
  checkpoint: null            # Where to start from
"""
PIPELINE: dict[str, Any] = {
    "stages": [
        {
            "name": name,
            "desc": desc,
            "cmd": f"python src/{name}.py",
            "deps": deps,
            "outs": outs,
            "params": params,
            "metrics": [f"metrics/{name}.json"],
            "plots": [],
            "uncached": [],
        }
        for name, desc, deps, outs, params in (
            ("preprocess", "Compose amounts from scans", ["data/raw"], ["data/processed"], ["data.name"]),
            ("train", "Train the network", ["data/processed"], ["models"], ["train"]),
            ("evaluate", "Measure the model", ["models", "data/processed"], [], []),
        )
    ],
    "artifacts": {},
    "plots": [],
}
STEPS = ("preprocess", "train", "evaluate")
_numbers = count(1)


def make_repository(name: str = "receipt-ocr", **changes: Any) -> Repository:
    """Create a repository that was fetched, with no commit yet."""
    columns = {
        "url": f"/srv/git/{name}",
        "default_ref": "main",
        "experiment_name": name,
        "description": "Reads handwritten receipt amounts",
        "created_by": "administrator",
        "fetched_at": timezone.now(),
    }
    return Repository.objects.create(name=name, **{**columns, **changes})


def make_commit(repository: Repository, *, branch: str = "", tag: str = "", **changes: Any) -> Commit:
    """Create a commit with parameters and a pipeline, and a branch or tag that points to it."""
    number = next(_numbers)
    columns = {
        "sha": f"{number:040x}",
        "subject": f"Change number {number}",
        "author": "Receipt team",
        "committed_at": timezone.now() - timedelta(days=1) + timedelta(seconds=number),
        "params_text": PARAMS,
        "pipeline": PIPELINE,
    }
    commit = Commit.objects.create(repository=repository, **{**columns, **changes})
    for kind, name in ((Ref.Kind.BRANCH, branch), (Ref.Kind.TAG, tag)):
        if name:
            Ref.objects.create(repository=repository, kind=kind, name=name, commit=commit)
    return commit


def make_job(state: str = "queued", *, user: User | None = None, **changes: Any) -> Job:
    """Create a pipeline job as it would be in `state`, without announcement and audit entry."""
    now = timezone.now()
    started = state not in ("queued", "cancelled")
    columns = {
        "kind": "pipeline",
        "state": state,
        "queue": "jobs",
        "payload": {"repository": "receipt-ocr", "ref": "main", "ref_kind": "branch", "overrides": {}},
        "submitted_by": user,
        "submitted_by_name": user.username if user else "somebody",
        "attempt": 1 if started else 0,
        "not_before": now - timedelta(seconds=60),
        "created_at": now - timedelta(seconds=60),
        "started_at": now - timedelta(seconds=50) if started else None,
        "finished_at": now if state in ("succeeded", "failed", "cancelled") else None,
        "steps": [{"name": name, "state": "waiting", "seconds": None} for name in STEPS],
    }
    return Job.objects.create(**{**columns, **changes})


def write_log(job: Job, lines: list[str], *, batch: int = 200) -> None:
    """Append `lines` to the log of `job`, in batches as a worker writes them."""
    last = job.log.order_by("-first_line").first()
    first = last.first_line + last.lines if last else 1
    JobLog.objects.bulk_create(
        JobLog(
            job=job,
            attempt=job.attempt,
            first_line=first + start,
            lines=len(lines[start : start + batch]),
            text="\n".join(lines[start : start + batch]),
            at=timezone.now(),
        )
        for start in range(0, len(lines), batch)
    )


def run_all() -> list[str]:
    """Run the waiting jobs until there are none; return their kinds."""
    kinds = []
    while job := Job.objects.filter(state="queued").order_by("pk").first():
        assert execution.run(job.pk)
        job.refresh_from_db()
        assert job.state == "succeeded", job.error
        kinds.append(job.kind)
    return kinds
