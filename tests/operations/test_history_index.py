"""The index of a repository's history, on real repositories."""

from importlib import import_module
from pathlib import Path

import pytest
from django.apps import apps
from django.forms.models import model_to_dict
from pytest_django import Settings

from experiments import repositories
from experiments.models import Repository
from integrations.git_objects import ObjectReader
from integrations.git_repository import GitMirror
from lineage import history_index
from lineage.history_index import index
from lineage.models import DataVersion, GtoEvent, HistoryCommit, HistoryState, PipelineStage, StageFile
from tests.integrations.git_workshop import commit, git
from tests.integrations.git_workshop import make_repository as make_git
from tests.jobs import make_repository
from tests.long_history import make_long_history

pytestmark = pytest.mark.django_db

PIPELINE = "stages: {train: {cmd: python train.py, deps: [raw], outs: [model.pkl]}}"
OLD_STAGE = """\
cmd: python train.py
deps:
- md5: aaaa
  path: raw
outs:
- md5: bbbb
  path: model.pkl
  cache: true
- md5: cccc
  path: auc.json
  cache: false
  metric: true
"""
OLD_LOCK = """\
train:
  cmd: python train.py
  deps:
  - {path: raw, md5: aaaa.dir}
  outs:
  - {path: model.pkl, md5: bbbb}
"""
FOREACH = """\
vars: [{models: [cnn]}]
stages:
  train:
    foreach: ${models}
    do:
      cmd: python train.py ${item}
      deps: [raw]
      outs: ['${item}.pkl']
"""
FOREACH_LOCK = """\
schema: '2.0'
stages:
  train@cnn:
    cmd: python train.py cnn
    deps: [{path: raw, hash: md5, md5: aaaa.dir}]
    outs: [{path: cnn.pkl, hash: md5, md5: bbbb}]
"""


@pytest.fixture(autouse=True)
def own_mirrors(settings: Settings, tmp_path: Path) -> None:
    """Keep the mirrors of a test to itself."""
    settings.DATA_DIR = tmp_path / "var"


def connected(source: Path, name: str = "foreign") -> Repository:
    """Connect the repository at `source` and bring its mirror up to date."""
    row = Repository.objects.filter(name=name).first() or make_repository(name, url=str(source))
    GitMirror.create(str(source), repositories.mirror_path(row)).fetch()
    return row


def tracked(value: str, path: str = "raw") -> str:
    """Return the text of a .dvc file."""
    return f"outs:\n- md5: {value}.dir\n  size: 10\n  nfiles: 2\n  hash: md5\n  path: {path}\n"


def content() -> list[tuple[object, ...]]:
    """Return what the index says, without keys and times of our own."""
    return sorted(
        (one.sha, one.snapshot.digest if one.snapshot else "", one.inputs.digest if one.inputs else "")
        for one in HistoryCommit.objects.select_related("snapshot", "inputs")
    ) + sorted(DataVersion.objects.values_list("path", "hash", "first_sha"))


def test_every_commit_of_branches_and_tags_is_there_and_equal_content_once(tmp_path: Path) -> None:
    source = make_git(tmp_path / "git", {"data/raw.dvc": tracked("a" * 32)})
    first = git(source, "rev-parse", "HEAD")
    commit(source, {"README": "only words\n"}, "words")
    git(source, "checkout", "--quiet", "-b", "side", first)
    side = commit(source, {"data/raw.dvc": tracked("b" * 32)}, "more data")
    repository = connected(source)
    assert index(repository).new_commits == 3
    assert repository.snapshots.count() == 2
    versions = DataVersion.objects.order_by("pk").values_list("path", "hash", "first_sha", "kind", "nfiles")
    assert list(versions) == [
        ("data/raw", "a" * 32 + ".dir", first, "tracked", 2),
        ("data/raw", "b" * 32 + ".dir", side, "tracked", 2),
    ]


def test_a_second_pass_reads_new_commits_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = make_git(tmp_path / "git", {"data/raw.dvc": tracked("a" * 32)})
    repository = connected(source)
    index(repository)
    commit(source, {"data/raw.dvc": tracked("b" * 32)}, "more data")
    connected(source)
    read = []
    original = ObjectReader.read

    def counted(self: ObjectReader, name: str, *limit: int) -> object:
        read.append(name)
        return original(self, name, *limit)

    monkeypatch.setattr(ObjectReader, "read", counted)
    assert index(repository).new_commits == 1
    assert len(read) == 3  # two folders and one file
    assert index(repository).new_commits == 0
    assert repository.data_versions.count() == 2


def test_a_pass_that_was_cut_off_is_gone_on_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = make_long_history(tmp_path / "long", 60, stages=4)
    whole = connected(source, "whole")
    index(whole)
    wanted = content()
    Repository.objects.all().delete()
    repository = connected(source, "whole")
    monkeypatch.setattr(history_index, "BATCH", 25)
    calls = iter([None, None])
    with pytest.raises(StopIteration):  # before the third batch
        index(repository, check=lambda: next(calls))
    assert repository.history.count() == 50
    assert not HistoryState.objects.exists()
    assert index(repository).new_commits == 10
    assert content() == wanted


def test_each_distinct_file_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repository = connected(make_long_history(tmp_path / "long", 120, stages=4))
    read: list[str] = []
    original = ObjectReader.read

    def counted(self: ObjectReader, name: str, *limit: int) -> object:
        read.append(name)
        return original(self, name, *limit)

    monkeypatch.setattr(ObjectReader, "read", counted)
    index(repository)
    # Each commit has a new root, a new lock, new parameters and metrics; the rest changes now and then.
    assert len(read) <= 120 * 4 + 120 // 10 * 2 + 120 // 3 + 5
    assert len(read) == len(set(read))
    assert repository.pipeline_stages.count() < 120 * 5 * 2 / 3


@pytest.mark.parametrize(
    ("files", "stage"),
    [
        ({"train.dvc": OLD_STAGE}, "train.dvc"),
        ({"dvc.yaml": PIPELINE, "dvc.lock": OLD_LOCK}, "train"),
        ({"dvc.yaml": FOREACH, "dvc.lock": FOREACH_LOCK}, "train@cnn"),
    ],
    ids=["stage file of DVC 0", "lock of DVC 1", "foreach over a variable"],
)  # fmt: skip
def test_stages_of_every_age_are_read(tmp_path: Path, files: dict[str, str], stage: str) -> None:
    index(connected(make_git(tmp_path / "git", files)))
    row = PipelineStage.objects.get()
    assert (row.address, row.kind, row.is_locked) == (stage, "pipeline", True)
    assert row.command.startswith("python train.py")
    assert set(row.files.values_list("hash", flat=True)) >= {"bbbb"}
    # Metrics belong to Git, not to DVC.
    kept = set(DataVersion.objects.values_list("hash", "kind"))
    assert kept == {("bbbb", "output")} | ({("cccc", "in_git")} if "train.dvc" in files else set())


@pytest.mark.parametrize(
    "text",
    [
        "a: &a [*a]",
        "b0: &b0 [1]\n" + "".join(f"b{n}: &b{n} [{','.join([f'*b{n - 1}'] * 9)}]\n" for n in range(1, 9)),
        "a: !!python/object/apply:os.system ['echo']",
        "outs: " + "[" * 50_000,
        "outs: [",
        "\x00\x01",
        "x" * 1_100_000,
        "outs: 3",
        "- 1",
    ],
    ids=["cycle", "bomb", "tag", "deep", "broken", "binary", "huge", "shape", "list"],
)  # fmt: skip
def test_a_hostile_file_is_a_problem_of_its_commit_and_stops_nothing(tmp_path: Path, text: str) -> None:
    source = make_git(tmp_path / "git", {"data/raw.dvc": tracked("a" * 32)})
    bad = commit(
        source, {"bad.dvc": text, "dvc.yaml": text, "dvc.lock": text, "params.yaml": text}, "hostile"
    )
    git(source, "rm", "--quiet", "bad.dvc", "dvc.yaml", "dvc.lock", "params.yaml")
    commit(source, {"data/raw.dvc": tracked("b" * 32)}, "repaired")
    repository = connected(source)
    report = index(repository)
    assert (report.new_commits, report.problems) == (3, 1)
    snapshot = repository.history.get(sha=bad).snapshot
    assert snapshot is not None
    # `outs: 3` says nothing about stages, and is no mistake there.
    assert {one["path"] for one in snapshot.problems} >= {"bad.dvc"}
    assert repository.data_versions.count() == 2


def test_links_and_folders_that_only_look_like_data_are_passed_over(tmp_path: Path) -> None:
    source = make_git(tmp_path / "git", {"folder.dvc/README": "x\n"})
    (source / "link.dvc").symlink_to("/etc/passwd")
    commit(source, {}, "a link")
    repository = connected(source)
    assert index(repository).problems == 0
    assert not repository.snapshots.exists()


def test_outputs_in_git_of_commits_that_were_read_before_are_written_by_the_migration(tmp_path: Path) -> None:
    source = make_git(tmp_path / "git", {"train.dvc": OLD_STAGE})
    repository = connected(source)
    index(repository)
    read = DataVersion.objects.get(kind="in_git")
    DataVersion.objects.filter(kind="in_git").delete()
    migration = import_module("lineage.migrations.0009_outputs_that_git_keeps")
    migration._write(apps, None)
    migration._write(apps, None)
    [written] = DataVersion.objects.filter(kind="in_git")
    written.pk = read.pk
    assert model_to_dict(written) == model_to_dict(read)


def test_parameters_metrics_and_code_of_a_commit_are_kept(tmp_path: Path) -> None:
    repository = connected(make_long_history(tmp_path / "long", 2, stages=2))
    index(repository)
    inputs = repository.history.latest("committed_at").inputs
    assert inputs is not None
    assert inputs.params == {"params.yaml": {"train.seed": 1, "train.channels": [16, 32]}}
    assert inputs.metrics == {"metrics.json": {"accuracy": 0.1}}
    assert set(inputs.code) == {"src/train.py"}
    stage = repository.pipeline_stages.filter(address="stage1").latest("pk")
    assert stage.parameters == {"params.yaml": {"train.seed": 1}}
    assert StageFile.objects.filter(stage=stage, role="input").count() == 2


def test_tags_of_gto_are_events_with_author_and_time(tmp_path: Path) -> None:
    source = make_git(tmp_path / "git")
    git(source, "tag", "-a", "model@v1.2.0", "-m", "Registered")
    git(source, "tag", "-a", "model#prod#1", "-m", "Assigned")
    git(source, "tag", "model@1.2")
    git(source, "tag", "release-1")
    repository = connected(source)
    assert index(repository).malformed_tags == 1
    rows = GtoEvent.objects.order_by("tag").values_list(
        "tag", "action", "version", "stage", "author", "annotated"
    )
    assert list(rows) == [
        ("model#prod#1", "assign", "v1.2.0", "prod", "Tester", True),
        ("model@v1.2.0", "register", "v1.2.0", "", "Tester", True),
    ]
    git(source, "tag", "-d", "model#prod#1")
    connected(source)
    index(repository)
    assert list(GtoEvent.objects.values_list("tag", flat=True)) == ["model@v1.2.0"]
