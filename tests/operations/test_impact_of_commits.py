"""What a commit reached: itself, and everything that was built from a commit that contains it."""

import itertools

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.roles import Role
from experiments.models import Repository
from lineage import asked_causes, causes, descendants, impact
from lineage.graph import Key
from lineage.models import HistoryCommit
from lineage.node_ids import Kind
from lineage.reach import Reach
from registry.models import ModelVersion
from tests.jobs import make_repository
from tests.lineage_rows import (
    make_history_commit,
    make_job_run,
    make_pipeline,
    make_plain_run,
    make_stage,
)
from tests.people import make_user
from tests.stage_events import day
from tests.versions import make_version

pytestmark = pytest.mark.django_db
W, X, Y, Z, SIDE, MERGE = (letter * 40 for letter in "0123ef")
DATA = "d" * 32


@pytest.fixture
def repository():
    return make_repository("receipts")


@pytest.fixture
def history(repository):
    r"""Four commits in a row, one beside them, and a merge of both.

    W - X - Y - Z - MERGE
     \ - - SIDE - - /
    """
    for sha, *parents in ((W,), (X, W), (Y, X), (Z, Y), (SIDE, W), (MERGE, Z, SIDE)):
        make_history_commit(repository, sha, parents=parents)


def reached(sha: str, **asked) -> list[str]:
    user = make_user(Role.VIEWER)
    keys = asked_causes.of({"node": f"commit:receipts@{sha}"}, user=user).keys
    return sorted(one.version for one in impact.of(keys, user=user, **asked).versions)


def built(number: str, sha: str) -> ModelVersion:
    return make_version(number, run_id=make_plain_run(sha, "").run_id)


def test_a_version_of_a_later_commit_is_reached(history):
    built("1.0.0", Y)
    assert reached(X) == ["1.0.0"]
    assert reached(Y) == ["1.0.0"]
    assert reached(Z) == []


def test_a_merge_contains_both_its_sides_and_a_side_not_the_other(history):
    built("1.0.0", MERGE)
    built("1.1.0", SIDE)
    assert reached(X) == ["1.0.0"]
    assert reached(SIDE) == ["1.0.0", "1.1.0"]
    assert reached(W) == ["1.0.0", "1.1.0"]


def test_the_result_of_a_job_that_began_at_a_later_commit_is_reached_before_it_is_indexed(history):
    run = make_job_run("9" * 40, "", git_base_commit=Z)
    make_version("1.0.0", run_id=run.run_id)
    assert reached(X) == ["1.0.0"]


def test_data_that_a_later_commit_made_is_followed_into_other_repositories(history, repository):
    stage = make_stage(repository, "train", makes=[("model", DATA)], sha=Y)
    commit = HistoryCommit.objects.get(sha=Y)
    commit.snapshot.entries.create(stage=stage)
    other = make_repository("fine-tuning")
    make_history_commit(other, "8" * 40, [make_stage(other, "tune", reads=[("base", DATA)], sha="8" * 40)])
    make_version("1.0.0", run_id=make_job_run("8" * 40, "").run_id)
    assert reached(X) == ["1.0.0"]


def test_a_fork_that_has_the_commit_counts(history):
    fork = make_repository("fork")
    make_history_commit(fork, X, parents=[W])
    make_history_commit(fork, "7" * 40, parents=[X])
    built("1.0.0", "7" * 40)
    assert reached(X) == ["1.0.0"]


def test_the_order_in_which_commits_were_indexed_does_not_matter(repository):
    for sha, *parents in ((Z, Y), (Y, X), (X, W)):
        make_history_commit(repository, sha, parents=parents)
    built("1.0.0", Z)
    assert reached(X) == ["1.0.0"]


def test_commits_that_name_each_other_end(repository):
    make_history_commit(repository, X, parents=[Y])
    make_history_commit(repository, Y, parents=[X])
    built("1.0.0", Y)
    assert reached(X) == ["1.0.0"]


def test_a_commit_that_no_repository_has_reaches_what_names_it():
    built("1.0.0", X)
    assert reached(X) == ["1.0.0"]


def test_more_commits_than_are_read_are_said(history, monkeypatch):
    monkeypatch.setattr(descendants, "LIMIT", 3)
    assert descendants.of([X])[1] is False
    user = make_user(Role.VIEWER)
    assert not impact.of([Key(Kind.COMMIT, X)], user=user).complete


def test_a_line_of_thousands_of_commits_takes_as_many_queries_as_a_short_one(history, repository):
    def asked() -> int:
        with CaptureQueriesContext(connection) as queries:
            found = causes.Reached.of([Key(Kind.COMMIT, X)], Reach(None, causes.LIMIT, runs=False))
            assert found.versions(ModelVersion.objects.all()) == {version.pk}
        return len(queries)

    version = built("1.0.0", MERGE)
    few = asked()
    _prolong(repository, MERGE, 1_500)
    ModelVersion.objects.filter(pk=version.pk).update(
        run_id=make_plain_run(f"{1_500:040}", "").run_id,
    )
    assert asked() == few


def _prolong(repository: Repository, start: str, count: int) -> None:
    shas = [start, *(f"{number:040}" for number in range(1, count + 1))]
    HistoryCommit.objects.bulk_create(
        HistoryCommit(
            repository=repository,
            sha=sha,
            parents=[parent],
            subject="One more",
            author="engineer",
            committed_at=day(2),
        )
        for parent, sha in itertools.pairwise(shas)
    )


@pytest.mark.parametrize(
    ("kept", "is_reached"),
    [
        ({"git_commit": Y}, True),
        ({"mlflow.source.git.commit": Y}, True),
        ({"git_commit": SIDE}, False),
        ({}, False),
    ],
)
def test_a_version_whose_run_is_gone_says_itself_where_it_is_from(history, kept, is_reached):
    make_version("1.0.0", run_id="gone", lineage=kept)
    assert reached(X) == (["1.0.0"] if is_reached else [])


def test_a_version_of_several_inputs_whose_run_is_gone_is_reached_through_its_commit(repository):
    make_pipeline(repository, X)
    lineage = {"git_commit": X, "dataset_hash": "of all inputs together"}
    make_version("1.0.0", run_id="gone", lineage={**lineage, "stagegate.job": "41"})
    make_version("2.0.0", run_id="plain", lineage=lineage)
    user = make_user(Role.VIEWER)
    keys = asked_causes.of({"path": "data/raw"}, user=user).keys
    assert [one.version for one in impact.of(keys, user=user).versions] == ["1.0.0"]


def test_every_version_that_made_another_final_is_reached(history):
    candidate = built("1.0.0-rc.1", Y)
    second = make_version("1.0.0-rc.2", run_id="another", finalises=candidate)
    make_version("1.0.0", run_id="a third", finalises=second)
    assert reached(X) == ["1.0.0", "1.0.0-rc.1", "1.0.0-rc.2"]
