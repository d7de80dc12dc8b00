"""A reproduction from request to signed report, with real Git and DVC, in this process."""

from __future__ import annotations

import hashlib
import json
import shutil
import socketserver
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.utils import timezone
from pytest_django import Settings

from accounts.models import User
from accounts.roles import Role
from audit import statements
from audit.events import Event
from audit.models import AuditEntry
from experiments import execution, sentences
from experiments.models import Commit, Job, Repository
from integrations.enclosure import Enclosure
from lineage import reproduction
from lineage.models import HistoryCommit, Reproduction
from registry import checks
from registry.models import ModelVersion
from tests import seccomp
from tests.integrations.git_workshop import git
from tests.people import make_user
from tests.reproductions import PLAIN_TRAIN, data_dir, log_of, make_recorded, make_variant, version_of
from tests.versions import make_run

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """Where a server of this host answers."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), socketserver.BaseRequestHandler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


@pytest.fixture(scope="module")
def upstream(tmp_path_factory: pytest.TempPathFactory, port: int) -> Path:
    return make_recorded(tmp_path_factory.mktemp("upstream"), port)


@pytest.fixture(autouse=True)
def places(settings: Settings, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path / "host" / "data"
    settings.CHECKPOINT_DIR = settings.DATA_DIR / "checkpoints"
    settings.CHECKPOINT_KEY = settings.DATA_DIR / "checkpoint_key.pem"
    settings.JOB_LEASE = 6


@pytest.fixture
def auditor() -> User:
    return make_user(Role.AUDITOR, username="auditor")


@pytest.fixture
def neighbours(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What a hostile stage would like to see: secrets, and another job with its files."""
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s3cret-cloud")
    monkeypatch.setenv("STAGEGATE_SECRET_KEY", "s3cret-key")
    for name in ("secret_key", "dvc-cache/files/md5/ab/cdef", "jobs/77-1/repository/other.txt"):
        file = data_dir() / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("s3cret-file")
    with subprocess.Popen(
        [sys.executable, "-c", "input()"],
        stdin=subprocess.PIPE,
        env={"TOKEN": "s3cret-job"},
        cwd=data_dir() / "jobs" / "77-1",
    ) as job:
        yield
        job.communicate(b"\n")


@pytest.fixture
def refusing_host(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A kernel that lets nobody make namespaces, as under Docker's default profile."""
    profile = tmp_path / "docker.json"
    profile.write_text(json.dumps(seccomp.REFUSING))
    offered = Enclosure.prefix
    monkeypatch.setattr(Enclosure, "prefix", lambda self: [*seccomp.prefix(profile), *offered(self)])


def reproduce(version: ModelVersion, user: User) -> Reproduction:
    job = reproduction.request(version, user=user)
    assert reproduction.request(version, user=user) == job
    assert execution.run(job.pk)
    done = Job.objects.get(pk=job.pk)
    assert done.state == "succeeded", f"{done.error}\n{log_of(done)}"
    return Reproduction.objects.get(job=job.pk)


def test_a_version_is_rebuilt_bit_by_bit_and_its_hostile_stage_sees_nothing(
    upstream: Path, auditor: User, neighbours: None
) -> None:
    run = make_run(metrics={"val_cer": 0.05, "train_loss": 1.0, "f1": 0.9})
    version = version_of(upstream, run_id=run.run_id)
    found = reproduce(version, auditor)
    report = found.report
    assert (found.verdict, found.passed, report["problem"]) == ("identical", True, "")
    assert {row["state"] for row in report["files"]} == {"identical"}
    assert {row["path"] for row in report["files"]} >= {"data/clean", "models", "metrics/eval.json"}
    metrics = {row["name"]: (row["state"], row["by"]) for row in report["metrics"]}
    assert metrics["scores.val_cer"] == ("identical", "run")
    assert metrics["val_loss"] == ("identical", "commit")
    assert metrics["f1"] == ("not_produced", "run")
    assert {row["path"] for row in report["inputs"]} == {"data/raw", "prepare.py", "train.py", "evaluate.py"}
    assert [stage["state"] for stage in report["stages"]] == ["ran", "ran", "ran"]
    [registered] = report["registered"]
    assert (registered["path"], registered["source"], registered["from"]) == (
        "data/weights.txt",
        "output",
        "models/weights.txt",
    )
    assert report["environment"]["rebuilt"]["torch"].startswith("2.13")

    assert statements.is_signed(reproduction.STATEMENT, report, found.key, found.signature)
    altered = {**report, "verdict": "different"}
    assert not statements.is_signed(reproduction.STATEMENT, altered, found.key, found.signature)
    told = AuditEntry.objects.get(event=Event.VERSION_REPRODUCED).data
    assert (told["report_sha256"], told["enclosed"]) == (found.digest, True)
    result = checks.newest(version)["reproduction"]
    assert (result.passed, result.details["report_sha256"]) == (True, found.digest)

    job = Job.objects.get(pk=found.job)
    seen = [line.split(" ", 3) for line in log_of(job).split("\n") if line.startswith("SPY")]
    assert "s3cret" not in str(seen)
    assert report["isolation"] == {"enclosed": True, "network": False, "why": ""}
    # What it runs with is there, wherever it was installed; of all the rest, only its own folder.
    own = (str(data_dir() / "jobs" / f"{job.pk}-1"), f"{settings.BASE_DIR}/", f"{sys.prefix}/")
    files = [what for _spy, kind, what, *_more in seen if kind == "file"]
    assert files
    recorded = hashlib.md5((upstream / "models" / "weights.txt").read_bytes(), usedforsecurity=False)
    assert not [file for file in files if file.endswith(recorded.hexdigest()[2:])], (
        "its result is in the cache"
    )
    assert [file for file in files if not file.startswith(own)] == []
    assert ["SPY", "network", "refused"] in seen
    assert not (data_dir() / "planted").exists()
    assert [one.name for one in (data_dir() / "jobs").iterdir()] == ["77-1"]

    # A worker that died after it had stored the report: the next one stores nothing more.
    Job.objects.filter(pk=job.pk).update(state="queued")
    assert execution.run(job.pk)
    assert Reproduction.objects.count() == 1
    assert Job.objects.get(pk=job.pk).result["verdict"] == "identical"


def test_where_stages_cannot_be_enclosed_nothing_runs(
    upstream: Path, auditor: User, neighbours: None, refusing_host: None
) -> None:
    version = version_of(upstream)
    found = reproduce(version, auditor)
    assert (found.verdict, found.passed, found.report["stages"]) == ("not_enclosed", False, [])
    assert "unshare: Operation not permitted" in found.summary
    assert "STAGEGATE_REPRODUCE_UNENCLOSED" in found.summary
    assert sentences.is_known(found.summary)
    assert found.report["isolation"]["enclosed"] is False
    assert checks.newest(version)["reproduction"].passed is False
    assert "SPY" not in log_of(Job.objects.get(pk=found.job))


def test_the_operator_may_allow_it_and_then_report_trail_and_evidence_say_so(
    upstream: Path, auditor: User, refusing_host: None, settings: Settings
) -> None:
    settings.REPRODUCE_UNENCLOSED = True
    version = version_of(upstream)
    found = reproduce(version, auditor)
    assert (found.verdict, found.report["isolation"]["enclosed"]) == ("identical", False)
    assert found.summary.endswith("Its stages were not enclosed, which the operator allows.")
    assert sentences.is_known(found.summary)
    entry = AuditEntry.objects.get(event=Event.VERSION_REPRODUCED)
    assert (entry.data["enclosed"], entry.data["summary"]) == (False, found.summary)
    assert checks.newest(version)["reproduction"].details["enclosed"] is False


def test_other_numbers_are_within_the_tolerance(upstream: Path, tmp_path: Path, auditor: User) -> None:
    noise = "(1 + os.getpid() / 1e9) * chosen"
    noisy = PLAIN_TRAIN.replace("loss = chosen", f"loss = {noise}").replace("repr(chosen", f"repr({noise}")
    found = reproduce(version_of(make_variant(upstream, tmp_path, **{"train.py": noisy})), auditor)
    assert (found.verdict, found.passed) == ("within_tolerance", True), found.report
    loss = next(row for row in found.report["metrics"] if row["name"] == "train_loss")
    assert loss["state"] == "within"
    assert 0 < abs(loss["difference"]) < 0.01
    # The rebuilt weights are others; those that were registered are in the remote, as dvc.lock recorded them.
    assert {row["path"]: row["state"] for row in found.report["files"]}["models"] == "different"
    assert [row["source"] for row in found.report["registered"]] == ["recorded"]
    history = next(row for row in found.report["files"] if row["path"] == "plots/history.csv")
    assert history["state"] == "within"


def test_a_version_whose_files_no_pipeline_made_is_not_green_however_well_it_is_rebuilt(
    upstream: Path, auditor: User
) -> None:
    other = {"path": "model.pkl", "size": 3, "sha256": "a" * 64}
    packaging = {"path": "MLmodel", "size": 7, "sha256": "b" * 64}
    found = reproduce(version_of(upstream, manifest=[other, packaging]), auditor)
    assert {row["state"] for row in found.report["files"]} == {"identical"}
    assert (found.verdict, found.passed) == ("not_shown", False)
    assert found.summary == "Rebuilt, but not shown to be what was registered: model.pkl."
    found = reproduce(version_of(upstream, "1.1.0", manifest=[packaging]), auditor)
    assert (found.verdict, found.passed) == ("not_shown", False)
    assert found.summary == "Rebuilt, but no registered file is shown to be its output."


def test_metrics_that_the_run_logged_otherwise_are_not_what_comes_out(upstream: Path, auditor: User) -> None:
    better = make_run(metrics={"val_cer": 0.01})
    found = reproduce(version_of(upstream, run_id=better.run_id), auditor)
    assert (found.verdict, found.passed) == ("different", False)
    assert found.summary == "Rebuilt with another result: scores.val_cer."


def test_a_failing_stage_is_a_verdict(upstream: Path, tmp_path: Path, auditor: User) -> None:
    failing = PLAIN_TRAIN + 'print("no luck")\nsys.exit(3)\n'
    found = reproduce(version_of(make_variant(upstream, tmp_path, **{"train.py": failing})), auditor)
    assert (found.verdict, found.passed) == ("stage_failed", False)
    assert "The stage train failed: no luck" in found.summary
    assert found.report["files"] == []


def test_a_tampered_remote_object_is_named(upstream: Path, tmp_path: Path, auditor: User) -> None:
    version = version_of(make_variant(upstream, tmp_path, **{"evaluate.py": "print()\n"}))
    objects = [file for file in (tmp_path / "remote").rglob("*") if file.is_file()]
    [letters] = [file for file in objects if file.read_bytes() == b"b" * 10]
    letters.chmod(0o644)
    letters.write_bytes(b"x" * 10)
    found = reproduce(version, auditor)
    assert (found.verdict, found.passed) == ("changed_input", False)
    assert "data/raw/b.txt (changed" in found.summary
    assert found.report["stages"] == []


def test_missing_data_and_code_that_changed_later_are_named(
    upstream: Path, tmp_path: Path, auditor: User
) -> None:
    other = make_variant(upstream, tmp_path, locked=False, **{"prepare.py": "print('other')\n"})
    version = version_of(other)
    found = reproduce(version, auditor)
    assert found.verdict == "changed_input"
    assert "prepare.py (changed" in found.summary
    shutil.rmtree(tmp_path / "remote")
    found = reproduce(version, auditor)
    assert (found.verdict, found.passed) == ("missing_data", False)
    assert "data/raw.dvc" in found.report["problem"]
    assert checks.newest(version)["reproduction"].passed is False


def test_a_version_without_pipeline_or_commit_is_never_green(upstream: Path, auditor: User) -> None:
    plain = reproduce(version_of(upstream, lineage={}), auditor)
    assert (plain.verdict, plain.passed) == ("no_pipeline", False)
    first = git(upstream, "rev-list", "--max-parents=0", "HEAD").strip()
    origins = {
        "1.1.0": ({"git_commit": "f" * 40, "stagegate.repository": "letters"}, "no_commit"),
        "1.2.0": ({"git_commit": "e" * 40}, "no_commit"),
        "1.3.0": ({"git_commit": first, "stagegate.repository": "letters"}, "no_pipeline"),
    }
    for number, (origin, verdict) in origins.items():
        found = reproduce(version_of(upstream, number, lineage=origin), auditor)
        assert (found.verdict, found.passed) == (verdict, False)


def test_an_old_commit_is_found_by_the_indexed_history(upstream: Path, auditor: User) -> None:
    first = git(upstream, "rev-list", "--max-parents=0", "HEAD").strip()
    version = version_of(upstream, lineage={"git_commit": first})
    Commit.objects.all().delete()
    assert reproduce(version, auditor).verdict == "no_commit"
    HistoryCommit.objects.create(
        repository=Repository.objects.get(),
        sha=first,
        subject="Begin",
        author="",
        committed_at=timezone.now(),
    )
    found = reproduce(version, auditor)
    assert (found.verdict, found.report["repository"]) == ("no_pipeline", "letters")


def test_a_repository_that_reads_what_is_not_its_own_is_refused(
    upstream: Path, tmp_path: Path, auditor: User
) -> None:
    (data_dir() / "dvc-cache").mkdir(parents=True)
    other = make_variant(upstream, tmp_path, **{"evaluate.py": "print()\n"})
    config = (other / ".dvc" / "config").read_text()
    for number, text, told in (
        (
            "1.0.0",
            config.replace(str(tmp_path / "remote"), str(data_dir() / "dvc-cache")),
            "of this installation",
        ),
        ("1.1.0", f"{config}    configpath = ./aws\n", "sets configpath"),
    ):
        (other / ".dvc" / "config").write_text(text)
        git(other, "commit", "--quiet", "--all", "--message", "Reach out")
        Repository.objects.all().delete()
        found = reproduce(version_of(other, number), auditor)
        assert (found.verdict, found.passed) == ("missing_data", False)
        assert told in found.summary
    (other / ".dvc" / "config").write_text(config)
    tracked = other / "data" / "raw.dvc"
    source = "{path: raw, repo: {url: 'https://example.org/registry.git', config: ./config}}"
    tracked.write_text(f"{tracked.read_text()}deps: [{source}]\n")
    git(other, "commit", "--quiet", "--all", "--message", "Import it by a configuration of our own")
    Repository.objects.all().delete()
    found = reproduce(version_of(other, "1.2.0"), auditor)
    assert (found.verdict, found.passed) == ("missing_data", False)
    assert "data/raw.dvc sets config in repo" in found.summary


def test_the_configuration_of_a_repository_is_read_where_nothing_else_is(
    upstream: Path, tmp_path: Path, auditor: User
) -> None:
    other = make_variant(upstream, tmp_path, **{"evaluate.py": "print()\n"})
    kept = data_dir() / "dvc-config"
    kept.parent.mkdir(parents=True)
    kept.write_text("['remote \"storage\"']\n    configpath = theirs\n")
    (other / ".dvc" / "config").unlink()
    (other / ".dvc" / "config").symlink_to(kept)
    git(other, "commit", "--quiet", "--all", "--message", "Look into the folder of the installation")
    found = reproduce(version_of(other), auditor)
    assert (found.verdict, found.passed) == ("missing_data", False)
    assert "configpath" not in found.summary
