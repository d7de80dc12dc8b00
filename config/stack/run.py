"""Start and stop of the embedded stack."""

import io
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

import django
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db import OperationalError
from honcho.manager import Manager

from config.stack import preflight, services
from config.stack.console import LogFiles, say

_INTERRUPTED = {130, 143}


def start(*, demo: bool) -> int:
    """Run the stack until it is interrupted.

    :param demo: whether the demo is created beside it; never in a database that the operator named
    :returns: exit status: 0 after an interruption by the operator
    :raises StartError: when something stands in the way; nothing is left running
    """
    preflight.python_version()
    data_dir: Path = settings.DATA_DIR
    with preflight.only_one(data_dir):
        processes = services.selected((settings.BASE_DIR / "Procfile").read_text(), os.environ)
        _check_ways(processes)
        _prepare()
        return _supervise(processes, data_dir, demo=demo and settings.EMBEDDED)


def _check_ways(processes: dict[str, str]) -> None:
    preflight.free_port(settings.PORT, "STAGEGATE_PORT", "the web server")
    if "mlflow" in processes:
        preflight.free_port(settings.MLFLOW_PORT, "STAGEGATE_MLFLOW_PORT", "the MLflow server")
    if "redis" in processes:
        preflight.socket_path(Path(settings.REDIS_URL.removeprefix("redis+socket://")))


def _prepare() -> None:
    django.setup()
    try:
        call_command("check", "--fail-level", "ERROR", stdout=io.StringIO())
        call_command("migrate", interactive=False, verbosity=0)
    except SystemCheckError as error:
        raise preflight.StartError(" ".join(str(error).split())) from error
    except OperationalError as error:
        reason = " ".join(str(error).split())
        raise preflight.StartError(f"the database does not answer: {reason}") from error


def _supervise(processes: dict[str, str], data_dir: Path, *, demo: bool) -> int:
    logs = LogFiles(data_dir / "logs")
    manager = Manager(printer=logs)
    for name, command in processes.items():
        manager.add_process(name, command, env=_environment())
    greeter = threading.Thread(target=_greet, args=(demo,), daemon=True)
    greeter.start()
    manager.loop()
    return _farewell(manager, logs)


def _environment() -> dict[str, str]:
    programs = str(Path(sys.executable).parent)
    return {
        **os.environ,
        "PATH": f"{programs}{os.pathsep}{os.environ.get('PATH', '')}",
        "PYTHONUNBUFFERED": "1",
    }


def _greet(demo: bool) -> None:
    url = f"http://127.0.0.1:{settings.PORT}/"
    if not _answers(f"{url}healthz"):
        return
    say(f"\n  Stagegate   {url}")
    say(f"  MLflow      {settings.MLFLOW_PUBLIC_URL}")
    say(f"  Logs        {settings.DATA_DIR / 'logs'}")
    if demo:
        # A process of its own, which dies with this one: the demo waits for jobs for minutes.
        subprocess.run(
            [sys.executable, "manage.py", "demo"], cwd=settings.BASE_DIR, check=False, env=_environment()
        )
    say("  Stop with Ctrl-C.")


def _answers(url: str, patience: float = 60.0) -> bool:
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(url, timeout=2):  # noqa: S310 - our own loopback address
                return True
        except urllib.error.HTTPError:
            return True  # it answers; loopback need not be one of its host names
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    return False


def _farewell(manager: Manager, logs: LogFiles) -> int:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if manager.returncode in _INTERRUPTED:
        say("\n  Stopped.")
        return 0
    for name, process in manager._processes.items():
        if process.get("returncode") not in (0, -signal.SIGTERM):
            say(f"\n  {name} ended with status {process.get('returncode')}. Its last lines:")
            say("\n".join(f"    {line}" for line in logs.tail(name)))
    return 1
