"""The embedded stack as an operator meets it: one command starts it, one signal ends it."""

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import requests
from django.conf import settings

from tests.servers import free_port
from tests.stack import Stack, environment, refused, running


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with running(tmp_path_factory.mktemp("stack")) as started:
        yield started


def web_processes(stack: Stack) -> list[psutil.Process]:
    masters = [process for process in stack.processes() if "gunicorn" in " ".join(process.cmdline())]
    return [process for process in masters if not process.children()]


def test_the_web_workers_keep_within_their_memory(stack):
    password = subprocess.run(
        [sys.executable, "manage.py", "create_user", "reader", "--role", "viewer", "--random-password"],
        cwd=settings.BASE_DIR,
        env=stack.env,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()[-1]
    reader = signed_in(stack, "reader", password)
    for path in ["/", "/models/", "/promotions/", "/experiments/", "/runs/", "/repositories/", "/jobs/"] * 8:
        assert reader.get(f"{stack.url}{path}", timeout=20).status_code == 200
    assert reader.get(f"{stack.url}/api/docs/", timeout=60).ok
    workers = web_processes(stack)
    assert len(workers) == 2
    for worker in workers:
        assert worker.memory_info().rss <= 120 * 1024**2


def signed_in(stack: Stack, name: str, password: str) -> requests.Session:
    session = requests.Session()
    page = session.get(f"{stack.url}/sign-in/", timeout=20).text
    token = page.split('name="csrfmiddlewaretoken" value="')[1].split('"')[0]
    form = {"csrfmiddlewaretoken": token, "username": name, "password": password}
    assert session.post(f"{stack.url}/sign-in/", form, timeout=20).url == f"{stack.url}/"
    return session


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
        ("DATABASE_URL", "postgresql://host:x/db"),
        ("STAGEGATE_SYNC_INTERVAL", "--5"),
        ("STAGEGATE_WEB_WORKERS", "many"),
    ],
)
def test_a_wrong_variable_is_named_in_one_line(tmp_path, variable, value):
    output = refused(environment(tmp_path, **{"STAGEGATE_SECRET_KEY": "k" * 50, variable: value}))
    assert variable in output
    assert output.count("\n") == 1


def test_a_wrong_variable_is_one_line_for_every_command(tmp_path):
    command = [sys.executable, "manage.py", "build_static"]
    env = environment(tmp_path, STAGEGATE_PORT="eighty")
    done = subprocess.run(
        command, cwd=settings.BASE_DIR, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr == "Stagegate cannot start: STAGEGATE_PORT must be a whole number, not 'eighty'.\n"


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
    with running(tmp_path) as stopping:
        stopping.launcher.send_signal(number)
        assert stopping.launcher.wait(30) == 0
        assert stopping.processes() == []
