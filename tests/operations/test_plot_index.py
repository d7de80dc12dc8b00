"""The index of plots: what of their files lies in Git, on real repositories."""

import random
import time
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

import pytest

from experiments.models import Repository
from integrations.git_objects import ObjectReader
from lineage import index_requests, plot_contents, plot_rows
from lineage.history_index import index
from lineage.models import CommitPlots, HistoryCommit, HistoryState, PipelineSnapshot, PlotFile
from lineage.plot_drawing import Look
from lineage.selectors import plots as selectors
from tests.integrations.git_workshop import commit, git
from tests.integrations.git_workshop import make_repository as make_git
from tests.long_history import make_long_history
from tests.operations.test_history_index import connected, own_mirrors  # noqa: F401 - a fixture

pytestmark = pytest.mark.django_db

DVC_YAML = """\
stages:
  train:
    cmd: python train.py
    outs: [model, cached.csv]
    plots:
      - plots/history.csv: {cache: false, x: epoch, y: loss}
plots:
  - roc.json: {x: fpr, y: tpr}
  - cached.csv
  - model/inner.csv
  - none.csv
  - picture.png
  - drawing.svg
  - large.csv
  - binary.csv
  - page.html
  - folder.csv
"""
HISTORY = "epoch,loss\n1,0.5\n"
FILES = {
    "dvc.yaml": DVC_YAML,
    "plots/history.csv": HISTORY,
    "roc.json": '[{"fpr": 0, "tpr": 1}]',
    "picture.png": "png",
    "drawing.svg": "<svg/>",
    "large.csv": "x" * 64_001,
    "binary.csv": "a\0b",
    "page.html": "<p>",
    "folder.csv/in.csv": "a\n1\n",
}


def states(repository: Repository) -> dict[str, str]:
    """Return what is known of the files of the newest commit."""
    row = repository.history.select_related("plots").earliest("-committed_at", "-pk")
    assert row.plots is not None
    return {path: file["state"] for path, file in row.plots.files.items()}


def test_what_git_keeps_is_read_and_the_rest_says_why(tmp_path: Path) -> None:
    repository = connected(make_git(tmp_path / "git", FILES))
    assert index(repository).problems == 0
    assert states(repository) == {
        "plots/history.csv": "kept",
        "roc.json": "kept",
        "cached.csv": "unlocked",
        "model/inner.csv": "unlocked",
        "none.csv": "missing",
        "picture.png": "broken",
        "drawing.svg": "image",
        "large.csv": "large",
        "binary.csv": "binary",
        "page.html": "format",
        "folder.csv": "format",
    }
    head = repository.history.select_related("plots").get()
    drawn = {one.record.name: one.look for one in selectors.drawn(head, None)}
    assert [name for name, look in drawn.items() if look is Look.LINES] == ["roc.json", "plots/history.csv"]


def test_paths_out_of_the_repository_and_links_are_missing(tmp_path: Path) -> None:
    names = ["../secret.csv", "/etc/passwd.csv", "link.csv", "linked/a.csv", "s3://bucket/a.csv", "${x}.csv"]
    text = "plots:\n" + "".join(f"  - '{name}'\n" for name in names)
    source = make_git(tmp_path / "git", {"dvc.yaml": text})
    (source / "link.csv").symlink_to("/etc/passwd")
    (source / "linked").symlink_to("/etc")
    commit(source, {}, "links")
    repository = connected(source)
    index(repository)
    assert set(states(repository).values()) == {"missing"}
    assert not PlotFile.objects.exists()


def test_equal_plots_and_equal_content_are_kept_once(tmp_path: Path) -> None:
    source = make_git(tmp_path / "git", FILES)
    commit(source, {"README": "words"}, "words")
    repository = connected(source)
    index(repository)
    assert (CommitPlots.objects.count(), PlotFile.objects.count()) == (1, 2)
    commit(source, {"plots/history.csv": "epoch,loss\n1,0.4\n"}, "better")
    connected(source)
    index(repository)
    assert (CommitPlots.objects.count(), PlotFile.objects.count()) == (2, 3)
    head = repository.history.select_related("plots").earliest("-committed_at", "-pk")
    parent = repository.history.select_related("plots").get(sha=head.parents[0])
    drawn = selectors.drawn_at(head, parent, 11)
    assert drawn is not None
    assert (drawn.record.name, drawn.lines[0].points.y) == ("plots/history.csv", [0.4])
    assert drawn.lines[0].before is not None
    assert drawn.lines[0].before.y == [0.5]


def test_a_commit_reads_a_few_files_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plot_contents, "MAX_FILES", 2)
    files = {f"{n}.csv": f"a\n{n}\n" for n in range(4)}
    text = "plots: [" + ", ".join(files) + "]"
    repository = connected(make_git(tmp_path / "git", {"dvc.yaml": text, **files}))
    index(repository)
    assert sorted(states(repository).values()) == ["kept", "kept", "many", "many"]
    assert PlotFile.objects.count() == 2


def test_what_was_read_first_is_forgotten_beyond_the_bound(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def content(seed: int) -> str:
        numbers = random.Random(seed)
        return "a\n" + "".join(f"{numbers.random()}\n" for _ in range(200))

    monkeypatch.setattr(plot_rows, "KEPT_BYTES", 5_000)
    source = make_git(tmp_path / "git", {"dvc.yaml": "plots: [a.csv]", "a.csv": content(0)})
    for seed in (1, 2, 3):
        commit(source, {"a.csv": content(seed)}, f"number {seed}")
    repository = connected(source)
    index(repository)
    sizes = list(PlotFile.objects.values_list("size", flat=True))
    assert 0 < sum(sizes) <= 5_000
    assert all(size == len(row.packed) for size, row in zip(sizes, PlotFile.objects.all(), strict=True))
    rows = repository.history.select_related("plots")
    newest, oldest = rows.earliest("-committed_at", "-pk"), rows.earliest("committed_at", "pk")
    assert selectors.drawn(newest, None)[0].look is Look.LINES
    (note,) = selectors.drawn(oldest, None)[0].notes
    assert note.message.startswith("Its content is not kept any more")


def indexed_before(repository: Repository) -> None:
    """Leave the index of a repository as it was before plots were read."""
    HistoryCommit.objects.update(plots=None)
    CommitPlots.objects.all().delete()
    PlotFile.objects.all().delete()
    refs = repository.refs.order_by("kind", "name").values_list("kind", "name", "commit__sha")
    HistoryState.objects.update(refs_digest=sha256(repr(list(refs)).encode()).hexdigest())


def test_a_repository_that_was_indexed_before_gets_its_plots_and_nothing_else(tmp_path: Path) -> None:
    source = make_git(tmp_path / "git", FILES)
    git(source, "checkout", "--quiet", "-b", "side")
    commit(source, {"plots/history.csv": "epoch,loss\n1,0.4\n"}, "side")
    repository = connected(source)
    index(repository)
    indexed_before(repository)
    stages = list(repository.pipeline_stages.values_list("pk", flat=True))
    snapshots = list(HistoryCommit.objects.order_by("pk").values_list("pk", "snapshot", "inputs"))
    PipelineSnapshot.objects.update(digest="0" * 64)  # as another reading would have it
    assert index_requests.is_behind(repository)
    assert index(repository).new_commits == 0
    assert not index_requests.is_behind(repository)
    assert not HistoryCommit.objects.filter(plots=None).exists()
    assert PlotFile.objects.count() == 3
    assert repository.snapshots.count() == 1
    assert list(repository.pipeline_stages.values_list("pk", flat=True)) == stages
    assert list(HistoryCommit.objects.order_by("pk").values_list("pk", "snapshot", "inputs")) == snapshots


def test_commits_without_plots_are_read_once_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = make_git(tmp_path / "git", {"README": "no pipeline"})
    commit(source, {"dvc.yaml": "stages: [broken"}, "broken")
    repository = connected(source)
    index(repository)
    assert not HistoryCommit.objects.filter(plots=None).exists()
    read: list[str] = []
    original = ObjectReader.read

    def counted(self: ObjectReader, name: str, *limit: int) -> object:
        read.append(name)
        return original(self, name, *limit)

    monkeypatch.setattr(ObjectReader, "read", counted)
    index(repository)
    assert read == []


def history(number: int) -> Mapping[str, str]:
    """Return the files of a commit with two plots that are new in it."""
    rows = "".join(f"{epoch},{number / (epoch + 1):.6f},{epoch / 7:.6f}\n" for epoch in range(100))
    return {
        "plots/history.csv": f"epoch,loss,{number}\n{rows}",
        "plots/confusion.csv": "actual,predicted\n" + f"1,{number % 10}\n" * 500,
    }


def test_a_thousand_commits_with_plots_are_indexed_in_a_minute(tmp_path: Path) -> None:
    told = "plots: [plots/history.csv, plots/confusion.csv]\n"
    repository = connected(make_long_history(tmp_path / "long", 1_000, plots=told, more=history))
    before = time.process_time()
    assert index(repository).new_commits == 1_000
    assert time.process_time() - before < 60
    assert PlotFile.objects.count() == 1_000 + 10
