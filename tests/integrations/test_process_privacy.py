"""What programs of the same user can read of the processes that hold secrets."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from tests.servers import ROOT, redis_server, run_dispatcher, run_worker

PR_CAPBSET_DROP = 24
ALL_SEEING = (19, 21, 38)  # CAP_SYS_PTRACE, CAP_SYS_ADMIN, CAP_PERFMON: each may read any process
SECRET = "s3cret-of-the-worker"
CLOSED = "from integrations import process_privacy as p; assert not p.close_to_others() and p.is_closed()"


def give_up_sight() -> None:
    """Make the programs that this thread starts as powerless as those of a user: root may read everything."""
    if os.geteuid() == 0:
        libc = ctypes.CDLL(None)
        assert [libc.prctl(PR_CAPBSET_DROP, one, 0, 0, 0) for one in ALL_SEEING] == [0, 0, 0]


@pytest.fixture
def thread() -> Iterator[ThreadPoolExecutor]:
    """A thread of its own, since what it gives up does not come back."""
    with ThreadPoolExecutor(1, initializer=give_up_sight) as executor:
        yield executor


def read_environ(pid: int) -> subprocess.CompletedProcess[str]:
    """Try to read the environment of a process, as a stage would."""
    return subprocess.run(["cat", f"/proc/{pid}/environ"], capture_output=True, text=True, check=False)


def start(*lines: str) -> subprocess.Popen[str]:
    """Start a Python program that says so when it has run `lines`, and wait for that."""
    script = "\n".join([*lines, "print('ready', flush=True)", "input()"])
    env = {**os.environ, "PYTHONPATH": str(ROOT), "SECRET": SECRET}
    pipe = subprocess.PIPE
    process = subprocess.Popen([sys.executable, "-c", script], env=env, stdin=pipe, stdout=pipe, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def seen(thread: ThreadPoolExecutor, *lines: str) -> str:
    """Return what can be read of the environment of a program that has run `lines`."""
    with thread.submit(start, *lines).result() as process:
        found = thread.submit(read_environ, process.pid).result()
        process.communicate("\n")
    assert process.returncode == 0
    return found.stdout


def test_the_environment_of_a_closed_process_cannot_be_read(thread: ThreadPoolExecutor) -> None:
    assert SECRET in seen(thread, "pass")
    assert not seen(thread, CLOSED)


def test_a_closed_process_still_runs_finds_and_kills_programs(
    thread: ThreadPoolExecutor, tmp_path: Path
) -> None:
    script = f"""
import os, pathlib, subprocess, sys, time
{CLOSED}
from integrations import process_group, process_sweep
assert os.listdir("/proc/self/fd")
lines = []
done = process_group.run(
    ["cat", "/proc/self/environ"], cwd=pathlib.Path({str(tmp_path)!r}), env={{"PATH": os.environ["PATH"]}},
    on_line=lines.append, marker="privacy/1",
)
assert done.returncode == 0, (done, lines)
assert "privacy/1" in "".join(lines)
left = subprocess.Popen(["sleep", "60"], env={{process_sweep.MARKER_VARIABLE: "privacy/2"}})
time.sleep(0.2)
assert process_sweep.kill_marked("privacy/2") == 1
assert left.wait(10) == -9
"""
    done = thread.submit(
        subprocess.run,
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
    ).result()
    assert done.returncode == 0, done.stderr


def test_no_stage_can_read_the_environment_of_worker_and_dispatcher(
    thread: ThreadPoolExecutor, tmp_path: Path
) -> None:
    with redis_server(tmp_path / "redis") as redis:
        env = {
            "DJANGO_SETTINGS_MODULE": "tests.settings_engine",
            "DATABASE_URL": f"sqlite:///{tmp_path / 'empty.sqlite3'}",
            "REDIS_URL": redis.url,
            "STAGEGATE_DATA_DIR": str(tmp_path / "data"),
            "AWS_SECRET_ACCESS_KEY": SECRET,
        }
        for server in (run_worker(tmp_path / "worker", env), run_dispatcher(tmp_path / "dispatcher", env)):
            leader = thread.submit(server.__enter__).result()
            try:
                pids = [leader, *(child.pid for child in psutil.Process(leader).children(recursive=True))]
                assert [SECRET in read_environ(pid).stdout for pid in pids] == [os.geteuid() == 0] * len(pids)
                assert not [pid for pid in pids if thread.submit(read_environ, pid).result().stdout]
            finally:
                server.__exit__(None, None, None)
