"""Runner of the job kind `apply_result`: put the result of a pipeline onto a branch, as a commit on its tip.

What `dvc exp apply` and a commit would do in a working directory, without one: the parameters, `dvc.lock`,
metrics and plots of the result go on top of the branch as it is now. The branch is fetched first. Where it
has changed what the result was made from, nothing is applied. The commit is kept on a branch of ours, which
fetching leaves alone; the upstream gets it only where an administrator allowed that, and never by force. A
job that is tried again finds its commit.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from typing import Any

from django.db import transaction

from audit import trail
from audit.events import Event
from audit.models import AuditEntry
from experiments import apply_rules, commit_index, repositories
from experiments.apply_rules import Conflict
from experiments.job_context import JobContext
from experiments.models import Job, Repository
from experiments.runners import Outcome
from integrations import git_applying
from integrations.dvc_files import PIPELINE_FILE, read_pipeline
from integrations.dvc_locks import LOCK_FILE, read_lock
from integrations.errors import IntegrationError
from integrations.git_repository import GitMirror
from integrations.git_results import RESULT_PREFIX, Signature

_NAMED = 10


def run(context: JobContext) -> Outcome:
    """Apply the result that the payload names.

    :raises IntegrationError: permanent if the branch has changed what the result depends on; temporary if it
        moved while this ran, or its upstream cannot be reached
    """
    job = Job.objects.select_related("repository").filter(pk=context.payload["pipeline"]).first()
    if job is None or job.repository is None or not job.result:
        raise IntegrationError("The result of this pipeline job is not there any more.", permanent=True)
    return _Application(context, job, job.repository).run()


class _Application:
    """One attempt at applying the result of one job."""

    def __init__(self, context: JobContext, job: Job, repository: Repository) -> None:
        self.context = context
        self.job = job
        self.repository = repository
        self.branch = str(context.payload["branch"])
        self.source = str(job.result["sha"])
        self.base = str(job.result["base_sha"])

    def run(self) -> Outcome:
        with self.context.doing("fetch"):
            commit_index.index(self.repository, self.context.should_stop)
            self.mirror = GitMirror(repositories.mirror_path(self.repository))
            tip = git_applying.branch_commit(self.mirror, self.branch)
        onto = tip or self.base
        with self.context.doing("check"):
            paths = self._paths(onto)
        with self.context.doing("commit"):
            commit, kept = self._commit(paths, onto)
            commit_index.add(self.mirror, self.repository, commit)
        with self.context.doing("push"):
            pushed = self._push(commit, tip)
        self._record(commit, pushed)
        self.context.message(f"{self.branch} has the result" if pushed else f"The commit is on {kept}")
        return Outcome(
            {
                "sha": commit,
                "branch": self.branch if pushed else kept,
                "applied_to": self.branch,
                "applied_on": onto,
                "to_origin": pushed,
                "fetch_command": "" if pushed else self._fetch_command(kept),
            }
        )

    def _paths(self, onto: str) -> frozenset[str]:
        """Return what the result changes, unless the branch has moved away from it."""
        result = git_applying.changed_paths(self.mirror, self.base, self.source)
        if onto == self.base:
            return result
        moved = git_applying.changed_paths(self.mirror, self.base, onto)
        differing = result & git_applying.changed_paths(self.mirror, self.source, onto)
        # Both may have come to the same: then there is nothing to decide.
        moved -= result - differing
        found = apply_rules.conflicts(moved, differing, self._read_by_the_result())
        if found and not self._is_applied(onto):
            raise IntegrationError(_told(self.branch, found), permanent=True)
        return result

    def _read_by_the_result(self) -> frozenset[str]:
        pipeline, lock = (
            self.mirror.read_file(self.source, name) or b"" for name in (PIPELINE_FILE, LOCK_FILE)
        )
        return apply_rules.read_by(read_pipeline(pipeline), read_lock(lock))

    def _is_applied(self, onto: str) -> bool:
        """Whether an earlier attempt got as far as the branch."""
        made = git_applying.branch_commit(self.mirror, self._kept_on(1))
        return made is not None and git_applying.contains(self.mirror, onto, made)

    def _commit(self, paths: frozenset[str], onto: str) -> tuple[str, str]:
        """Return the commit and the branch of ours that keeps it; made once for each tip."""
        for attempt in range(1, self.context.attempt + 1):
            kept = self._kept_on(attempt)
            made = git_applying.branch_commit(self.mirror, kept)
            if made is not None and (
                git_applying.contains(self.mirror, onto, made)
                or git_applying.parents(self.mirror, made) == [onto]
            ):
                return made, kept
            if made is None:
                break
        author = self.context.submitted_by
        mailbox = re.sub(r"[^\w.+-]+", "-", author)
        commit = git_applying.commit_onto(
            self.mirror,
            paths,
            self.source,
            onto,
            _message(self.job, self.context.payload, self.context.job_id),
            branch=kept,
            signature=Signature(author, f"{mailbox}@stagegate.invalid"),
            should_stop=self.context.should_stop,
        )
        if commit == onto:
            self.context.log(f"{self.branch} has these files already.")
            return onto, self.branch
        return commit, kept

    def _kept_on(self, attempt: int) -> str:
        name = f"{RESULT_PREFIX}apply-{self.context.job_id}"
        return name if attempt == 1 else f"{name}-attempt-{attempt}"

    def _push(self, commit: str, tip: str | None) -> bool:
        """Push the commit if that is allowed; return whether the branch has it at its upstream."""
        if tip is not None and git_applying.contains(self.mirror, tip, commit):
            return True
        if not Repository.objects.filter(pk=self.repository.pk, push_allowed=True).exists():
            self.context.log(
                "Pushing to the origin of this repository is not allowed: the commit stays here."
            )
            return False
        git_applying.push(
            self.mirror, commit, self.branch, expected=tip, should_stop=self.context.should_stop
        )
        commit_index.index(self.repository, self.context.should_stop)
        return True

    def _fetch_command(self, kept: str) -> str:
        path = str(repositories.mirror_path(self.repository))
        return f"git fetch {shlex.quote(path)} {shlex.quote(kept)} && git merge --ff-only FETCH_HEAD"

    def _record(self, commit: str, pushed: bool) -> None:
        """Tell the trail, once however often this is tried."""
        with transaction.atomic():
            Job.objects.select_for_update().get(pk=self.context.job_id)
            target = trail.Target("commit", commit, f"{self.repository.name} {commit[:12]}")
            if AuditEntry.objects.filter(event=Event.RESULT_APPLIED, target_id=commit).exists():
                return
            data = {
                "job": self.context.job_id,
                "pipeline_job": self.job.pk,
                "submitted_by": self.context.submitted_by,
                "repository": self.repository.name,
                "branch": self.branch,
                "result": self.source,
                "pushed": pushed,
            }
            trail.record(Event.RESULT_APPLIED, actor=trail.SYSTEM, target=target, data=data)


def _message(job: Job, asked: Mapping[str, Any], number: int) -> str:
    overrides = job.payload.get("overrides") if isinstance(job.payload, dict) else None
    changes = [f"{name}: {value!r}" for name, value in (overrides or {}).items()]
    subject = asked["note"] or job.result.get("note") or f"Apply the result of job #{job.pk}"
    return "\n".join(
        [
            str(subject),
            "",
            *changes,
            *([""] if changes else []),
            f"Stagegate-Job: {job.pk}",
            f"Stagegate-Result: {job.result['sha']}",
            f"Stagegate-Applied-By: {number}",
            "",
        ]
    )


def _told(branch: str, found: list[Conflict]) -> str:
    shown = "; ".join(
        f"{one.path} ({'changed by both' if one.both else 'the result depends on it'})"
        for one in found[:_NAMED]
    )
    more = f"; and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
    return (
        f"Nothing was applied: {branch} has changed since the result was made: {shown}{more}. "
        "Run the pipeline again on the branch as it is now, with the same parameters."
    )
