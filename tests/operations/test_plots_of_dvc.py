"""Plots whose files DVC keeps: read from the cache with the index, and from the remote when somebody asks."""

import json
import shutil
import time
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path

import pytest
from django.apps import apps
from django.core.exceptions import PermissionDenied
from django.db import connection
from pytest_django import Settings

from accounts.models import User
from accounts.roles import Role
from experiments import execution, repositories
from experiments.models import Job, Repository
from lineage import index_requests, plot_requests, plot_rows
from lineage.models import CommitPlots, HistoryCommit, HistoryState, PlotFile
from lineage.plot_drawing import Drawn, Look
from lineage.selectors import plots as selectors
from tests.dvc_objects import hash_of, over_http, put, put_folder
from tests.integrations.dvc_workshop import dvc
from tests.integrations.git_workshop import commit
from tests.integrations.git_workshop import make_repository as make_git
from tests.long_history import make_long_history
from tests.people import make_user

pytestmark = pytest.mark.django_db(transaction=True)

BEFORE, NOW = b"epoch,loss\n1,0.75\n2,0.5\n", b"epoch,loss\n1,0.5\n2,0.25\n"
DVC_YAML = """\
stages:
  train:
    cmd: python train.py
    outs: [live]
    plots:
      - roc.csv: {x: epoch, y: loss}
plots:
  - live/metrics: {x: epoch}
"""


@pytest.fixture
def cache(settings: Settings, tmp_path: Path) -> Path:
    """The cache of the workers' host."""
    settings.DATA_DIR = tmp_path / "var"
    return tmp_path / "var" / "dvc-cache"


@pytest.fixture
def remote(tmp_path: Path) -> Path:
    return tmp_path / "remote"


@pytest.fixture
def engineer() -> User:
    return make_user(Role.ENGINEER)


def config(remote: object) -> str:
    return f"[core]\n    remote = here\n['remote \"here\"']\n    url = {remote}\n"


def lock(outs: Mapping[str, str], **more: object) -> str:
    """Return the `dvc.lock` of a stage that made `outs`, path -> hash."""
    files = [{"path": path, "hash": "md5", "md5": value, **more} for path, value in outs.items()]
    return json.dumps({"schema": "2.0", "stages": {"train": {"cmd": "python train.py", "outs": files}}})


def project(path: Path, remote: object, *outs: Mapping[str, str], yaml: str = DVC_YAML) -> Path:
    """Make a repository with a commit for each of `outs`."""
    files = [{"dvc.yaml": yaml, ".dvc/config": config(remote), "dvc.lock": lock(one)} for one in outs]
    source = make_git(path, files[0])
    for number, one in enumerate(files[1:]):
        commit(source, one, f"change {number}")
    return source


def run_all() -> list[str]:
    """Run the waiting jobs until there are none; return their kinds."""
    kinds = []
    while job := Job.objects.filter(state="queued").order_by("pk").first():
        assert execution.run(job.pk)
        job.refresh_from_db()
        assert job.state == "succeeded", job.error
        kinds.append(job.kind)
    return kinds


def connected(source: Path) -> Repository:
    repository = repositories.connect("foreign", str(source), user=make_user(Role.ADMINISTRATOR))
    assert run_all() == ["fetch", "index"]
    return repository


def commits(repository: Repository) -> list[HistoryCommit]:
    """Return the commits, the newest first."""
    return list(repository.history.select_related("plots", "snapshot", "inputs").order_by("-pk"))


def plots(repository: Repository) -> dict[str, Drawn]:
    """Return what is drawn of the newest commit, by name."""
    now, *rest = commits(repository)
    return {one.record.name: one for one in selectors.drawn(now, rest[0] if rest else None)}


def unread(repository: Repository) -> int:
    now, *rest = commits(repository)
    return selectors.unread_count(now, rest[0] if rest else None).files


def read(repository: Repository, user: User) -> None:
    now, *rest = commits(repository)
    plot_requests.request(repository, now, rest[0] if rest else None, user=user)
    assert run_all() == ["read_plots"]


def said(repository: Repository) -> list[str]:
    """Return what is said of the only plot of the newest commit."""
    (drawn,) = plots(repository).values()
    return [note.message for note in drawn.notes]


def one_file(path: Path, remote: object, value: str) -> Path:
    """Make a repository that plots one file which DVC keeps."""
    yaml = "stages: {train: {cmd: python train.py, plots: [roc.csv]}}"
    return project(path, remote, {"roc.csv": value}, yaml=yaml)


TRAIN = """\
import pathlib
scale = float(pathlib.Path("scale.txt").read_text())
rows = [f"{epoch},{scale / epoch}" for epoch in (1, 2)]
live = pathlib.Path("live/metrics/train")
live.mkdir(parents=True)
(live / "loss.tsv").write_text("epoch\\tloss\\n" + "\\n".join(rows).replace(",", "\\t") + "\\n")
pathlib.Path("live/picture.png").write_bytes(b"png")
pathlib.Path("roc.csv").write_text("epoch,loss\\n" + "\\n".join(rows) + "\\n")
"""


def test_what_dvc_itself_made_is_drawn_from_the_cache_and_from_the_remote(
    tmp_path: Path, cache: Path, remote: Path, engineer: User
) -> None:
    yaml = DVC_YAML.replace("    outs:", "    deps: [train.py, scale.txt]\n    outs:")
    files = {"train.py": TRAIN, "scale.txt": "4", "dvc.yaml": yaml, ".dvc/config": config(remote)}
    source = make_git(tmp_path / "git", files)
    dvc(source, "repro")
    commit(source, {}, "first result")
    commit(source, {"scale.txt": "2"}, "half")
    dvc(source, "repro")
    dvc(source, "push", "--all-commits")
    commit(source, {}, "second result")
    shutil.copytree(source / ".dvc" / "cache", cache)
    dvc(source, "push")
    repository = connected(source)
    now, _half, before, *_ = commits(repository)

    def lines() -> list[tuple[str, list[float], list[float]]]:
        return [
            (one.record.name, line.points.y, line.before.y if line.before else [])
            for one in selectors.drawn(now, before)
            for line in one.lines
        ]

    expected = [("live/metrics/train/loss.tsv", [2, 1], [4, 2]), ("roc.csv", [2, 1], [4, 2])]
    assert lines() == expected
    assert selectors.unread_count(now, before).files == 0
    # As if only the remote had them.
    shutil.rmtree(cache)
    PlotFile.objects.all().delete()
    assert lines() == []
    assert selectors.unread_count(now, before).files == 4
    plot_requests.request(repository, now, before, user=engineer)
    assert run_all() == ["read_plots"]
    assert lines() == expected


def test_the_index_asks_the_cache_and_no_remote(
    tmp_path: Path, cache: Path, remote: Path, engineer: User
) -> None:
    outs = {"roc.csv": put(remote, NOW), "live": put_folder(remote, {"metrics/loss.csv": NOW})}
    before = {"roc.csv": put(cache, BEFORE), "live": put_folder(cache, {"metrics/loss.csv": BEFORE})}
    repository = connected(project(tmp_path / "git", remote, before, outs))
    assert {name: one.look for name, one in plots(repository).items()} == {
        "live/metrics": Look.NOTHING,
        "roc.csv": Look.NOTHING,
    }
    assert unread(repository) == 2
    read(repository, engineer)
    found = plots(repository)
    assert [(one.lines[0].points.y, one.lines[0].before) for one in found.values()] == [
        ([0.5, 0.25], ([1.0, 2.0], [0.75, 0.5])),
        ([0.5, 0.25], ([1.0, 2.0], [0.75, 0.5])),
    ]
    assert unread(repository) == 0


def test_what_the_base_lacks_is_said(tmp_path: Path, cache: Path, remote: Path, engineer: User) -> None:
    yaml = "stages: {train: {cmd: python train.py, plots: [roc.csv]}}"
    outs = [{"roc.csv": hash_of(BEFORE)}, {"roc.csv": put(cache, NOW)}]
    repository = connected(project(tmp_path / "git", remote, *outs, yaml=yaml))
    (drawn,) = plots(repository).values()
    assert (drawn.look, drawn.notes, drawn.has_before) == (Look.LINES, (), False)
    assert [note.message for note in drawn.notes_before] == [
        "DVC keeps it, not Git, and it has not been read yet."
    ]
    read(repository, engineer)
    (drawn,) = plots(repository).values()
    assert [note.message for note in drawn.notes_before] == ["It is in none of these places: cache, remote."]


@pytest.mark.parametrize("where", ["cache", "remote"])
def test_an_altered_object_is_named_and_not_drawn(
    tmp_path: Path, cache: Path, remote: Path, engineer: User, where: str
) -> None:
    value = put(cache if where == "cache" else remote, NOW + b"3,0\n", hash_of(NOW))
    repository = connected(one_file(tmp_path / "git", remote, value))
    sentence = f"What the {where} has was altered: it has not the hash {value}."
    # The index sees it in the cache.
    assert (said(repository) == [sentence]) is (where == "cache")
    read(repository, engineer)
    assert said(repository) == [sentence]
    assert not PlotFile.objects.exists()
    put(cache if where == "cache" else remote, NOW)
    read(repository, engineer)
    assert said(repository) == []


def test_an_altered_list_of_files_is_named(tmp_path: Path, cache: Path, remote: Path, engineer: User) -> None:
    value = put_folder(remote, {"metrics/loss.csv": NOW})
    put(remote, b"[]", value)
    yaml = "stages: {train: {cmd: python train.py, outs: [live]}}\nplots: [live/metrics/loss.csv]"
    repository = connected(project(tmp_path / "git", remote, {"live": value}, yaml=yaml))
    read(repository, engineer)
    assert said(repository) == [
        f"The list of files in the remote was altered: it has not the hash {value[:32]}."
    ]


def test_what_is_nowhere_or_cannot_be_reached_says_so_and_can_be_read_later(
    tmp_path: Path, cache: Path, remote: Path, engineer: User
) -> None:
    repository = connected(one_file(tmp_path / "git", remote, hash_of(NOW)))
    read(repository, engineer)
    assert said(repository) == ["It is in none of these places: cache, remote."]
    assert unread(repository) == 1
    put(remote, NOW)
    read(repository, engineer)
    assert (said(repository), unread(repository)) == ([], 0)


def test_a_remote_is_read_over_http_and_asked_no_more_once_it_is_away(
    tmp_path: Path, cache: Path, remote: Path, engineer: User
) -> None:
    outs = {"roc.csv": put(remote, NOW), "live": put_folder(remote, {"metrics/loss.csv": NOW})}
    with over_http(remote) as address:
        repository = connected(project(tmp_path / "git", address, outs))
    read(repository, engineer)
    notes = [note.message for one in plots(repository).values() for note in one.notes]
    assert notes == ["The remote cannot be reached (ConnectionError)."] * 2
    with over_http(remote) as address:
        commit(tmp_path / "git", {".dvc/config": config(address)}, "moved")
        repositories.request_fetch(repository, user=make_user(Role.ADMINISTRATOR))
        run_all()
        read(repository, engineer)
    assert [one.look for one in plots(repository).values()] == [Look.LINES, Look.LINES]


def test_what_is_too_large_is_not_fetched(tmp_path: Path, cache: Path, remote: Path, engineer: User) -> None:
    value = put(remote, b"a\n" + b"1\n" * 40_000)
    repository = connected(one_file(tmp_path / "git", remote, value))
    read(repository, engineer)
    assert said(repository) == ["It is too large to be drawn."]
    assert unread(repository) == 0
    # Where `dvc.lock` says so nobody has to look.
    commit(tmp_path / "git", {"dvc.lock": lock({"roc.csv": hash_of(NOW)}, size=64_001)}, "size")
    repositories.request_fetch(repository, user=make_user(Role.ADMINISTRATOR))
    run_all()
    assert said(repository) == ["It is too large to be drawn."]


@pytest.mark.parametrize("value", ["", "../../../../etc/passwd", "d41d8cd9", "A" * 32])
def test_what_has_no_hash_of_dvc_is_not_looked_for(
    tmp_path: Path, cache: Path, remote: Path, value: str
) -> None:
    repository = connected(one_file(tmp_path / "git", remote, value))
    assert said(repository) == ["DVC keeps it, and dvc.lock does not say by which hash."]
    assert unread(repository) == 0


def test_text_that_dvc_2_hashed_with_other_ends_of_lines_is_taken(
    tmp_path: Path, cache: Path, remote: Path, engineer: User
) -> None:
    put(remote, NOW.replace(b"\n", b"\r\n"), hash_of(NOW), layout="")
    repository = connected(one_file(tmp_path / "git", remote, hash_of(NOW)))
    read(repository, engineer)
    assert said(repository) == []


def test_hostile_lists_of_files_only_name_what_they_draw(
    tmp_path: Path, cache: Path, remote: Path, engineer: User
) -> None:
    names = ["../../secret.csv", "/etc/passwd.csv", "<img src=x>.csv", "a\0b.csv", "x" * 900 + ".csv"]
    value = put_folder(remote, dict.fromkeys(names, NOW))
    yaml = "stages: {train: {cmd: python train.py, outs: [live]}}\nplots: [live]"
    repository = connected(project(tmp_path / "git", remote, {"live": value}, yaml=yaml))
    read(repository, engineer)
    found = plots(repository)
    assert all(name.startswith("live/") and len(name) <= 500 for name in found)
    assert len(found) == 5
    assert "\0" not in "".join(found)


def test_a_folder_is_read_within_the_bound_and_tells_the_rest(
    tmp_path: Path, cache: Path, remote: Path, engineer: User
) -> None:
    files = {f"{number}.csv": NOW + f"3,{number}\n".encode() for number in range(20)}
    value = put_folder(remote, {**files, "picture.png": b"png"})
    yaml = "stages: {train: {cmd: python train.py, outs: [live]}}\nplots: [live, {live/19.csv: {x: epoch}}]"
    repository = connected(project(tmp_path / "git", remote, {"live": value}, yaml=yaml))
    read(repository, engineer)
    found = plots(repository)
    assert PlotFile.objects.count() == 8
    # What is said more of comes first.
    assert found["live/19.csv"].look is Look.LINES
    assert [note.message for note in found["live"].notes] == [
        "13 of its 21 files are not drawn: no tables, or more than 8."
    ]


def test_a_folder_in_git_is_drawn_file_by_file(tmp_path: Path, cache: Path) -> None:
    files = {
        "dvc.yaml": "plots: [live/metrics: {x: epoch, title: Metrics}]",
        "live/metrics/train/loss.tsv": NOW.decode().replace(",", "\t"),
        "live/metrics/accuracy.tsv": BEFORE.decode().replace(",", "\t"),
    }
    found = plots(connected(make_git(tmp_path / "git", files)))
    assert [(one.record.heading, one.lines[0].x_name) for one in found.values()] == [
        ("Metrics: accuracy.tsv", "epoch"),
        ("Metrics: train/loss.tsv", "epoch"),
    ]


def test_content_that_was_forgotten_can_be_read_again(
    tmp_path: Path, cache: Path, remote: Path, engineer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository = connected(one_file(tmp_path / "git", remote, put(cache, NOW)))
    PlotFile.objects.all().delete()
    assert said(repository) == ["Its content is not kept any more: this repository plots much."]
    assert unread(repository) == 1
    read(repository, engineer)
    assert (said(repository), unread(repository)) == ([], 0)
    monkeypatch.setattr(plot_rows, "KEPT_BYTES", 10)
    put(cache, BEFORE)
    commit(tmp_path / "git", {"dvc.lock": lock({"roc.csv": hash_of(BEFORE)})}, "more")
    repositories.request_fetch(repository, user=make_user(Role.ADMINISTRATOR))
    run_all()
    assert sum(PlotFile.objects.values_list("size", flat=True)) <= 10


def test_the_same_request_waits_once_and_needs_permission(
    tmp_path: Path, cache: Path, remote: Path, engineer: User
) -> None:
    repository = connected(one_file(tmp_path / "git", remote, hash_of(NOW)))
    (now,) = commits(repository)
    job = plot_requests.request(repository, now, None, user=engineer)
    assert plot_requests.request(repository, now, None, user=engineer) == job
    assert plot_requests.under_way(repository, now, None) == job
    with pytest.raises(PermissionDenied):
        plot_requests.request(repository, now, None, user=make_user(Role.VIEWER))


def test_what_was_read_is_known_of_all_commits_that_have_it(
    tmp_path: Path, cache: Path, remote: Path, engineer: User
) -> None:
    source = one_file(tmp_path / "git", remote, put(remote, NOW))
    repository = connected(source)
    read(repository, engineer)
    commit(source, {"README": "words"}, "words")
    repositories.request_fetch(repository, user=make_user(Role.ADMINISTRATOR))
    run_all()
    assert CommitPlots.objects.count() == 1
    assert said(repository) == []


def test_plots_that_an_earlier_release_left_to_dvc_are_read_once_more(
    tmp_path: Path, cache: Path, remote: Path
) -> None:
    repository = connected(one_file(tmp_path / "git", remote, put(cache, NOW)))
    PlotFile.objects.all().delete()
    CommitPlots.objects.update(digest="0" * 64, files={"roc.csv": {"state": "cached", "oid": ""}})
    HistoryState.objects.update(refs_digest="of an earlier release")
    migration = import_module("lineage.migrations.0006_plots_that_dvc_keeps")
    with connection.schema_editor() as editor:
        migration.read_again(apps, editor)
    assert commits(repository)[0].plots is None
    index_requests.catch_up()
    assert run_all() == ["index"]
    assert said(repository) == []
    with connection.schema_editor() as editor:
        migration.read_again(apps, editor)
    assert commits(repository)[0].plots is not None


def test_a_thousand_commits_with_plots_in_the_cache_are_indexed_in_a_minute(
    tmp_path: Path, cache: Path
) -> None:
    def outputs(number: int) -> Mapping[str, str]:
        rows = "".join(f"{epoch},{number / (epoch + 1):.6f}\n" for epoch in range(100))
        content = f"epoch,loss\n{rows}".encode()
        hashes = {
            "roc.csv": put(cache, content),
            "live": put_folder(cache, {"loss.csv": content + b"100,0\n"}),
        }
        return {
            f"{path}.dvc": json.dumps({"outs": [{"md5": one, "path": path}]}) for path, one in hashes.items()
        }

    told = "plots: [roc.csv, live]\n"
    source = make_long_history(tmp_path / "long", 1_000, plots=told, more=outputs)
    repositories.connect("foreign", str(source), user=make_user(Role.ADMINISTRATOR))
    before = time.process_time()
    assert run_all() == ["fetch", "index"]
    assert time.process_time() - before < 60
    assert PlotFile.objects.count() == 2_000
