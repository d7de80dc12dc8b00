"""Outputs are hashed exactly as DVC hashes them, and differences are named."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from integrations.dvc_files import read_pipeline
from integrations.dvc_locks import read_lock
from integrations.dvc_pipeline import DVCPipelineManager
from integrations.dvc_records import Lock, LockedFile, LockedStage, Pipeline
from integrations.dvc_verification import Mismatch, verify_outputs
from integrations.errors import IntegrationError
from tests.integrations.dvc_workshop import dvc, environment, make_project

ONE = read_pipeline("stages: {s: {cmd: x}}")
HELLO = "5d41402abc4b2a76b9719d911017c592"  # MD5 of "hello"


def lock_of(*outs: LockedFile, deps: tuple[LockedFile, ...] = (), name: str = "s") -> Lock:
    return Lock({name: LockedStage("x", deps, {}, outs)})


def entry(path: str, md5: str | None, hash_name: str = "md5") -> LockedFile:
    return LockedFile(path, md5, None, None, hash_name)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with every kind of output, after ``dvc repro``."""
    script = """
import os, pathlib
for name, content in {"d/b": b"1", "d/a/\\u00e9 x": b"2", "d/a-": b"", "d/x.tmp": b"no", "crlf": b"a\\r\\nb",
                      "d/.hidden": b"3", "d/a.b/c": b"4"}.items():
    pathlib.Path(name).parent.mkdir(parents=True, exist_ok=True)
    pathlib.Path(name).write_bytes(content)
os.symlink("../crlf", "d/link")
pathlib.Path("big").write_bytes(bytes(range(256)) * 10_000)
"""
    pipeline = """\
stages:
  make: {cmd: python make.py, wdir: work, outs: [d, crlf, big], deps: [make.py]}
"""
    path = make_project(
        tmp_path_factory.mktemp("verify") / "p", **{"work/make.py": script, "dvc.yaml": pipeline}
    )
    dvc(path, "repro")
    return path


def test_what_dvc_has_just_recorded_is_found_to_be_so(project: Path) -> None:
    manager = DVCPipelineManager(project, env=environment(project.parent))
    assert manager.verify(deps=True) == []
    lock = read_lock((project / "dvc.lock").read_text())
    assert {file.path for file in lock.stages["make"].outs} == {"d", "crlf", "big"}
    without_ignore_file = verify_outputs(project, lock)
    assert [mismatch.path for mismatch in without_ignore_file] == ["work/d"]


def test_any_changed_added_or_missing_file_is_noticed(project: Path) -> None:
    manager = DVCPipelineManager(project, env=environment(project.parent))
    changes = {
        "work/d/b": ("work/d", "changed"),
        "work/d/new": ("work/d", "changed"),
        "work/crlf": ("work/crlf", "changed"),
    }
    for name, expected in changes.items():
        path = project / name
        before = path.read_bytes() if path.exists() else None
        path.unlink(missing_ok=True)  # not in place: it may be a link into the cache
        path.write_bytes(b"tampered")
        try:
            assert expected in [(mismatch.path, mismatch.kind) for mismatch in manager.verify()]
        finally:
            path.unlink()
            if before is not None:
                path.write_bytes(before)
    content = (project / "work" / "big").read_bytes()
    (project / "work" / "big").unlink()
    assert [(mismatch.path, mismatch.kind) for mismatch in manager.verify()] == [("work/big", "missing")]
    (project / "work" / "big").write_bytes(content)
    assert manager.verify() == []


def test_files_are_compared_by_content(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("hello")
    assert verify_outputs(tmp_path, lock_of(entry("f", HELLO)), pipeline=ONE) == []
    wrong = "0" * 32
    assert verify_outputs(tmp_path, lock_of(entry("f", wrong)), pipeline=ONE) == [
        Mismatch("s", "f", wrong, HELLO, "changed")
    ]


def test_dependencies_are_checked_on_request(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("tampered")
    lock = lock_of(deps=(entry("f", HELLO),))
    assert verify_outputs(tmp_path, lock, pipeline=ONE) == []
    assert [mismatch.path for mismatch in verify_outputs(tmp_path, lock, deps=True, pipeline=ONE)] == ["f"]


def test_a_lock_of_dvc_2_reads_line_ends_in_its_own_way(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"hel\r\nlo")
    old = entry("f", hashlib.md5(b"hel\nlo", usedforsecurity=False).hexdigest(), "md5-dos2unix")
    assert verify_outputs(tmp_path, lock_of(old), pipeline=ONE) == []
    assert verify_outputs(tmp_path, lock_of(entry("f", old.md5)), pipeline=ONE) != []


@pytest.mark.parametrize(
    "file",
    [entry("../f", HELLO), entry("/etc/hostname", HELLO), entry("s3://bucket/f", HELLO), entry("f", None),
     entry("f", HELLO, "blake3"), entry("pipe", HELLO)],
)  # fmt: skip
def test_what_cannot_be_checked_is_not_passed_over(tmp_path: Path, file: LockedFile) -> None:
    (tmp_path / "f").write_text("hello")
    os.mkfifo(tmp_path / "pipe")
    (mismatch,) = verify_outputs(tmp_path, lock_of(file), pipeline=ONE)
    assert mismatch.kind == "unverifiable"


def test_stages_that_the_pipeline_no_longer_has_do_not_count(tmp_path: Path) -> None:
    assert verify_outputs(tmp_path, lock_of(entry("f", HELLO), name="old"), pipeline=ONE) == []
    assert verify_outputs(tmp_path, lock_of(entry("f", HELLO)), pipeline=Pipeline()) == []


def test_generated_stages_count_also_when_only_dvc_can_name_them(tmp_path: Path) -> None:
    lock = lock_of(entry("f", HELLO), name="s@cnn")
    for text in ('foreach: "${x}", do: {cmd: x}', 'foreach: ["${y}"], do: {cmd: x}'):
        pipeline = read_pipeline(f"stages: {{s: {{{text}}}}}")
        assert [one.kind for one in verify_outputs(tmp_path, lock, pipeline=pipeline)] == ["missing"]
    moved = read_pipeline('stages: {s: {foreach: "${x}", do: {cmd: x, wdir: "${item}"}}}')
    assert [one.kind for one in verify_outputs(tmp_path, lock, pipeline=moved)] == ["unverifiable"]


def test_hashing_can_be_cancelled(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("hello")
    with pytest.raises(IntegrationError, match="cancelled") as caught:
        verify_outputs(tmp_path, lock_of(entry("f", HELLO)), pipeline=ONE, should_stop=lambda: True)
    assert not caught.value.permanent
