"""A managed mirror follows its upstream, keeps our results and runs nothing it was not asked to run."""

from __future__ import annotations

import subprocess
import threading
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from integrations.errors import IntegrationError
from integrations.git_locks import exclusive
from integrations.git_repository import GitMirror
from tests.integrations.git_workshop import commit, git, make_repository


@pytest.fixture
def upstream(tmp_path: Path) -> Path:
    return make_repository(tmp_path / "upstream", {"params.yaml": "lr: 1\n", "src/train.py": "print(1)\n"})


@pytest.fixture
def mirror(upstream: Path, tmp_path: Path) -> GitMirror:
    made = GitMirror.create(str(upstream), tmp_path / "mirrors" / "one.git")
    made.fetch()
    return made


def refused(call: object, *arguments: object, **named: object) -> IntegrationError:
    with pytest.raises(IntegrationError) as caught:
        call(*arguments, **named)  # type: ignore[operator]
    assert caught.value.permanent
    return caught.value


def test_a_mirror_is_bare_and_creating_it_twice_changes_nothing(upstream: Path, tmp_path: Path) -> None:
    path = tmp_path / "m.git"
    GitMirror.create(str(upstream), path).fetch()
    again = GitMirror.create(str(upstream), path)
    assert again.default_branch() == "main"
    assert git(path, "rev-parse", "--is-bare-repository") == "true"
    assert [name.name for name in tmp_path.iterdir() if name.name.startswith(".new")] == []
    refused(GitMirror.create, str(tmp_path), path)


def test_a_directory_that_is_no_mirror_is_refused(tmp_path: Path) -> None:
    refused(GitMirror, tmp_path)


def test_branches_and_tags_come_with_their_commits(mirror: GitMirror, upstream: Path) -> None:
    first = git(upstream, "rev-parse", "HEAD")
    git(upstream, "tag", "--annotate", "v1", "--message", "one")
    git(upstream, "tag", "a-tree", "HEAD^{tree}")
    second = commit(upstream, {"b": "2"}, "second")
    git(upstream, "branch", "topic/\u2028wide")
    mirror.fetch()
    found = {(ref.kind, ref.name): ref for ref in mirror.refs()}
    assert {key: ref.sha for key, ref in found.items()} == {
        ("branch", "main"): second,
        ("branch", "topic/\u2028wide"): second,
        ("tag", "v1"): first,
    }
    assert abs(found["branch", "main"].committed_at - datetime.now(UTC)) < timedelta(minutes=5)
    assert len(mirror.refs(limit=1)) == 1


def test_what_upstream_deletes_is_pruned_but_never_our_results(
    mirror: GitMirror, upstream: Path, tmp_path: Path
) -> None:
    git(upstream, "branch", "short-lived")
    git(upstream, "tag", "moving")
    mirror.fetch()
    clone = mirror.clone_at(mirror.resolve("main"), tmp_path / "clone")
    mine = mirror.commit_result(
        clone, ["params.yaml"], "m", branch="stagegate/job-1", author_name="a", author_email="a@b"
    )
    git(upstream, "branch", "--delete", "short-lived")
    git(upstream, "tag", "--delete", "moving")
    git(upstream, "branch", "stagegate/job-1")  # upstream cannot overwrite it either
    mirror.fetch()
    assert {ref.name: ref.sha for ref in mirror.refs()} == {
        "main": mirror.resolve("main"),
        "stagegate/job-1": mine,
    }


def test_rewritten_history_is_followed_and_the_old_commit_stays_readable(
    mirror: GitMirror, upstream: Path
) -> None:
    old = commit(upstream, {"a": "1"}, "to be rewritten")
    mirror.fetch()
    git(upstream, "commit", "--quiet", "--amend", "--message", "rewritten")
    mirror.fetch()
    assert mirror.resolve("main") == git(upstream, "rev-parse", "HEAD") != old
    assert mirror.exists(old)
    assert mirror.read_file(old, "a") == b"1"


def test_the_default_branch_is_the_one_of_upstream(mirror: GitMirror, upstream: Path) -> None:
    assert mirror.default_branch() == "main"
    git(upstream, "checkout", "--quiet", "-b", "trunk")
    mirror.fetch()
    assert mirror.default_branch() == "trunk"


def test_a_mirror_that_was_never_filled_has_no_branch(upstream: Path, tmp_path: Path) -> None:
    empty = GitMirror.create(str(upstream), tmp_path / "m.git")
    assert empty.refs() == []
    refused(empty.default_branch)


def test_resolve_knows_branches_tags_and_hashes(mirror: GitMirror, upstream: Path) -> None:
    sha = git(upstream, "rev-parse", "HEAD")
    git(upstream, "tag", "--annotate", "v1", "--message", "one")
    git(upstream, "branch", "feature/x")
    git(upstream, "branch", "deadbeef")
    commit(upstream, {"c": "3"}, "later")
    mirror.fetch()
    for name in ("feature/x", "v1", "deadbeef", sha, sha[:8], sha[:8].upper()):
        assert mirror.resolve(name) == sha


NOT_A_REFERENCE = """absent -n --all main~1 main^ main^{tree} main:params.yaml @ HEAD @{0} refs/heads/main
    ../main * 0000000 :/first main..main ^main main^0 /main main/ .main main.lock"""


def test_resolve_refuses_everything_else(mirror: GitMirror) -> None:
    for name in (*NOT_A_REFERENCE.split(), "", "ma in", "main\n", "main\0", "0" * 40, "a" * 5000):
        refused(mirror.resolve, name)


def test_a_hash_that_fits_several_objects_is_refused(mirror: GitMirror, upstream: Path) -> None:
    commits = "".join(
        f"commit refs/heads/many\ncommitter a <a@b> {number} +0000\ndata 1\nx\n\n" for number in range(1000)
    )
    subprocess.run(["git", "fast-import", "--quiet"], cwd=upstream, input=commits.encode(), check=True)
    mirror.fetch()
    beginnings = Counter(one.sha[:4] for one in mirror.log(mirror.resolve("many"), limit=1000))
    (beginning, count), *_ = beginnings.most_common(1)
    assert count > 1
    assert "several" in refused(mirror.resolve, beginning).message


def test_the_log_is_newest_first_and_bounded(mirror: GitMirror, upstream: Path) -> None:
    git(upstream, "commit", "--quiet", "--allow-empty", "--author=Zoë <z@e>", "--message", "Größer\n\nbody")
    mirror.fetch()
    newest, oldest = mirror.log(mirror.resolve("main"))
    assert (newest.subject, newest.author, newest.parents) == ("Größer", "Zoë", (oldest.sha,))
    assert (oldest.subject, oldest.parents) == ("first", ())
    assert newest.authored_at.tzinfo is UTC
    assert [one.sha for one in mirror.log(newest.sha, limit=1)] == [newest.sha]
    refused(mirror.log, "main")
    refused(mirror.log, "--all")


def test_files_are_read_at_a_commit(mirror: GitMirror, upstream: Path) -> None:
    (upstream / "link").symlink_to("/etc/passwd")
    commit(upstream, {"big": "x" * 1000, "sp ace*": "star"}, "second")
    mirror.fetch()
    sha = mirror.resolve("main")
    assert mirror.read_file(sha, "src/train.py") == b"print(1)\n"
    assert mirror.read_file(sha, "sp ace*") == b"star"
    for name in ("absent", "src", "link", "../x", "/etc/passwd", "", "src/*", ":(glob)**", "a\0b"):
        assert mirror.read_file(sha, name) is None
    refused(mirror.read_file, sha, "big", max_bytes=999)
    refused(mirror.read_file, "0" * 40, "big")


def test_exists_wants_the_full_hash_of_a_commit(mirror: GitMirror, upstream: Path) -> None:
    sha = mirror.resolve("main")
    assert mirror.exists(sha)
    tree = git(upstream, "rev-parse", "HEAD^{tree}")
    assert [mirror.exists(text) for text in (sha[:10], tree, "0" * 40, "main", "--help")] == [False] * 5


def test_a_clone_is_detached_at_the_commit_and_independent(
    mirror: GitMirror, upstream: Path, tmp_path: Path
) -> None:
    first = mirror.resolve("main")
    git(upstream, "tag", "v1")
    commit(upstream, {"params.yaml": "lr: 2\n"}, "second")
    mirror.fetch()
    clone = mirror.clone_at(first, tmp_path / "jobs-1")
    assert (clone / "params.yaml").read_text() == "lr: 1\n"
    assert git(clone, "rev-parse", "HEAD") == first
    assert git(clone, "branch", "--show-current") == ""
    assert git(clone, "remote") == ""
    assert git(clone, "describe", "--tags") == "v1"
    assert not (clone / ".git" / "objects" / "info" / "alternates").exists()
    assert git(clone, "rev-parse", "--git-dir") == ".git"
    refused(mirror.clone_at, first, tmp_path / "jobs-1")
    refused(mirror.clone_at, "main", tmp_path / "jobs-2")
    assert not (tmp_path / "jobs-2").exists()


def test_no_hook_filter_or_template_runs_and_submodules_stay_out(
    upstream: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    witness = tmp_path / "ran"
    other = make_repository(tmp_path / "other")
    git(upstream, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(other), "sub")
    commit(
        upstream, {".gitattributes": "*.py filter=evil\n*.bin filter=lfs\n", "a.bin": "pointer"}, "filters"
    )
    home = tmp_path / "home"
    hooks = home / "hooks"
    hooks.mkdir(parents=True)
    for name in ("post-checkout", "reference-transaction", "post-commit", "update", "pre-receive"):
        (hooks / name).write_text(f"#!/bin/sh\ntouch {witness}\n")
        (hooks / name).chmod(0o755)
    evil = f"[core]\nhooksPath = {hooks}\n[init]\ntemplateDir = {home}\n"
    evil += f'[filter "evil"]\nsmudge = touch {witness}\nclean = touch {witness}\n'
    evil += f'[filter "lfs"]\nsmudge = touch {witness}\nrequired = true\n'
    (home / ".gitconfig").write_text(evil)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("GIT_TEMPLATE_DIR", str(home))
    mirror = GitMirror.create(str(upstream), tmp_path / "m.git")
    mirror.fetch()
    clone = mirror.clone_at(mirror.resolve("main"), tmp_path / "clone")
    mirror.commit_result(clone, ["a.bin"], "m", branch="stagegate/1", author_name="a", author_email="a@b")
    assert not witness.exists()
    assert list((clone / "sub").iterdir()) == []
    assert (clone / "a.bin").read_text() == "pointer"
    assert not list((clone / ".git").glob("hooks/*"))


HOSTILE_ADDRESSES = """-u/tmp --upload-pack=touch relative/path fd::17 host ftp://host/x file::/x ext::sh
    ssh://-oProxyCommand=x/y -oProxyCommand=x:y https:// ://x"""


def test_hostile_addresses_are_refused(tmp_path: Path) -> None:
    more = ("", "ext::sh -c touch% /tmp/ran", "\nfile:///x", "https://h/x\ny", "a b:c")
    for url in (*HOSTILE_ADDRESSES.split(), *more):
        refused(GitMirror.create, url, tmp_path / "m.git")
    assert not (tmp_path / "m.git").exists()


@pytest.mark.parametrize(
    "url", ["git@example.org:team/x.git", "https://u:p@example.org/x", "host:x", 'git://h/a"b\\c#;d']
)
def test_usual_addresses_are_accepted(url: str, tmp_path: Path) -> None:
    assert GitMirror.create(url, tmp_path / "m.git").url == url


def test_only_the_allowed_protocols_are_used(upstream: Path, tmp_path: Path) -> None:
    refused(GitMirror.create, str(upstream), tmp_path / "m.git", protocols=("https",))
    GitMirror.create(f"file://{upstream}", tmp_path / "m.git").fetch()
    stricter = GitMirror(tmp_path / "m.git", protocols=("https",))
    refused(stricter.fetch)
    git(tmp_path / "m.git", "config", "url.file:///.insteadOf", "https://example.org/")
    git(tmp_path / "m.git", "config", "remote.origin.url", f"https://example.org/{upstream}")
    assert "not allowed" in refused(stricter.fetch).message


def test_a_missing_upstream_is_permanent_and_hides_the_password(tmp_path: Path) -> None:
    absent = GitMirror.create(str(tmp_path / "absent"), tmp_path / "m.git")
    refused(absent.fetch)
    unreachable = GitMirror.create("https://name:secret@127.0.0.1:1/x.git", tmp_path / "n.git")
    with pytest.raises(IntegrationError) as caught:
        unreachable.fetch()
    assert not caught.value.permanent
    assert "secret" not in caught.value.message
    assert "secret" not in caught.value.output  # type: ignore[attr-defined]


def test_a_frozen_upstream_ends_at_the_time_limit_and_leaves_no_process(
    upstream: Path, tmp_path: Path
) -> None:
    stuck = tmp_path / "stuck"
    stuck.write_text("#!/bin/sh\nsleep 331\n")
    stuck.chmod(0o755)
    mirror = GitMirror.create(
        "host:x", tmp_path / "m.git", environment={"GIT_SSH_COMMAND": str(stuck)}, time_limit=1.0
    )
    started = time.monotonic()
    with pytest.raises(IntegrationError, match="longer than 1 s") as caught:
        mirror.fetch()
    assert not caught.value.permanent
    assert time.monotonic() - started < 12
    assert subprocess.run(["pgrep", "-f", "sleep 331"], capture_output=True, check=False).returncode == 1


def test_a_lock_left_by_a_killed_command_does_not_block_for_ever(mirror: GitMirror, upstream: Path) -> None:
    old = time.time() - 60
    for name in ("packed-refs.lock", "refs/heads/main.lock"):
        (mirror.path / name).touch()
        subprocess.run(["touch", "-d", f"@{old}", str(mirror.path / name)], check=True)
    newest = commit(upstream, {"z": "1"}, "second")
    mirror.fetch()
    assert mirror.resolve("main") == newest


def test_waiting_for_another_writer_can_be_cancelled(mirror: GitMirror) -> None:
    with exclusive(mirror.path, 1.0):
        started = time.monotonic()
        with pytest.raises(IntegrationError, match="somebody else") as caught:
            mirror.fetch(should_stop=lambda: time.monotonic() > started + 0.5)
    assert not caught.value.permanent
    assert time.monotonic() - started < 5
    mirror.fetch()


def test_fetching_from_several_threads_at_once_works(mirror: GitMirror, upstream: Path) -> None:
    for number in range(5):
        git(upstream, "branch", f"b{number}")
    newest = commit(upstream, {"z": "1"}, "second")
    failures: list[BaseException] = []

    def fetch() -> None:
        try:
            GitMirror(mirror.path).fetch()
        except IntegrationError as error:
            failures.append(error)

    threads = [threading.Thread(target=fetch) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert mirror.resolve("main") == newest


def test_an_upstream_of_another_user_can_be_mirrored(upstream: Path, tmp_path: Path) -> None:
    subprocess.run(["chown", "-R", "12345", str(upstream)], check=True)
    for number, url in enumerate((str(upstream), f"file://{upstream}")):
        mirror = GitMirror.create(url, tmp_path / f"{number}.git")
        mirror.fetch()
        assert mirror.default_branch() == "main"
