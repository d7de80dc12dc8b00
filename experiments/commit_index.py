"""What we know of a repository's commits, so that pages and launches need no Git. Runs in a worker.

Known are the tips of all branches and tags, the newest commits of the default branch, and the results of jobs
(which stay when their branch is gone, since jobs and runs point to them). A commit never changes, so one that
is known is not read again. Whatever is in a commit, it cannot stop the others from being read: what is wrong
with it becomes its `problem`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils import timezone

from audit import trail
from audit.events import Event
from experiments import parameters, repositories
from experiments.models import Commit, Ref, Repository
from experiments.pipeline_summary import summary
from experiments.stored_text import text
from integrations.dvc_files import DEFAULT_PARAMS_FILE, PIPELINE_FILE, read_pipeline
from integrations.errors import IntegrationError
from integrations.git_repository import Commit as GitCommit
from integrations.git_repository import GitMirror
from integrations.git_repository import Ref as GitRef
from integrations.git_results import RESULT_PREFIX

NEWEST = 100
MAX_REFS = 500
MAX_PARAMS_BYTES = 128 * 1024
MAX_PIPELINE_BYTES = 1_000_000
_NAMES_IN_TRAIL = 20


@dataclass(frozen=True)
class Report:
    """What a fetch brought: numbers of refs there are, of commits that were new, and names that are gone."""

    refs: int
    new_commits: int
    changed: tuple[str, ...]
    removed: tuple[str, ...]


def index(repository: Repository, should_stop: Callable[[], bool] = lambda: False) -> Report:
    """Fetch the repository into its mirror (made if it is missing) and bring our rows up to date.

    Idempotent. What is wrong with the repository as a whole is also kept in `Repository.fetch_error`.

    :raises IntegrationError: it cannot be fetched; our rows stay as they are
    """
    try:
        mirror = GitMirror.create(repository.url, repositories.mirror_path(repository))
        mirror.fetch(should_stop)
        default = mirror.default_branch()
    except IntegrationError as error:
        Repository.objects.filter(pk=repository.pk).update(fetch_error=text(error.message, 1000))
        raise
    refs = [ref for ref in mirror.refs() if not ref.name.startswith(RESULT_PREFIX)][:MAX_REFS]
    history = mirror.log(mirror.resolve(default), limit=NEWEST)
    wanted = {commit.sha: commit for commit in history}
    known = set(repository.commits.values_list("sha", flat=True))
    for ref in refs:
        if ref.sha not in known and ref.sha not in wanted:
            wanted[ref.sha] = mirror.log(ref.sha, limit=1)[0]
    new = [describe(mirror, repository, commit) for sha, commit in wanted.items() if sha not in known]
    return _write(repository, refs, new, default)


def add(mirror: GitMirror, repository: Repository, sha: str) -> Commit:
    """Return our row of one commit, such as the result of a job; written if it is not there.

    :raises IntegrationError: the mirror has no such commit
    """
    row = describe(mirror, repository, mirror.log(sha, limit=1)[0])
    Commit.objects.bulk_create([row], ignore_conflicts=True)
    return Commit.objects.get(repository=repository, sha=sha)


def describe(mirror: GitMirror, repository: Repository, commit: GitCommit) -> Commit:
    """Return the row, unsaved, of a commit: who, when, its parameters, its pipeline and what is wrong."""
    row = Commit(
        repository=repository,
        sha=commit.sha,
        parents=list(commit.parents),
        subject=text(commit.subject, 500),
        author=text(commit.author, 250),
        committed_at=commit.committed_at,
    )
    try:
        row.params_text = _read(mirror, commit.sha, DEFAULT_PARAMS_FILE, MAX_PARAMS_BYTES)
        pipeline = _read(mirror, commit.sha, PIPELINE_FILE, MAX_PIPELINE_BYTES)
        row.pipeline = summary(read_pipeline(pipeline)) if pipeline else {}
        if pipeline:
            parameters.read_parameters(row.params_text)
    except IntegrationError as error:
        row.problem = text(error.message, 1000)
    except parameters.ParametersFileError as error:
        row.problem = text(f"{DEFAULT_PARAMS_FILE}: {error}", 1000)
    except Exception as error:  # noqa: BLE001 - foreign files: no single commit may stop the fetch
        row.problem = text(f"This commit cannot be read ({type(error).__name__}).", 1000)
    return row


def _read(mirror: GitMirror, sha: str, path: str, max_bytes: int) -> str:
    content = mirror.read_file(sha, path, max_bytes=max_bytes) or b""
    try:
        found = content.decode("utf-8")
    except UnicodeDecodeError:
        raise IntegrationError(f"{path} is not UTF-8 text.", permanent=True) from None
    if "\0" in found:
        raise IntegrationError(f"{path} is not a text file.", permanent=True)
    return found


@transaction.atomic
def _write(repository: Repository, refs: Iterable[GitRef], new: list[Commit], default: str) -> Report:
    # The lock keeps two fetches from writing each other's refs at once. Not of the key: who holds the trail
    # may be about to insert a row that refers to this one.
    row = Repository.objects.select_for_update(no_key=True).get(pk=repository.pk)
    Commit.objects.bulk_create(sorted(new, key=lambda one: one.sha), ignore_conflicts=True)
    keys = dict(row.commits.values_list("sha", "pk"))
    wanted = {(ref.kind, ref.name[:250]): keys[ref.sha] for ref in refs}
    there = {(ref.kind, ref.name): ref for ref in row.refs.all()}
    changed = [key for key in wanted if key not in there or there[key].commit_id != wanted[key]]
    removed = [key for key in there if key not in wanted]
    Ref.objects.bulk_create(
        [Ref(repository=row, kind=kind, name=name, commit_id=wanted[kind, name]) for kind, name in changed],
        update_conflicts=True,
        unique_fields=["repository", "kind", "name"],
        update_fields=["commit"],
    )
    Ref.objects.filter(pk__in=[there[key].pk for key in removed]).delete()
    if row.fetched_at is None or not row.default_ref:
        row.default_ref = row.default_ref or default
    row.fetched_at, row.fetch_error = timezone.now(), ""
    row.save(update_fields=["default_ref", "fetched_at", "fetch_error"])
    report = Report(len(wanted), len(new), _names(changed), _names(removed))
    if changed or removed or new:
        _record(row, report)
    return report


def _names(keys: list[tuple[Any, str]]) -> tuple[str, ...]:
    return tuple(sorted(f"{kind} {name}" for kind, name in keys))


def _record(repository: Repository, report: Report) -> None:
    trail.record(
        Event.REPOSITORY_FETCHED,
        actor=trail.SYSTEM,
        target=repositories.target(repository),
        data={
            "refs": report.refs,
            "new_commits": report.new_commits,
            "changed": list(report.changed[:_NAMES_IN_TRAIL]),
            "removed": list(report.removed[:_NAMES_IN_TRAIL]),
        },
    )
