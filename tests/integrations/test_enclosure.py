"""The enclosure of stages on the real kernel: under the profile of Compose, and where it is refused."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from integrations.enclosure import Enclosure, available
from integrations.yaml_text import load_mapping
from tests import seccomp

ROOT = Path(__file__).parents[2]
PROFILE = ROOT / "config" / "worker-seccomp.json"
# Numbers of system calls are asked of libseccomp; the flags are those of unshare and clone.
TRY = """
import ctypes, os, sys
libc, known = ctypes.CDLL(None, use_errno=True), ctypes.CDLL("libseccomp.so.2")
number = known.seccomp_syscall_resolve_name(sys.argv[1].encode())
result = libc.syscall(number, *(int(one) for one in sys.argv[2:]))
print("done" if result >= 0 else os.strerror(ctypes.get_errno()))
"""


@pytest.fixture
def worker() -> dict[str, Any]:
    services = load_mapping((ROOT / "docker-compose.yml").read_bytes(), "docker-compose.yml")["services"]
    return dict(services["worker"])


def run(profile: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*seccomp.prefix(profile), *command], capture_output=True, text=True, timeout=60, check=False
    )


def tried(*call: str) -> str:
    return run(PROFILE, sys.executable, "-c", TRY, *call).stdout.strip()


def test_the_worker_of_compose_has_what_an_enclosure_needs_and_nothing_more(
    worker: dict[str, Any], tmp_path: Path
) -> None:
    options = worker["security_opt"]
    assert f"seccomp={PROFILE.relative_to(ROOT)}" in options
    assert "no-new-privileges:true" in options
    assert (worker["cap_drop"], "privileged" in worker, "cap_add" in worker) == (["ALL"], False, False)

    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "key").write_text("s3cret")
    enclosed = Enclosure(hidden=(str(secret),)).prefix()
    done = run(PROFILE, *enclosed, sys.executable, "-c", f"import os; print(os.listdir({str(secret)!r}))")
    assert (done.returncode, done.stdout) == (0, "[]\n"), done.stderr


@pytest.mark.parametrize(
    "call",
    [
        ("setns", "0", "0"),
        ("umount2", "0", "0"),
        ("pivot_root", "0", "0"),
        ("ptrace", "0", "0", "0", "0"),
        ("keyctl", "0", "0"),
        ("bpf", "0", "0", "0"),
        ("io_uring_setup", "1", "0"),
        ("unshare", str(0x20000000)),
        ("unshare", str(0x10000000 | 0x04000000)),
        ("clone", str(0x10000000 | 17), "0", "0", "0", "0"),
        ("socket", "40", "1", "0"),
    ],
)
def test_the_profile_refuses_what_no_worker_needs(call: tuple[str, ...]) -> None:
    assert tried(*call) == "Operation not permitted"


def test_the_profile_leaves_ordinary_programs_alone() -> None:
    assert tried("unshare", str(0x10000000)) == "done"
    assert tried("clone3", "0", "0") == "Function not implemented"
    threads = "import threading, subprocess; threading.Thread(target=print, args=['thread']).start()"
    done = run(PROFILE, sys.executable, "-c", f"{threads}; subprocess.run(['git', '--version'])")
    assert "thread" in done.stdout
    assert "git version" in done.stdout


def test_where_the_worker_itself_stands_does_not_matter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace, elsewhere = tmp_path / "workspace", tmp_path / "elsewhere"
    for folder in (workspace, elsewhere):
        folder.mkdir()
    monkeypatch.chdir(elsewhere)
    assert available(Enclosure(hidden=(str(tmp_path),), kept=(str(workspace),)), workspace) == ""


def test_a_host_that_refuses_namespaces_is_noticed(tmp_path: Path) -> None:
    profile = tmp_path / "docker.json"
    profile.write_text(json.dumps(seccomp.REFUSING))
    done = run(profile, *Enclosure().prefix(), sys.executable, "-c", "print('ran')")
    assert (done.returncode, done.stdout) == (125, "")
    assert "unshare: Operation not permitted" in done.stderr
