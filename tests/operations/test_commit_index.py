"""Fetching real Git repositories into our tables."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.db import connection
from pytest_django import Settings

from audit.models import AuditEntry
from experiments import commit_index, launches, repositories
from experiments.models import Commit, Ref, Repository
from integrations.errors import IntegrationError
from integrations.git_repository import GitMirror
from tests.integrations.git_workshop import commit, git, make_repository

PIPELINE = "stages:\n  train:\n    cmd: python train.py\n    params: [train.epochs]\n    outs: [model]\n"
FILES = {"dvc.yaml": PIPELINE, "params.yaml": "train:\n  epochs: 3  # passes\n"}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return make_repository(tmp_path / "source", FILES)


@pytest.fixture
def repository(source: Path, settings: Settings, tmp_path: Path) -> Repository:
    settings.DATA_DIR = tmp_path / "data"
    return Repository.objects.create(
        name="receipts", url=str(source), experiment_name="receipts", created_by="somebody"
    )


def refs_of(repository: Repository) -> dict[str, str]:
    return dict(repository.refs.values_list("name", "commit__sha"))


@pytest.mark.django_db
def test_a_first_fetch_tells_branches_tags_commits_parameters_and_the_pipeline(
    repository: Repository, source: Path
) -> None:
    git(source, "tag", "--annotate", "--message", "first", "v1")
    second = commit(source, {"README": "영수증\n"}, "두번째 commit")
    report = commit_index.index(repository)

    assert report.new_commits == 2
    assert refs_of(repository) == {"main": second, "v1": git(source, "rev-parse", "v1^{commit}")}
    row = Commit.objects.get(sha=second)
    assert (row.subject, row.author, row.problem) == ("두번째 commit", "Tester", "")
    assert row.parents == [git(source, "rev-parse", "v1^{commit}")]
    assert row.params_text == FILES["params.yaml"]
    assert [stage["name"] for stage in row.pipeline["stages"]] == ["train"]
    repository.refresh_from_db()
    assert repository.default_ref == "main"
    assert repository.fetched_at is not None
    assert repositories.mirror_path(repository).is_dir()
    entry = AuditEntry.objects.get(event="repository.fetched")
    assert entry.data["changed"] == ["branch main", "tag v1"]
    assert launches.resolve(repository, "v1").commit.parents == []


@pytest.mark.django_db
def test_a_further_fetch_reads_new_commits_only_and_follows_what_moved_or_went(
    repository: Repository, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git(source, "branch", "gone")
    commit_index.index(repository)
    head = commit(source, {"README": "new\n"}, "second")
    git(source, "branch", "--delete", "--force", "gone")
    git(source, "branch", "feature/x")
    read: list[str] = []
    describe = commit_index.describe
    monkeypatch.setattr(
        commit_index, "describe", lambda *given: (read.append(given[2].sha), describe(*given))[1]
    )
    report = commit_index.index(repository)
    assert read == [head]
    assert refs_of(repository) == {"main": head, "feature/x": head}
    assert report.removed == ("branch gone",)
    assert repository.commits.count() == 2

    read.clear()
    entries = AuditEntry.objects.count()
    again = commit_index.index(repository)
    assert read == []
    assert (again.new_commits, again.changed, again.removed) == (0, (), ())
    assert AuditEntry.objects.count() == entries


@pytest.mark.django_db
def test_one_bad_commit_does_not_keep_the_others_away(repository: Repository, source: Path) -> None:
    bad = {
        "mapping": {"dvc.yaml": "- a list\n"},
        "yaml": {"dvc.yaml": "stages: {train: ["},
        "stage": {"dvc.yaml": "stages: {train: {deps: [x]}}"},
        "aliases": {"dvc.yaml": "a: &a [x]\n" + "".join(f"{c}: &{c} [*a,*a]\n" for c in "bcdefgh")},
        "params": {"params.yaml": "train: !!python/object:os.system {}"},
        "large": {"params.yaml": "#" * 200_000},
    }
    for name, files in bad.items():
        git(source, "checkout", "--quiet", "-b", name, "main")
        commit(source, files, name)
    git(source, "checkout", "--quiet", "-b", "latin", "main")
    (source / "params.yaml").write_bytes("a: \xe9\n".encode("latin-1"))
    commit(source, {}, "latin")
    git(source, "checkout", "--quiet", "-b", "none", "main")
    git(source, "rm", "--quiet", "dvc.yaml", "params.yaml")
    commit(source, {}, "none")
    git(source, "checkout", "--quiet", "main")
    commit_index.index(repository)

    problems = {ref.name: ref.commit.problem for ref in repository.refs.select_related("commit")}
    assert set(problems) == {*bad, "latin", "none", "main"}
    assert problems["main"] == problems["none"] == problems["aliases"] == ""
    assert "does not hold a mapping" in problems["mapping"]
    assert "has no command" in problems["stage"]
    assert "not valid YAML" in problems["yaml"]
    assert "tag" in problems["params"]
    assert "larger" in problems["large"]
    assert "not UTF-8" in problems["latin"]


@pytest.mark.django_db
def test_of_a_long_history_the_newest_commits_are_known_and_every_tip(
    repository: Repository, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commit_index, "NEWEST", 3)
    git(source, "tag", "old")
    for number in range(5):
        commit(source, {"n": str(number)}, f"commit {number}")
    commit_index.index(repository)
    subjects = set(repository.commits.values_list("subject", flat=True))
    assert subjects == {"first", "commit 2", "commit 3", "commit 4"}


@pytest.mark.django_db
def test_results_of_jobs_are_no_refs_but_their_commits_stay_known(
    repository: Repository, source: Path, tmp_path: Path
) -> None:
    commit_index.index(repository)
    mirror = GitMirror(repositories.mirror_path(repository))
    clone = mirror.clone_at(git(source, "rev-parse", "main"), tmp_path / "clone")
    (clone / "params.yaml").write_text("train:\n  epochs: 9\n")
    sha = mirror.commit_result(
        clone, ["params.yaml"], "result", branch="stagegate/job-1", author_name="a", author_email="a@b"
    )
    row = commit_index.add(mirror, repository, sha)
    assert commit_index.add(mirror, repository, sha) == row
    assert row.params_text == "train:\n  epochs: 9\n"
    commit_index.index(repository)
    assert "stagegate/job-1" not in refs_of(repository)
    repository.refresh_from_db()
    assert launches.resolve(repository, sha[:10]).commit == row


@pytest.mark.django_db
def test_a_repository_that_cannot_be_fetched_says_why_and_keeps_what_is_known(
    repository: Repository, source: Path
) -> None:
    commit_index.index(repository)
    known = refs_of(repository)
    source.rename(source.with_name("moved"))
    with pytest.raises(IntegrationError):
        commit_index.index(repository)
    repository.refresh_from_db()
    assert repository.fetch_error
    assert refs_of(repository) == known
    source.with_name("moved").rename(source)
    commit_index.index(repository)
    repository.refresh_from_db()
    assert repository.fetch_error == ""


@pytest.mark.django_db
def test_an_empty_repository_is_told_in_words(repository: Repository, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    git(empty, "init", "--quiet", "--initial-branch=main")
    Repository.objects.update(url=str(empty))
    repository.refresh_from_db()
    with pytest.raises(IntegrationError, match="no branch"):
        commit_index.index(repository)
    repository.refresh_from_db()
    assert "no branch" in repository.fetch_error


@pytest.mark.django_db(transaction=True)
def test_two_fetches_at_once_leave_each_row_once(repository: Repository, source: Path) -> None:
    for number in range(4):
        git(source, "branch", f"b{number}")

    def fetch(_: int) -> int:
        try:
            return commit_index.index(repository).refs
        finally:
            connection.close()

    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(fetch, range(3))) == [5, 5, 5]
    assert Ref.objects.count() == 5
    assert Commit.objects.count() == 1
