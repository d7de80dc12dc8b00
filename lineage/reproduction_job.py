"""Runner of kind `reproduce`: rebuild a version from its commit and data, and say how close it came.

Nothing that an earlier run left here is used: a fresh clone, an empty cache, data from the remote. Whatever
stands in the way of a comparison is a verdict too, with its reason, and never one that passes. Only what may
be over soon (a remote that cannot be reached now) has the job tried again. An attempt that breaks off leaves
nothing; one that stored its report is not repeated.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext_noop as _

from experiments import repositories
from experiments.job_context import JobContext
from experiments.models import Commit, Repository
from experiments.runners import Outcome
from experiments.stage_board import StageBoard
from integrations.dvc_commands import DVCError
from integrations.dvc_records import Lock, Pipeline
from integrations.errors import IntegrationError
from integrations.git_repository import GitMirror
from lineage import lock_checks, reproduction, reproduction_facts
from lineage.models import HistoryCommit, Reproduction
from lineage.rebuilt import NotRebuiltError, Verdict, judge, tolerance_data
from lineage.reproduction_clone import RebuildClone
from registry.models import ModelVersion

BEFORE = ("clone", "pull data", "check inputs")
AFTER = ("compare", "sign")


def run(context: JobContext) -> Outcome:
    """Reproduce the version that the payload names.

    :raises IntegrationError: temporary while data cannot be fetched; permanent if there is no such version
    """
    asked = context.payload
    versions = ModelVersion.objects.select_related("model")
    version = versions.filter(model__name=asked["model"], version=asked["version"]).first()
    if version is None:
        raise IntegrationError(_("%(model)s has no version %(version)s.") % asked, permanent=True)
    known = Reproduction.objects.filter(job=context.job_id).first()
    return _outcome(known or _Rebuilding(context, version).run())


def _outcome(stored: Reproduction) -> Outcome:
    told = {"verdict": stored.verdict, "passed": stored.passed, "summary": stored.summary}
    return Outcome({**told, "reproduction": stored.pk})


def _repository_with(sha: str) -> Repository | None:
    """Return a repository that has the commit: the indexed history knows all but the newest of them."""
    rows = (
        model.objects.filter(sha=sha).select_related("repository").order_by("pk").first()
        for model in (HistoryCommit, Commit)
    )
    return next((row.repository for row in rows if row), None)


class _Rebuilding:
    """One attempt at reproducing one version."""

    def __init__(self, context: JobContext, version: ModelVersion) -> None:
        self.context = context
        self.version = version
        self.clone = RebuildClone(context)
        self.tolerance = reproduction.tolerance_of(version.model)
        self.report: dict[str, Any] = {
            **reproduction_facts.about(version),
            "job": context.job_id,
            "asked_by": context.submitted_by,
            "started_at": timezone.now().isoformat(),
            "tolerance": tolerance_data(self.tolerance),
            **{part: [] for part in ("inputs", "stages", "files", "metrics", "registered")},
            "environment": {"recorded": {}, "rebuilt": {}, "differences": []},
        }

    def run(self) -> Reproduction:
        try:
            verdict, problem = self._rebuild(), ""
        except NotRebuiltError as error:
            verdict, problem = error.verdict, error.problem
            self.context.log(f"Not reproduced: {problem}")
        with self._step("sign"):
            return self._store(verdict, problem)

    def _rebuild(self) -> Verdict:
        with self._step("clone"):
            pipeline, lock = self._clone()
        board = StageBoard(
            self.context, [stage.name for stage in pipeline.stages], before=BEFORE, after=AFTER
        )
        self.context.step("clone", "done")
        with self._step("pull data"):
            self.clone.pull_inputs(pipeline, lock)
        with self._step("check inputs"):
            lock_checks.check_lock(pipeline, lock, self.clone.content)
            self.report["inputs"] = self.clone.check_inputs(pipeline, lock)
            before = reproduction_facts.Recorded.read(self.clone, pipeline, lock, self.version)
            self.report["environment"] = reproduction_facts.environment(self.version, self.clone.probe())
        self._run_stages(board, pipeline)
        with self._step("compare"):
            lock_checks.check_rerun(lock, self.clone.lock())
            found = reproduction_facts.compare(self.clone, pipeline, lock, before, self.tolerance)
            self.report |= found
        return judge(found["files"], found["metrics"], self.tolerance, registered=found["registered"])

    def _clone(self) -> tuple[Pipeline, Lock]:
        repository, sha = self._origin()
        try:
            mirror = GitMirror(repositories.mirror_path(repository))
            mirror.require(sha)
        except IntegrationError as error:
            text = f"The commit {sha} of {repository.name} cannot be reached: {error.message}"
            raise NotRebuiltError(Verdict.NO_COMMIT, text) from None
        try:
            self.clone.make(mirror, sha)
            pipeline, lock = self.clone.pipeline(), self.clone.lock()
        except IntegrationError as error:
            if not error.permanent:
                raise
            raise NotRebuiltError(Verdict.NO_PIPELINE, error.message) from None
        digest = self.report["dvc_lock_sha256"] = self.clone.lock_digest()
        recorded = self.version.lineage.get("dvc_lock_digest")
        if recorded and recorded != digest:
            text = f"The dvc.lock of the commit has the digest {digest}, and {recorded} was recorded."
            raise NotRebuiltError(Verdict.CHANGED_INPUT, text)
        self.clone.enclose()
        self.clone.check_remotes()
        return pipeline, lock

    def _origin(self) -> tuple[Repository, str]:
        """Return the repository and the commit that the version names.

        :raises NotRebuiltError: it names none that is known here
        """
        sha = str(self.report["commit"])
        if not sha:
            text = "The version names no commit: it was made from an MLflow run without a pipeline."
            raise NotRebuiltError(Verdict.NO_PIPELINE, text)
        name = str(self.report["repository"])
        # A run of a plain client says which commit, not of what.
        found = Repository.objects.filter(name=name).first() if name else _repository_with(sha)
        if found is None:
            text = f"The commit {sha} is in no connected repository."
            raise NotRebuiltError(Verdict.NO_COMMIT, text)
        self.report["repository"] = found.name
        return found, sha

    def _run_stages(self, board: StageBoard, pipeline: Pipeline) -> None:
        reproduction_facts.remove_outputs(self.clone, pipeline)
        try:
            self.clone.rebuild(board.on_line)
        except DVCError as error:
            board.fail()
            self._note(board)
            if not error.permanent:
                raise
            said = [line for line in board.last_lines if not line.startswith("ERROR:")]
            last = said[-1] if said else error.message
            text = f"The stage {board.current} failed: {last}" if board.current else error.message
            raise NotRebuiltError(Verdict.STAGE_FAILED, text) from None
        board.finish()
        self._note(board)

    def _note(self, board: StageBoard) -> None:
        self.report["stages"] = [{"name": name, **asdict(time)} for name, time in board.times.items()]

    def _store(self, verdict: Verdict, problem: str) -> Reproduction:
        body = self.report | {
            "isolation": self.clone.isolation,
            "verdict": verdict.value,
            "problem": problem,
            "finished_at": timezone.now().isoformat(),
        }
        stored = reproduction.store(self.context, self.version, body)
        self.context.message(stored.summary)
        return stored

    @contextlib.contextmanager
    def _step(self, name: str) -> Iterator[None]:
        self.context.check()
        self.context.step(name, "running")
        try:
            yield
        except NotRebuiltError:
            self.context.step(name, "failed")
            raise
        self.context.step(name, "done")
