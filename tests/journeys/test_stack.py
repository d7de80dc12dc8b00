"""The embedded stack as an operator meets it: one command starts it, one signal ends it."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
import requests
from django.conf import settings

from tests.servers import free_port

_ROOT = Path(settings.BASE_DIR)
_MARK = "STAGEGATE_STACK_TEST"


@dataclass
class Stack:
    """A running stack: its launcher, its address, and the mark that all its processes inherit."""

    launcher: "subprocess.Popen[str]"
    url: str
    mark: str

    def processes(self) -> list[psutil.Process]:
        """Every process that was started from this stack, wherever it has gone."""
        return [process for process in psutil.process_iter() if _marked(process, self.mark)]


def _marked(process: psutil.Process, mark: str) -> bool:
    try:
        return process.environ().get(_MARK) == mark and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def environment(data_dir: Path, **changes: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("STAGEGATE_")}
    ports = {"STAGEGATE_PORT": str(free_port()), "STAGEGATE_MLFLOW_PORT": str(free_port())}
    for name in ("DATABASE_URL", "DJANGO_SETTINGS_MODULE"):
        kept.pop(name, None)
    return {**kept, "STAGEGATE_DATA_DIR": str(data_dir), _MARK: str(data_dir), **ports, **changes}


def start(env: dict[str, str]) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "config.stack", "--no-demo"]
    return subprocess.Popen(
        command, cwd=_ROOT, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )


def refused(env: dict[str, str]) -> str:
    """Start a stack that cannot start; return its output."""
    done = subprocess.run(
        [sys.executable, "-m", "config.stack", "--no-demo"],
        cwd=_ROOT,
        env=env,
        text=True,
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    return done.stdout + done.stderr


def wait_until(condition, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.2)


def answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=5).ok
    except requests.RequestException:
        return False


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    data_dir = tmp_path_factory.mktemp("stack")
    env = environment(data_dir)
    launcher = start(env)
    running = Stack(launcher, f"http://127.0.0.1:{env['STAGEGATE_PORT']}", str(data_dir))
    try:
        wait_until(lambda: answers(f"{running.url}/healthz"), 90)
        yield running
    finally:
        launcher.send_signal(signal.SIGINT)
        launcher.wait(30)


def web_processes(stack: Stack) -> list[psutil.Process]:
    masters = [process for process in stack.processes() if "gunicorn" in " ".join(process.cmdline())]
    return [process for process in masters if not process.children()]


def test_the_web_workers_hold_no_heavy_library_and_little_memory(stack):
    for _ in range(20):
        assert requests.get(f"{stack.url}/sign-in/", timeout=10).ok
    workers = web_processes(stack)
    assert len(workers) == 2
    for worker in workers:
        loaded = {
            Path(region.path).parts for region in worker.memory_maps() if "site-packages" in region.path
        }
        packages = {parts[parts.index("site-packages") + 1] for parts in loaded}
        assert not packages & {"torch", "mlflow", "dvc", "numpy", "pandas", "pyarrow"}
        assert worker.memory_info().rss <= 120 * 1024**2


def test_a_second_start_from_the_same_folder_is_refused_in_one_line(stack):
    output = refused(environment(Path(stack.mark)))
    assert output.count("\n") == 1
    assert "already running" in output


def test_a_taken_port_is_named_with_the_way_out(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        output = refused(environment(tmp_path, STAGEGATE_PORT=str(port)))
    assert f"Port {port}" in output
    assert "STAGEGATE_PORT=" in output
    assert "Traceback" not in output


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("STAGEGATE_PORT", "eighty"),
        ("STAGEGATE_DEBUG", "perhaps"),
        ("DATABASE_URL", "mysql://localhost/x"),
        ("STAGEGATE_JOB_CONCURRENCY", "0"),
        ("MLFLOW_TRACKING_URI", "file:/tmp/mlruns"),
    ],
)
def test_a_wrong_variable_is_named_in_one_line(tmp_path, variable, value):
    output = refused(environment(tmp_path, **{"STAGEGATE_SECRET_KEY": "k" * 50, variable: value}))
    assert variable in output
    assert output.count("\n") == 1


def test_a_database_that_is_named_needs_a_secret_key(tmp_path):
    output = refused(environment(tmp_path, DATABASE_URL="postgresql://localhost/nowhere"))
    assert "STAGEGATE_SECRET_KEY must be set" in output


def test_a_database_that_does_not_answer_is_one_line(tmp_path):
    url = f"postgresql://localhost:{free_port()}/nowhere"
    output = refused(environment(tmp_path, DATABASE_URL=url, STAGEGATE_SECRET_KEY="k" * 50))
    assert "database does not answer" in output
    assert "Traceback" not in output


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_every_process(tmp_path, number):
    env = environment(tmp_path)
    launcher = start(env)
    stopping = Stack(launcher, f"http://127.0.0.1:{env['STAGEGATE_PORT']}", str(tmp_path))
    wait_until(lambda: answers(f"{stopping.url}/healthz"), 90)
    launcher.send_signal(number)
    assert launcher.wait(30) == 0
    assert stopping.processes() == []
