"""What is first in a history, whatever was read first, on real repositories."""

import random
from pathlib import Path
from typing import Any

import pytest

from accounts.roles import Role
from experiments.models import Repository
from lineage.history_index import index
from lineage.models import DataVersion, HistoryCommit, PipelineStage, SnapshotStage, StageFile
from lineage.selectors import data, data_timeline, data_uses
from tests.branched_history import Made, by_chance, give_branches, make_commits, tracked
from tests.operations.test_history_index import connected, own_mirrors  # noqa: F401 - a fixture
from tests.people import make_user

pytestmark = pytest.mark.django_db

FIRST = ("first_sha", "first_at")
TABLES: dict[Any, tuple[str, ...]] = {
    HistoryCommit: ("sha", "parents", "committed_at", "author", "snapshot__digest", "inputs__digest"),
    SnapshotStage: ("snapshot__digest", "stage__digest", "position"),
    StageFile: ("stage__digest", "role", "path", "hash", "size"),
    PipelineStage: ("digest", "address", *FIRST),
    DataVersion: ("path", "hash", "size", "nfiles", "kind", "stage", "author", "message", *FIRST),
}
OWNERS = {SnapshotStage: "snapshot__repository", StageFile: "stage__repository"}


def tables(repository: Repository) -> dict[str, list[str]]:
    """Return what the index says of `repository`, without its keys."""
    return {
        model.__name__: sorted(
            repr(row)
            for row in model.objects.filter(**{OWNERS.get(model, "repository"): repository}).values_list(
                *told
            )
        )
        for model, told in TABLES.items()
    }


def read(source: Path, name: str, *turns: list[int]) -> Repository:
    """Let the commits of one turn after the other have branches, and index what is new; return the row."""
    for turn in turns:
        give_branches(source, turn)
        repository = connected(source, name)
        index(repository)
    return repository


def told_first(repository: Repository) -> list[tuple[str, str]]:
    """Return the paths of data with the message of the first commit that has them."""
    return list(repository.data_versions.order_by("path").values_list("path", "message"))


def test_data_of_an_older_branch_that_is_read_later_are_first_there(tmp_path: Path) -> None:
    files = {"raw.dvc": tracked("raw", 1)}
    source = make_commits(tmp_path / "git", [Made([], 0, {}), Made([0], 1, files), Made([0], 2, files)])
    repository = read(source, "late", [2])
    [before] = repository.data_versions.all()
    assert before.message == "Change number 2"
    read(source, "late", [1, 2])
    [after] = repository.data_versions.all()
    assert (after.pk, after.message, after.author) == (before.pk, "Change number 1", "Author 1")
    stage = repository.pipeline_stages.get()
    assert (stage.first_sha, stage.first_at) == (after.first_sha, after.first_at)
    assert after.first_at < before.first_at


def test_an_ancestor_is_first_even_if_its_clock_was_fast_or_its_second_is_the_same(tmp_path: Path) -> None:
    raw, model = {"raw.dvc": tracked("raw", 1)}, {"model.dvc": tracked("model", 2)}
    commits = [Made([], 50, raw), Made([0], 10, raw), Made([1], 60, raw | model), Made([2], 60, raw | model)]
    repository = read(make_commits(tmp_path / "git", commits), "fast", [3])
    assert told_first(repository) == [("model", "Change number 2"), ("raw", "Change number 0")]


def test_what_was_read_later_is_not_newer_for_that(tmp_path: Path) -> None:
    old, new = ({"raw.dvc": tracked("raw", value)} for value in (1, 2))
    source = make_commits(tmp_path / "git", [Made([], 0, {}), Made([0], 1, old), Made([0], 2, new)])
    repository = read(source, "late", [2], [1, 2])
    newest, older = data.versions_of(repository, "raw")
    assert (newest.message, older.message) == ("Change number 2", "Change number 1")
    assert data_timeline.before(newest, None) == older
    assert data_timeline.before(older, None) is None
    [row] = data.page_of(data.found(repository), None, None)
    assert (row.newest, row.versions) == (newest, 2)


def test_of_two_definitions_of_a_stage_the_older_is_first_whichever_was_read_first(tmp_path: Path) -> None:
    small, large = ({"raw.dvc": tracked("raw", 1, size)} for size in (1, 2))
    source = make_commits(tmp_path / "git", [Made([], 0, {}), Made([0], 1, small), Made([0], 2, large)])
    repository = read(source, "late", [2], [1, 2])
    row = repository.data_versions.get()
    [maker] = data_uses.uses(row, user=make_user(Role.VIEWER)).makers
    newest = repository.history.latest("committed_at")
    assert (row.size, maker.shapes, maker.first_sha, maker.last_sha) == (1, 2, row.first_sha, newest.sha)


@pytest.mark.parametrize("seed", range(4))
def test_whatever_branches_are_read_first_the_tables_are_those_of_one_pass(seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)
    source = make_commits(tmp_path / "git", list(by_chance(30, chance)))
    everything = list(range(30))
    at_once = tables(read(source, "at-once", everything))
    assert all(at_once.values())
    mixed = chance.sample(everything, 30)
    few_by_few = [mixed[start : start + 4] for start in range(0, 30, 4)]
    assert tables(read(source, "few-by-few", *few_by_few)) == at_once
    assert tables(read(source, "older-last", everything[20:], everything)) == at_once
