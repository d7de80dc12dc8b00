"""Results are committed as data: exactly the named files, once, without trusting the clone."""

from __future__ import annotations

import os
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest

from integrations.errors import IntegrationError
from integrations.git_repository import GitMirror
from tests.integrations.git_workshop import commit, git, make_repository

WHO = {"author_name": "Job Runner", "author_email": "jobs@example.org"}


@pytest.fixture
def mirror(tmp_path: Path) -> GitMirror:
    files = {
        "params.yaml": "lr: 1\n",
        "src/train.py": "print(1)\n",
        "plots/old.csv": "1\n",
        ".gitignore": "*.log\n",
    }
    upstream = make_repository(tmp_path / "upstream", files)
    made = GitMirror.create(str(upstream), tmp_path / "m.git")
    made.fetch()
    return made


@pytest.fixture
def clone(mirror: GitMirror, tmp_path: Path) -> Path:
    return mirror.clone_at(mirror.resolve("main"), tmp_path / "clone")


def refused(mirror: GitMirror, clone: Path, *paths: str, branch: str = "stagegate/x") -> None:
    with pytest.raises(IntegrationError) as caught:
        mirror.commit_result(clone, paths, "m", branch=branch, **WHO)
    assert caught.value.permanent


def test_exactly_the_named_files_are_committed_on_top_of_the_clone(mirror: GitMirror, clone: Path) -> None:
    base = mirror.resolve("main")
    (clone / "params.yaml").write_text("lr: 2\n")
    (clone / "dvc.lock").write_text("schema: '2.0'\n")
    (clone / "run.log").write_text("ignored by Git, but asked for\n")
    (clone / "src" / "train.py").write_text("changed, but not asked for")
    (clone / "tool.sh").write_text("#!/bin/sh\n")
    (clone / "tool.sh").chmod(0o755)
    paths = ["params.yaml", "dvc.lock", "run.log", "tool.sh"]
    sha = mirror.commit_result(clone, paths, "Größer\n\nbody", branch="stagegate/job-7/1", **WHO)
    assert mirror.resolve("stagegate/job-7/1") == sha
    assert mirror.read_file(sha, "params.yaml") == b"lr: 2\n"
    assert mirror.read_file(sha, "run.log") == b"ignored by Git, but asked for\n"
    assert mirror.read_file(sha, "src/train.py") == b"print(1)\n"
    entry = mirror.log(sha)[0]
    assert (entry.parents, entry.author, entry.subject) == ((base,), "Job Runner", "Größer")
    changed = git(mirror.path, "diff", "--name-only", base, sha).split()
    assert changed == sorted(paths)
    assert git(mirror.path, "ls-tree", sha, "tool.sh").startswith("100755")


def test_a_retry_returns_the_commit_that_is_there(mirror: GitMirror, clone: Path, tmp_path: Path) -> None:
    (clone / "params.yaml").write_text("lr: 2\n")
    first = mirror.commit_result(clone, ["params.yaml"], "m", branch="stagegate/1", **WHO)
    again = mirror.clone_at(mirror.resolve("main"), tmp_path / "again")
    (again / "params.yaml").write_text("lr: 2\n")
    assert mirror.commit_result(again, ["params.yaml"], "later", branch="stagegate/1", **WHO) == first
    (again / "params.yaml").write_text("lr: 3\n")
    refused(mirror, again, "params.yaml", branch="stagegate/1")
    assert mirror.resolve("stagegate/1") == first


def test_two_at_once_make_one_commit(mirror: GitMirror, clone: Path) -> None:
    found: list[str] = []

    def save() -> None:
        when = datetime.now(UTC)
        found.append(
            mirror.commit_result(clone, ["params.yaml"], "m", branch="stagegate/1", when=when, **WHO)
        )

    threads = [threading.Thread(target=save) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [mirror.resolve("stagegate/1")] * 4


def test_the_same_date_gives_the_same_hash_on_another_branch(mirror: GitMirror, clone: Path) -> None:
    when = datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)
    one, two = (
        mirror.commit_result(clone, ["params.yaml"], "m", branch=f"stagegate/{number}", when=when, **WHO)
        for number in (1, 2)
    )
    assert one == two
    assert mirror.log(one)[0].committed_at == when


def test_a_directory_is_taken_as_it_is_now(mirror: GitMirror, clone: Path) -> None:
    (clone / "plots" / "old.csv").unlink()
    (clone / "plots" / "deep").mkdir()
    (clone / "plots" / "deep" / "new.csv").write_text("2\n")
    sha = mirror.commit_result(clone, ["plots"], "m", branch="stagegate/1", **WHO)
    listed = git(mirror.path, "ls-tree", "-r", "--name-only", sha, "plots").split()
    assert listed == ["plots/deep/new.csv"]


def test_a_file_may_become_a_directory_and_back(mirror: GitMirror, clone: Path) -> None:
    (clone / "params.yaml").unlink()
    (clone / "params.yaml").mkdir()
    (clone / "params.yaml" / "a").write_text("x")
    (clone / "plots" / "old.csv").unlink()
    (clone / "plots").rmdir()
    (clone / "plots").write_text("y")
    sha = mirror.commit_result(clone, ["params.yaml", "plots"], "m", branch="stagegate/1", **WHO)
    assert mirror.read_file(sha, "params.yaml/a") == b"x"
    assert mirror.read_file(sha, "plots") == b"y"


def test_links_are_not_followed_out_of_the_clone(mirror: GitMirror, clone: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secrets"
    secret.mkdir()
    (secret / "key").write_text("secret")
    (clone / "metrics.json").symlink_to(secret / "key")
    (clone / "out").symlink_to(secret)
    (clone / "plots" / "inner").symlink_to(secret / "key")
    for path in ("metrics.json", "out", "out/key", "plots"):
        refused(mirror, clone, path)
    assert [ref.name for ref in mirror.refs()] == ["main"]


def test_what_is_no_plain_file_inside_the_clone_is_refused(mirror: GitMirror, clone: Path) -> None:
    os.mkfifo(clone / "pipe")
    for path in ("absent", "pipe", "../upstream/params.yaml", "/etc/passwd", "", ".", "a\nb", ".git/config"):
        refused(mirror, clone, path)


def test_only_branches_for_results_are_written(mirror: GitMirror, clone: Path) -> None:
    for branch in ("main", "stagegate", "stagegate/", "stagegate/../main", "stagegate/a b", "-x"):
        refused(mirror, clone, "params.yaml", branch=branch)
    assert [ref.name for ref in mirror.refs()] == ["main"]


def test_identities_that_would_break_the_commit_are_refused(mirror: GitMirror, clone: Path) -> None:
    for name in ("", "a\nb", "a <b>"):
        with pytest.raises(IntegrationError):
            mirror.commit_result(
                clone, ["params.yaml"], "m", branch="stagegate/1", author_name=name, author_email="a@b"
            )


def test_configuration_planted_in_the_clone_is_not_used(
    mirror: GitMirror, clone: Path, tmp_path: Path
) -> None:
    witness = tmp_path / "ran"
    (clone / ".gitattributes").write_text("* filter=evil\n")
    git(clone, "config", "filter.evil.clean", f"touch {witness}")
    git(clone, "config", "core.fsmonitor", f"touch {witness}")
    (clone / "params.yaml").write_text("lr: 5\n")
    sha = mirror.commit_result(clone, ["params.yaml", ".gitattributes"], "m", branch="stagegate/1", **WHO)
    assert not witness.exists()
    assert mirror.read_file(sha, "params.yaml") == b"lr: 5\n"


def test_a_clone_that_moved_is_noticed(mirror: GitMirror, clone: Path) -> None:
    base = mirror.resolve("main")
    commit(clone, {"params.yaml": "lr: 6\n"}, "made inside the job")
    refused(mirror, clone, "params.yaml")
    sha = mirror.commit_result(clone, ["params.yaml"], "m", branch="stagegate/1", parent=base, **WHO)
    assert mirror.log(sha)[0].parents == (base,)
    git(clone, "checkout", "--quiet", "-b", "elsewhere")
    refused(mirror, clone, "params.yaml")


def test_a_plain_clone_of_the_mirror_has_the_result(mirror: GitMirror, clone: Path, tmp_path: Path) -> None:
    (clone / "params.yaml").write_text("lr: 2\n")
    sha = mirror.commit_result(clone, ["params.yaml"], "m", branch="stagegate/1", **WHO)
    git(tmp_path, "clone", "--quiet", f"file://{mirror.path}", "plain")
    git(tmp_path / "plain", "checkout", "--quiet", sha)
    assert (tmp_path / "plain" / "params.yaml").read_text() == "lr: 2\n"
    assert git(tmp_path / "plain", "fsck", "--strict", "--no-dangling") == ""
