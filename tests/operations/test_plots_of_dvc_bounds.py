"""Plots whose files DVC keeps: what is not read, what is forgotten, and that nothing hostile gets further."""

import json
import time
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path

import pytest
from django.apps import apps
from django.db import connection

from accounts.roles import Role
from experiments import repositories
from lineage import index_requests, plot_rows
from lineage.models import CommitPlots, HistoryState, PlotFile
from lineage.plot_drawing import Look
from tests.dvc_objects import hash_of, put, put_folder
from tests.integrations.git_workshop import commit
from tests.integrations.git_workshop import make_repository as make_git
from tests.jobs import run_all
from tests.long_history import make_long_history
from tests.people import make_user
from tests.plotted_projects import (
    BEFORE,
    NOW,
    commits,
    connected,
    lock,
    one_file,
    plots,
    project,
    read,
    said,
    unread,
)
from tests.run_file_contents import png

pytestmark = pytest.mark.django_db(transaction=True)


def test_what_is_too_large_is_not_fetched(tmp_path: Path, dvc_cache: Path, dvc_remote: Path) -> None:
    value = put(dvc_remote, b"a\n" + b"1\n" * 40_000)
    repository = connected(one_file(tmp_path / "git", dvc_remote, value))
    read(repository)
    assert said(repository) == ["It is too large to be drawn."]
    assert unread(repository) == 0
    # Where `dvc.lock` says so nobody has to look.
    commit(tmp_path / "git", {"dvc.lock": lock({"roc.csv": hash_of(NOW)}, size=64_001)}, "size")
    repositories.request_fetch(repository, user=make_user(Role.ADMINISTRATOR))
    run_all()
    assert said(repository) == ["It is too large to be drawn."]


@pytest.mark.parametrize("value", ["", "../../../../etc/passwd", "d41d8cd9", "A" * 32])
def test_what_has_no_hash_of_dvc_is_not_looked_for(
    tmp_path: Path, dvc_cache: Path, dvc_remote: Path, value: str
) -> None:
    repository = connected(one_file(tmp_path / "git", dvc_remote, value))
    assert said(repository) == ["DVC keeps it, and dvc.lock does not say by which hash."]
    assert unread(repository) == 0


def test_text_that_dvc_2_hashed_with_other_ends_of_lines_is_taken(
    tmp_path: Path, dvc_cache: Path, dvc_remote: Path
) -> None:
    put(dvc_remote, NOW.replace(b"\n", b"\r\n"), hash_of(NOW), layout="")
    repository = connected(one_file(tmp_path / "git", dvc_remote, hash_of(NOW)))
    read(repository)
    assert said(repository) == []


def test_hostile_lists_of_files_only_name_what_they_draw(
    tmp_path: Path, dvc_cache: Path, dvc_remote: Path
) -> None:
    names = ["../../secret.csv", "/etc/passwd.csv", "<img src=x>.csv", "a\0b.csv", "x" * 900 + ".csv"]
    value = put_folder(dvc_remote, dict.fromkeys(names, NOW))
    yaml = "stages: {train: {cmd: python train.py, outs: [live]}}\nplots: [live]"
    repository = connected(project(tmp_path / "git", dvc_remote, {"live": value}, yaml=yaml))
    read(repository)
    found = plots(repository)
    assert all(name.startswith("live/") and len(name) <= 500 for name in found)
    assert len(found) == 5
    assert "\0" not in "".join(found)


def test_a_folder_is_read_within_the_bound_and_tells_the_rest(
    tmp_path: Path, dvc_cache: Path, dvc_remote: Path
) -> None:
    files = {f"{number}.csv": NOW + f"3,{number}\n".encode() for number in range(20)}
    value = put_folder(dvc_remote, {**files, "picture.png": b"png"})
    yaml = "stages: {train: {cmd: python train.py, outs: [live]}}\nplots: [live, {live/19.csv: {x: epoch}}]"
    repository = connected(project(tmp_path / "git", dvc_remote, {"live": value}, yaml=yaml))
    read(repository)
    found = plots(repository)
    assert PlotFile.objects.count() == 8
    # What is said more of comes first.
    assert found["live/19.csv"].look is Look.LINES
    assert [note.message for note in found["live"].notes] == [
        "13 of its 21 files are not drawn: other formats, or more than 8."
    ]


def test_a_folder_in_git_is_drawn_file_by_file(tmp_path: Path, dvc_cache: Path) -> None:
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
    tmp_path: Path, dvc_cache: Path, dvc_remote: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository = connected(one_file(tmp_path / "git", dvc_remote, put(dvc_cache, NOW)))
    PlotFile.objects.all().delete()
    assert said(repository) == ["Its content is not kept any more: this repository plots much."]
    assert unread(repository) == 1
    read(repository)
    assert (said(repository), unread(repository)) == ([], 0)
    monkeypatch.setattr(plot_rows, "KEPT_BYTES", 10)
    put(dvc_cache, BEFORE)
    commit(tmp_path / "git", {"dvc.lock": lock({"roc.csv": hash_of(BEFORE)})}, "more")
    repositories.request_fetch(repository, user=make_user(Role.ADMINISTRATOR))
    run_all()
    assert sum(PlotFile.objects.values_list("size", flat=True)) <= 10


def test_plots_that_an_earlier_release_left_to_dvc_are_read_once_more(
    tmp_path: Path, dvc_cache: Path, dvc_remote: Path
) -> None:
    repository = connected(one_file(tmp_path / "git", dvc_remote, put(dvc_cache, NOW)))
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
    tmp_path: Path, dvc_cache: Path
) -> None:
    def outputs(number: int) -> Mapping[str, str]:
        rows = "".join(f"{epoch},{number / (epoch + 1):.6f}\n" for epoch in range(100))
        content = f"epoch,loss\n{rows}".encode()
        hashes = {
            "roc.csv": put(dvc_cache, content),
            "live": put_folder(dvc_cache, {"loss.csv": content + b"100,0\n"}),
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


def test_images_are_kept_by_what_they_are_and_no_others(tmp_path: Path, dvc_cache: Path) -> None:
    files = {
        "good.png": png(),
        "called.csv": png(4, 4),
        "page.png": b"<script>alert(1)</script>",
        "bomb.png": png(9_000, 9_000),
        "broken.png": png()[:20],
        "drawing.svg": b"<svg onload='alert(1)'/>",
    }
    told = f"plots: [{', '.join(files)}]"
    outs = [{"md5": put(dvc_cache, content), "path": path} for path, content in files.items()]
    source = {"dvc.yaml": told, "images.dvc": json.dumps({"outs": outs})}
    found = plots(connected(make_git(tmp_path / "git", source)))
    assert {name: [note.message for note in one.notes] for name, one in found.items()} == {
        "good.png": [],
        "called.csv": [],
        "page.png": ["It is an image that is broken or has too many pixels."],
        "bomb.png": ["It is an image that is broken or has too many pixels."],
        "broken.png": ["It is an image that is broken or has too many pixels."],
        "drawing.svg": ["It is an image of a kind that is not shown."],
    }
    assert [name for name, one in found.items() if one.look is Look.IMAGES] == ["good.png", "called.csv"]
    assert list(PlotFile.objects.values_list("media", flat=True)) == ["png", "png"]


def test_images_are_forgotten_before_tables(
    tmp_path: Path, dvc_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plot_rows, "KEPT_BYTES", len(png()) + 100)
    files = {"dvc.yaml": "plots: [a.csv, a.png, b.png]", "a.csv": NOW.decode()}
    source = make_git(tmp_path / "git", files)
    for name, content in (("a.png", png(3, 3)), ("b.png", png())):
        (source / name).write_bytes(content)
    commit(source, {}, "images")
    found = plots(connected(source))
    assert [one.look for one in found.values()] == [Look.LINES, Look.NOTHING, Look.IMAGES]


def test_tables_of_a_folder_come_before_its_images(tmp_path: Path, dvc_cache: Path) -> None:
    files = {**{f"a{number}.png": png(number + 1) for number in range(8)}, "loss.csv": NOW}
    outs = [{"md5": put_folder(dvc_cache, files), "path": "live"}]
    source = {"dvc.yaml": "plots: [live]", "live.dvc": json.dumps({"outs": outs})}
    found = plots(connected(make_git(tmp_path / "git", source)))
    assert found["live/loss.csv"].look is Look.LINES
    assert [one.look for one in found.values()].count(Look.IMAGES) == 7
    assert [note.message for note in found["live"].notes] == [
        "1 of its 9 files are not drawn: other formats, or more than 8."
    ]
