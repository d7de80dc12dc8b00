"""``get_git_info`` says which facts it could not find, and why."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest

from integrations import git_commands
from integrations.git_repository import get_git_info
from tests.integrations.git_workshop import commit, git, make_repository


def test_commit_branch_and_tag_can_be_used_as_keyword_arguments(tmp_path: Path) -> None:
    repository = make_repository(tmp_path / "work")
    git(repository, "tag", "v1.0.0")
    info = get_git_info(repository)
    assert dict(**info) == {
        "git_commit": git(repository, "rev-parse", "HEAD"),
        "git_branch": "main",
        "git_tag": "v1.0.0",
    }
    assert info.missing == {}


def test_a_commit_after_the_tag_says_how_far(tmp_path: Path) -> None:
    repository = make_repository(tmp_path / "work")
    git(repository, "tag", "v1.0.0")
    commit(repository, {"a": "1"}, "second")
    (repository / "below").mkdir()
    assert get_git_info(str(repository / "below"))["git_tag"].startswith("v1.0.0-1-g")


def test_the_current_directory_is_the_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repository = make_repository(tmp_path / "work")
    monkeypatch.chdir(repository)
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    assert get_git_info()["git_commit"] == git(repository, "rev-parse", "HEAD")


def test_missing_facts_are_named(tmp_path: Path) -> None:
    repository = make_repository(tmp_path / "work")
    git(repository, "checkout", "--quiet", "--detach")
    info = get_git_info(repository)
    assert (info["git_branch"], info["git_tag"]) == ("", "")
    assert info.missing == {"git_branch": "HEAD is detached", "git_tag": "no tag leads to this commit"}


def test_a_repository_without_commits_has_only_a_branch(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet", "--initial-branch=main")
    info = get_git_info(tmp_path)
    assert info == {"git_commit": "", "git_branch": "main", "git_tag": ""}
    assert info.missing == dict.fromkeys(("git_commit", "git_tag"), "the repository has no commit yet")


@pytest.mark.parametrize(("name", "reason"), [(".", "not a Git repository"), ("absent", "no such directory")])
def test_no_repository_is_not_an_error(tmp_path: Path, name: str, reason: str) -> None:
    info = get_git_info(tmp_path / name)
    assert info == {"git_commit": "", "git_branch": "", "git_tag": ""}
    assert info.missing == dict.fromkeys(info, reason)


def test_a_host_without_git_is_not_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "cannot be started" in get_git_info(tmp_path).missing["git_commit"]


def test_a_repository_of_another_user_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repository = make_repository(tmp_path / "work")
    # Git's own switch for testing its refusal of repositories that belong to somebody else
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    passed_on = (*git_commands.PASSED_ON, "GIT_TEST_ASSUME_DIFFERENT_OWNER")
    monkeypatch.setattr(git_commands, "PASSED_ON", passed_on)
    assert get_git_info(repository)["git_commit"]
    monkeypatch.setattr(git_commands, "CONFIG_FILE", Path("/dev/null"))
    assert "another user" in get_git_info(repository).missing["git_commit"]


def test_nothing_of_the_repository_is_executed(tmp_path: Path) -> None:
    repository = make_repository(tmp_path / "work")
    witness = tmp_path / "ran"
    hook = repository / "monitor"
    hook.write_text(f"#!/bin/sh\ntouch {witness}\n")
    hook.chmod(0o755)
    git(repository, "config", "core.fsmonitor", str(hook))
    git(repository, "config", "alias.describe", f"!touch {witness}")
    get_git_info(repository)
    assert not witness.exists()


def test_the_parameter_is_optional() -> None:
    assert inspect.signature(get_git_info).parameters["path"].default is None
