"""Runner of the job kind `pipeline`: a repository's pipeline at an exact commit, with given parameters.

In a fresh clone, with its own parameters file, index and folders, and the DVC cache that all jobs share. What
comes out is hashed against `dvc.lock`, committed to a branch of the managed mirror and pushed to the DVC
remote, so that the commit alone is enough to get everything back. A job that is tried again finds the stages
that it had finished in the cache.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from django.utils import timezone

from experiments import commit_index, pipeline_facts, pipeline_watch, repositories, stage_times
from experiments.job_context import JobContext, LostLease, Stopped, TimedOut
from experiments.models import Commit, Ref, Repository
from experiments.pipeline_clone import PipelineClone
from experiments.pipeline_summary import MAX_STAGES, in_running_order, outputs
from experiments.pipeline_watch import News
from experiments.runners import FollowUp, Outcome
from experiments.stage_board import StageBoard, StageTime
from experiments.stage_times import Measured
from integrations.dvc_commands import DVCError
from integrations.dvc_records import Pipeline
from integrations.errors import IntegrationError
from integrations.git_repository import GitMirror
from integrations.git_results import RESULT_PREFIX


def run(context: JobContext) -> Outcome:
    """Run the pipeline that the payload asks for, and ask for its result to be logged to MLflow.

    :raises IntegrationError: permanent if a stage fails or the data are not to be had
    """
    commit = (
        Commit.objects.filter(repository__name=context.payload["repository"], sha=context.payload["sha"])
        .select_related("repository")
        .first()
    )
    if commit is None:
        raise IntegrationError("This repository is not connected any more.", permanent=True)
    return _PipelineRun(context, commit).run()


class _PipelineRun:
    """One attempt at a pipeline job."""

    def __init__(self, context: JobContext, commit: Commit) -> None:
        self.context = context
        self.asked = context.payload
        self.commit = commit
        self.repository: Repository = commit.repository
        self.mirror = GitMirror(repositories.mirror_path(self.repository))
        self.clone = PipelineClone(context)
        stages = [stage["name"] for stage in commit.pipeline.get("stages", ())]
        self.outline = pipeline_watch.outline(commit.pipeline)
        self.board = StageBoard(context, stages, on_began=self._began, on_ran=self._remember)

    def run(self) -> Outcome:
        """Do it all, and let those who watch know how it goes."""
        self._tell("started", self.outline)
        try:
            outcome = self._run()
        except Exception as error:
            self._tell_end(error)
            raise
        self._tell("succeeded", outcome.result["lock"])
        return outcome

    def _run(self) -> Outcome:
        started = timezone.now()
        with self.context.doing("clone"):
            self.clone.make(self.mirror, self.commit.sha)
            self.clone.set_params(self.asked["overrides"])
            pipeline = self.clone.pipeline()
            environment = self.clone.probe()
        with self.context.doing("fetch data"):
            tracked = self.clone.tracked()
            self.clone.fetch(sorted(set(tracked.values())))
        self._repro()
        ended = timezone.now()
        with self.context.doing("verify"):
            self.clone.verify(self.clone.lock(), pipeline)
            facts = self._facts(pipeline, tracked)
        with self.context.doing("commit"):
            sha, branch = self._keep(pipeline)
        with self.context.doing("push data"):
            pushed = self.clone.push()
        self.context.message(f"The result is commit {sha[:12]}")
        result = {
            **self._asked_facts(),
            **facts,
            "environment": asdict(environment),
            "sha": sha,
            "branch": branch,
            "pushed": pushed,
            "started_at": started.isoformat(),
            "finished_at": ended.isoformat(),
        }
        further = {"pipeline": self.context.job_id}
        if "register_as" in self.asked:
            further["register_as"] = self.asked["register_as"]
        return Outcome(result, (FollowUp("log_run", further),))

    def _repro(self) -> None:
        self.context.check()
        try:
            self.clone.repro(self.board.on_line)
        except DVCError as error:
            self.board.fail()
            raise IntegrationError(_told(self.board, error), permanent=error.permanent) from None
        self.board.finish()

    def _asked_facts(self) -> dict[str, Any]:
        tags = self.commit.refs.filter(kind=Ref.Kind.TAG).order_by("name").values_list("name", flat=True)
        asked_tag = self.asked["ref"] if self.asked["ref_kind"] == Ref.Kind.TAG else ""
        return {
            "repository": self.repository.name,
            "base_sha": self.commit.sha,
            "ref": self.asked["ref"],
            "tag": asked_tag or tags.first() or "",
            "note": self.asked["note"],
            "overrides": self.asked["overrides"],
        }

    def _facts(self, pipeline: Pipeline, tracked: Mapping[str, str]) -> dict[str, Any]:
        """Return what the working directory says."""
        lock = self.clone.lock()
        stages = pipeline_facts.lock_summary(lock)
        order = [path for stage in in_running_order(pipeline.stages[:MAX_STAGES]) for path in outputs(stage)]
        found = pipeline_facts.inputs(lock, pipeline, tracked)
        return {
            "params": pipeline_facts.flat_params(self.clone.params_text()),
            "metrics": pipeline_facts.flat_metrics(self.clone.metrics(), order),
            "lock": stages,
            "lock_digest": self.clone.lock_digest(),
            "inputs": found,
            "dataset_hash": pipeline_facts.dataset_hash(found),
            "stages": [{"name": name, **asdict(time)} for name, time in self.board.times.items()],
            **self._training_time(pipeline, stages),
        }

    def _began(self, stage: str) -> None:
        self._tell("began", {stage: self.outline[stage]} if stage in self.outline else {}, stage=stage)

    def _remember(self, stage: str, time: StageTime) -> None:
        """Keep the time of a stage as soon as it has ended: the job may not get to its own end."""
        try:
            entry = pipeline_facts.lock_summary(self.clone.lock()).get(stage)
        except IntegrationError:
            return  # a stage that only says that another one runs now
        if entry is not None and time.seconds is not None:
            self._tell("ran", {stage: entry}, stage=stage)
            stage_times.remember(entry["digest"], Measured(time.seconds, self.context.job_id))

    def _tell_end(self, error: Exception) -> None:
        stop = error if isinstance(error, Stopped) else self.context.watch.reason()
        if isinstance(stop, LostLease):
            return  # told by whoever took the job away
        in_stage = self.board.current or ""
        if stop is None or isinstance(stop, TimedOut):
            self._tell("failed", self.outline, stage=in_stage, problem=str(stop or error))
        else:
            self._tell("stopped", self.outline, stage=in_stage)

    def _tell(self, what: pipeline_watch.What, stages: Mapping[str, Any], **more: Any) -> None:
        pipeline_watch.tell(
            News(
                what,
                self.context.job_id,
                self.context.attempt,
                self.repository.name,
                self.repository.url,
                self.commit.sha,
                timezone.now(),
                stages,
                **more,
            )
        )

    def _training_time(self, pipeline: Pipeline, lock: Mapping[str, Any]) -> dict[str, Any]:
        """Return how long the training took, here or in the job that left its result in the cache."""
        entry = lock.get(pipeline_facts.model_stage(pipeline) or "")
        measured = stage_times.recall(entry["digest"]) if entry else None
        if measured is None:
            return {"training_seconds": None, "training_measured_in": None}
        return {"training_seconds": measured.seconds, "training_measured_in": measured.job}

    def _keep(self, pipeline: Pipeline) -> tuple[str, str]:
        """Commit what belongs to Git, and remember the commit; return its hash and branch."""
        name = f"{RESULT_PREFIX}job-{self.context.job_id}"
        try:
            sha, branch = self._commit(pipeline, name), name
        except IntegrationError as error:
            if not error.permanent or self.context.attempt == 1:
                raise
            # An earlier attempt got so far with other numbers. A commit that somebody may know never moves.
            branch = f"{name}-attempt-{self.context.attempt}"
            sha = self._commit(pipeline, branch)
        commit_index.add(self.mirror, self.repository, sha)
        return sha, branch

    def _commit(self, pipeline: Pipeline, branch: str) -> str:
        author = self.context.submitted_by
        mailbox = re.sub(r"[^\w.+-]+", "-", author)
        return self.mirror.commit_result(
            self.clone.path,
            self.clone.git_files(pipeline),
            _message(self.context.job_id, self.asked),
            branch=branch,
            author_name=author,
            author_email=f"{mailbox}@stagegate.invalid",
            parent=self.commit.sha,
        )


def _message(job_id: int, asked: Mapping[str, Any]) -> str:
    subject = asked["note"] or f"Run the pipeline of {asked['ref'][:60]}"
    changes = [f"{name}: {value!r}" for name, value in asked["overrides"].items()]
    return "\n".join([subject, "", *changes, *([""] if changes else []), f"Stagegate-Job: {job_id}", ""])


def _told(board: StageBoard, error: DVCError) -> str:
    if board.current is None:
        return error.message
    return "\n".join([f"Stage {board.current!r} failed. Its last lines:", *board.last_lines])
