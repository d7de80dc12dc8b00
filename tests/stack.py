"""The embedded stack as a test starts it: on free ports, in a folder of its own, ended by signal."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
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
    env: dict[str, str]

    def processes(self) -> list[psutil.Process]:
        """Every process that was started from this stack, wherever it has gone."""
        return [process for process in psutil.process_iter() if _marked(process, self.mark)]


def _marked(process: psutil.Process, mark: str) -> bool:
    try:
        return process.environ().get(_MARK) == mark and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def environment(data_dir: Path, **changes: str) -> dict[str, str]:
    """Return an environment without settings of this process, with free ports.

    MLflow's client, too, keeps its settings there: an address that another test set would stand for a server
    that an operator runs.
    """
    own = ("STAGEGATE_", "MLFLOW_", "AWS_", "DJANGO_", "DATABASE_URL", "REDIS_URL")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(own)}
    ports = {"STAGEGATE_PORT": str(free_port()), "STAGEGATE_MLFLOW_PORT": str(free_port())}
    return {**kept, "STAGEGATE_DATA_DIR": str(data_dir), _MARK: str(data_dir), **ports, **changes}


def start(env: dict[str, str]) -> "subprocess.Popen[str]":
    """Start the stack without its demo."""
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


def wait_until(condition: Callable[[], object], seconds: float) -> None:
    """Wait until `condition` is true; fail when it is not in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.2)


def answers(url: str) -> bool:
    """Say whether `url` answers well."""
    try:
        return requests.get(url, timeout=5).ok
    except requests.RequestException:
        return False


def _has_ended(launcher: "subprocess.Popen[str]") -> bool:
    if launcher.poll() is not None:
        said = launcher.stdout.read() if launcher.stdout else ""
        raise AssertionError(f"the stack ended by itself:\n{said}")
    return False


@contextmanager
def running(data_dir: Path, **changes: str) -> Iterator[Stack]:
    """Run a stack below `data_dir` and end it by SIGINT; yields when its web server answers."""
    env = environment(data_dir, **changes)
    launcher = start(env)
    stack = Stack(launcher, f"http://127.0.0.1:{env['STAGEGATE_PORT']}", str(data_dir), env)
    try:
        wait_until(lambda: answers(f"{stack.url}/healthz") or _has_ended(launcher), 90)
        yield stack
    finally:
        launcher.send_signal(signal.SIGINT)
        launcher.wait(30)


@contextmanager
def frozen_mlflow(stack: Stack) -> Iterator[None]:
    """Stop the processes of the stack's MLflow server: it accepts connections, never answers."""
    port = stack.env["STAGEGATE_MLFLOW_PORT"]
    [server] = [one for one in stack.processes() if {"server", "--port", port} <= set(one.cmdline())]
    group = [server, *server.children(recursive=True)]
    for process in group:
        process.suspend()
    try:
        yield
    finally:
        for process in group:
            process.resume()
