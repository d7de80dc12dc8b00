"""Plots whose files DVC keeps: read from the cache with the index, and from the remote when somebody asks."""

import shutil
from pathlib import Path

import pytest
from django.core.exceptions import PermissionDenied
from pytest_django import Settings

from accounts.roles import Role
from experiments import repositories
from lineage import plot_requests
from lineage.models import CommitPlots, PlotFile
from lineage.plot_drawing import Look
from lineage.selectors import plots as selectors
from tests.dvc_objects import hash_of, over_http, put, put_folder
from tests.integrations.dvc_workshop import dvc
from tests.integrations.git_workshop import commit
from tests.integrations.git_workshop import make_repository as make_git
from tests.jobs import run_all
from tests.people import make_user
from tests.plotted_projects import (
    BEFORE,
    DVC_YAML,
    NOW,
    commits,
    config,
    connected,
    one_file,
    plots,
    project,
    read,
    said,
    unread,
)

pytestmark = pytest.mark.django_db(transaction=True)

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
    tmp_path: Path, dvc_cache: Path, dvc_remote: Path
) -> None:
    yaml = DVC_YAML.replace("    outs:", "    deps: [train.py, scale.txt]\n    outs:")
    files = {"train.py": TRAIN, "scale.txt": "4", "dvc.yaml": yaml, ".dvc/config": config(dvc_remote)}
    source = make_git(tmp_path / "git", files)
    dvc(source, "repro")
    commit(source, {}, "first result")
    commit(source, {"scale.txt": "2"}, "half")
    dvc(source, "repro")
    dvc(source, "push", "--all-commits")
    commit(source, {}, "second result")
    shutil.copytree(source / ".dvc" / "cache", dvc_cache)
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
    shutil.rmtree(dvc_cache)
    PlotFile.objects.all().delete()
    assert lines() == []
    assert selectors.unread_count(now, before).files == 4
    plot_requests.request(repository, now, before, user=make_user(Role.ENGINEER))
    assert run_all() == ["read_plots"]
    assert lines() == expected


def test_the_index_asks_the_cache_and_no_remote(tmp_path: Path, dvc_cache: Path, dvc_remote: Path) -> None:
    outs = {"roc.csv": put(dvc_remote, NOW), "live": put_folder(dvc_remote, {"metrics/loss.csv": NOW})}
    before = {"roc.csv": put(dvc_cache, BEFORE), "live": put_folder(dvc_cache, {"metrics/loss.csv": BEFORE})}
    repository = connected(project(tmp_path / "git", dvc_remote, before, outs))
    assert {name: one.look for name, one in plots(repository).items()} == {
        "live/metrics": Look.NOTHING,
        "roc.csv": Look.NOTHING,
    }
    assert unread(repository) == 2
    read(repository)
    found = plots(repository)
    assert [(one.lines[0].points.y, one.lines[0].before) for one in found.values()] == [
        ([0.5, 0.25], ([1.0, 2.0], [0.75, 0.5])),
        ([0.5, 0.25], ([1.0, 2.0], [0.75, 0.5])),
    ]
    assert unread(repository) == 0


def test_what_the_base_lacks_is_said(tmp_path: Path, dvc_cache: Path, dvc_remote: Path) -> None:
    yaml = "stages: {train: {cmd: python train.py, plots: [roc.csv]}}"
    outs = [{"roc.csv": hash_of(BEFORE)}, {"roc.csv": put(dvc_cache, NOW)}]
    repository = connected(project(tmp_path / "git", dvc_remote, *outs, yaml=yaml))
    (drawn,) = plots(repository).values()
    assert (drawn.look, drawn.notes, drawn.has_before) == (Look.LINES, (), False)
    assert [note.message for note in drawn.notes_before] == [
        "DVC keeps it, not Git, and it has not been read yet."
    ]
    read(repository)
    (drawn,) = plots(repository).values()
    assert [note.message for note in drawn.notes_before] == ["It is in none of these places: cache, remote."]


@pytest.mark.parametrize("where", ["cache", "remote"])
def test_an_altered_object_is_named_and_not_drawn(
    tmp_path: Path, dvc_cache: Path, dvc_remote: Path, where: str
) -> None:
    value = put(dvc_cache if where == "cache" else dvc_remote, NOW + b"3,0\n", hash_of(NOW))
    repository = connected(one_file(tmp_path / "git", dvc_remote, value))
    sentence = f"What the {where} has was altered: it has not the hash {value}."
    # The index sees it in the cache.
    assert (said(repository) == [sentence]) is (where == "cache")
    read(repository)
    assert said(repository) == [sentence]
    assert not PlotFile.objects.exists()
    put(dvc_cache if where == "cache" else dvc_remote, NOW)
    read(repository)
    assert said(repository) == []


def test_an_altered_list_of_files_is_named(tmp_path: Path, dvc_cache: Path, dvc_remote: Path) -> None:
    value = put_folder(dvc_remote, {"metrics/loss.csv": NOW})
    put(dvc_remote, b"[]", value)
    yaml = "stages: {train: {cmd: python train.py, outs: [live]}}\nplots: [live/metrics/loss.csv]"
    repository = connected(project(tmp_path / "git", dvc_remote, {"live": value}, yaml=yaml))
    read(repository)
    assert said(repository) == [
        f"The list of files in the remote was altered: it has not the hash {value[:32]}."
    ]


def test_what_is_nowhere_or_cannot_be_reached_says_so_and_can_be_read_later(
    tmp_path: Path, dvc_cache: Path, dvc_remote: Path
) -> None:
    repository = connected(one_file(tmp_path / "git", dvc_remote, hash_of(NOW)))
    read(repository)
    assert said(repository) == ["It is in none of these places: cache, remote."]
    assert unread(repository) == 1
    put(dvc_remote, NOW)
    read(repository)
    assert (said(repository), unread(repository)) == ([], 0)


def test_a_remote_is_read_over_http_and_named_while_it_is_away(
    tmp_path: Path, dvc_cache: Path, dvc_remote: Path, settings: Settings
) -> None:
    settings.PRIVATE_HOSTS = ["127.0.0.1"]
    outs = {"roc.csv": put(dvc_remote, NOW), "live": put_folder(dvc_remote, {"metrics/loss.csv": NOW})}
    with over_http(dvc_remote) as address:
        repository = connected(project(tmp_path / "git", address, outs))
    read(repository)
    notes = [note.message for one in plots(repository).values() for note in one.notes]
    assert notes == ["The remote cannot be reached (ConnectionError)."] * 2
    with over_http(dvc_remote) as address:
        commit(tmp_path / "git", {".dvc/config": config(address)}, "moved")
        repositories.request_fetch(repository, user=make_user(Role.ADMINISTRATOR))
        run_all()
        read(repository)
    assert [one.look for one in plots(repository).values()] == [Look.LINES, Look.LINES]


def test_the_same_request_waits_once_and_needs_permission(
    tmp_path: Path, dvc_cache: Path, dvc_remote: Path
) -> None:
    repository = connected(one_file(tmp_path / "git", dvc_remote, hash_of(NOW)))
    (now,) = commits(repository)
    job = plot_requests.request(repository, now, None, user=make_user(Role.ENGINEER))
    assert plot_requests.request(repository, now, None, user=make_user(Role.ENGINEER)) == job
    assert plot_requests.under_way(repository, now, None) == job
    with pytest.raises(PermissionDenied):
        plot_requests.request(repository, now, None, user=make_user(Role.VIEWER))


def test_what_was_read_is_known_of_all_commits_that_have_it(
    tmp_path: Path, dvc_cache: Path, dvc_remote: Path
) -> None:
    source = one_file(tmp_path / "git", dvc_remote, put(dvc_remote, NOW))
    repository = connected(source)
    read(repository)
    commit(source, {"README": "words"}, "words")
    repositories.request_fetch(repository, user=make_user(Role.ADMINISTRATOR))
    run_all()
    assert CommitPlots.objects.count() == 1
    assert said(repository) == []
