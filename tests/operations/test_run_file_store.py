"""The store of run files: whoever looks asks, a worker reads from a real MLflow, and room is limited."""

from collections.abc import Mapping
from datetime import timedelta

import pytest
from django.test import TestCase
from django.utils import timezone
from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, InputTag
from pytest_django import Settings

from experiments import file_reading, file_room, run_files
from experiments.file_kinds import Kind
from experiments.models import Run, RunFile, RunFileContent, RunListing
from experiments.selectors import run_files as selectors
from experiments.selectors.run_files import RunFiles
from tests.mlflow_registry import log_file, log_run, mirrored
from tests.run_file_contents import png
from tests.versions import make_run

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("places")]


def look(run: Run, **wanted: object) -> RunFiles:
    return run_files.obtain([run], **wanted)[run.pk]  # type: ignore[arg-type]


def read(run: Run, **wanted: object) -> RunFiles:
    """Look, let the worker read, look at what is listed, let it read that, look."""
    for _ in range(2):
        look(run, **wanted)
        file_reading.read_asked()
    return look(run, **wanted)


def files(run: Run) -> Mapping[str, RunFile]:
    return {file.path: file for file in selectors.all_of(run)}


def test_the_first_look_asks_and_the_worker_reads(url: str) -> None:
    run = log_run(url, {"a/b.txt": "hello", "plot.png": png()})
    assert not run_files.is_asked()
    first = look(run)
    assert (first.waits, first.is_read, run_files.is_asked()) == (True, False, True)
    file_reading.read_asked()
    second = look(run)
    assert (second.waits, second.is_read, run_files.is_asked()) == (False, True, False)
    assert {path: (one.size, one.kind, one.state) for path, one in files(run).items()} == {
        "a/b.txt": (5, Kind.TEXT, "listed"),
        "plot.png": (len(png()), Kind.IMAGE, "listed"),
    }


def test_contents_are_read_when_somebody_wants_them(url: str) -> None:
    run = log_run(url, {"a/b.txt": "hello", "plot.png": png(3, 2)})
    found = read(run, path="a/b.txt")
    assert selectors.contents(found.files) == {found.files[0].pk: b"hello"}
    images = read(run, kind=Kind.IMAGE).files
    assert [(one.media, one.facts) for one in images] == [("png", {"width": 3, "height": 2})]


def test_the_number_of_queries_does_not_grow_with_runs(url: str) -> None:
    runs = [make_run() for _ in range(6)]
    for run in runs:
        RunListing.objects.create(run=run, read_at=timezone.now(), final=True)
        RunFile.objects.create(run=run, path="a.txt", kind=Kind.TEXT, size=3)
    with TestCase().assertNumQueries(5):
        assert all(one.waits for one in run_files.obtain(runs, path="a.txt").values())
    with TestCase().assertNumQueries(2):
        run_files.obtain(runs, path="a.txt")


def test_a_large_file_is_not_read(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_room, "PER_FILE", 10)
    run = log_run(url, {"a.txt": "0123456789", "b.txt": "0123456789+"})
    assert read(run, path="a.txt").files[0].state == "there"
    assert read(run, path="b.txt").files[0].state == "large"
    # The storage may not tell sizes, or not the truth.
    RunFile.objects.filter(path="b.txt").update(size=None, state="listed")
    assert read(run, path="b.txt").files[0].state == "large"
    assert not RunFileContent.objects.filter(file__path="b.txt").exists()


def test_what_was_used_longest_ago_is_forgotten_first(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_room, "IN_ALL", 15)
    run = log_run(url, {"a.txt": "a" * 10, "b.txt": "b" * 5, "c.txt": "c" * 10})
    for name in ("a.txt", "b.txt", "c.txt"):
        assert read(run, path=name).files[0].state == "there"
    assert {path: one.state for path, one in files(run).items()} == {
        "a.txt": "listed",
        "b.txt": "there",
        "c.txt": "there",
    }


def test_a_page_cannot_ask_for_more_than_it_can_keep(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_room, "AT_ONCE", 15)
    run = log_run(url, {"a.txt": "a" * 10, "b.txt": "b" * 10, "c.txt": "c" * 5})
    found = read(run, kind=Kind.TEXT)
    assert [one.path for one in found.files] == ["a.txt", "c.txt"]
    assert [one.path for one in found.beyond] == ["b.txt"]
    assert not found.waits


def test_whole_listings_are_forgotten_when_there_are_too_many(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_room, "LISTED", 3)
    old, new = log_run(url, {"a": "", "b": ""}), log_run(url, {"c": "", "d": ""})
    read(old)
    read(new)
    assert [row.run for row in RunListing.objects.all()] == [new]
    assert not files(old)


def test_a_finished_run_is_listed_once_and_again_on_request(url: str) -> None:
    run = log_run(url, {"a.txt": "one", "b.txt": "two"})
    for name in ("a.txt", "b.txt"):
        read(run, path=name)
    log_file(url, run.run_id, "a.txt", "new")
    log_file(url, run.run_id, "c.txt", "more")
    assert not look(run).waits
    assert set(files(run)) == {"a.txt", "b.txt"}
    run_files.renew(run)
    file_reading.read_asked()
    assert {path: one.state for path, one in files(run).items()} == dict.fromkeys(
        ("a.txt", "b.txt", "c.txt"), "listed"
    )
    found = read(run, path="a.txt")
    assert selectors.contents(found.files) == {found.files[0].pk: b"new"}


def test_a_run_that_goes_on_is_listed_again_when_somebody_looks_later(url: str) -> None:
    run = log_run(url, {"log.txt": "one"})
    Run.objects.filter(pk=run.pk).update(status="RUNNING")
    run.refresh_from_db()
    read(run, path="log.txt")
    assert not look(run).waits
    log_file(url, run.run_id, "log.txt", "one\ntwo")
    RunListing.objects.update(read_at=timezone.now() - timedelta(minutes=1))
    found = read(run, path="log.txt")
    assert list(selectors.contents(found.files).values()) == [b"one\ntwo"]


def test_without_mlflow_everything_that_waits_says_so_and_what_is_known_stays(
    url: str, settings: Settings
) -> None:
    run, other = log_run(url, {"a.txt": "hello"}), make_run()
    read(run, path="a.txt")
    settings.MLFLOW_TRACKING_URI = "http://127.0.0.1:9"
    run_files.renew(run)
    look(other)
    file_reading.read_asked()
    assert not run_files.is_asked()
    assert "cannot be reached" in look(other).problem
    known = look(run, path="a.txt")
    assert "cannot be reached" in known.problem
    assert list(selectors.contents(known.files).values()) == [b"hello"]


def test_what_failed_is_tried_again_after_a_while(url: str) -> None:
    run = log_run(url, {"a.txt": "hello"})
    read(run)
    RunFile.objects.create(run=run, path="gone.txt", kind=Kind.TEXT, size=1)
    failed = read(run, path="gone.txt").files[0]
    assert failed.state == "failed"
    assert failed.problem
    assert not look(run, path="gone.txt").waits
    RunFile.objects.update(read_at=timezone.now() - timedelta(minutes=1))
    assert look(run, path="gone.txt").waits


def test_an_artifact_folder_that_may_not_be_read_is_a_sentence(url: str) -> None:
    run = make_run(artifact_uri="/etc")
    assert "outside the folders" in read(run).problem
    assert "cannot be read" in read(make_run(artifact_uri="ftp://elsewhere/x")).problem


def test_names_that_mean_something_to_a_path_are_found_nowhere(url: str) -> None:
    run = log_run(url, {"a.txt": "hello"})
    read(run)
    for path in ("../a.txt", "/etc/passwd", "a.txt/", "a\0b", "%2e%2e/a.txt"):
        assert look(run, path=path).files == ()
        assert selectors.file_at(run, path) is None


def test_data_sets_that_a_run_says_it_used_are_mirrored(url: str) -> None:
    run = log_run(url)
    assert run.inputs == []
    dataset = Dataset(name="digits", digest="ab12", source_type="s3", source="s3://data/digits")
    used = DatasetInput(dataset, [InputTag("mlflow.data.context", "training")])
    MlflowClient(url).log_inputs(run.run_id, [used])
    assert mirrored(url, run.run_id).inputs == [
        {
            "name": "digits",
            "digest": "ab12",
            "source_type": "s3",
            "source": "s3://data/digits",
            "context": "training",
        }
    ]
    [used] = mirrored(url, run.run_id).used_data.all()
    assert (used.key, used.value) == ("ab12~digits", "digits")
