"""An MLflow server that is down, frozen, slow, behind a redirect or no MLflow server at all."""

from __future__ import annotations

import contextlib
import http.server
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from integrations.errors import IntegrationError
from integrations.mlflow_server import MLflowServer
from tests.faults import lossy_proxy
from tests.servers import Server, free_port


def test_a_server_that_is_down_fails_within_seconds_and_may_come_back() -> None:
    server = MLflowServer(f"http://127.0.0.1:{free_port()}")
    began = time.monotonic()
    with pytest.raises(IntegrationError, match="cannot be reached") as caught:
        server.find_or_create_run("any", key="k", name="n", start_time=1)
    assert time.monotonic() - began < 4
    assert not caught.value.permanent


def test_a_frozen_server_fails_within_the_time_limit(mlflow_process: Server, tmp_path: Path) -> None:
    server = MLflowServer(mlflow_process.url, timeout=1.5)
    run_id = server.find_or_create_run("frozen", key="k", name="n", start_time=1).run_id
    with mlflow_process.frozen():
        for call in (server.ping, server.experiments, lambda: server.set_tags(run_id, {"a": "b"})):
            began = time.monotonic()
            with pytest.raises(IntegrationError, match="did not answer in time") as caught:
                call()
            assert time.monotonic() - began < 4
            assert not caught.value.permanent
    assert server.ping()


def test_a_server_that_comes_back_within_the_time_limit_is_not_an_error(mlflow_url: str) -> None:
    with lossy_proxy(mlflow_url) as proxy:
        proxy.drop("experiments/search")
        proxy.drop("experiments/search")
        assert MLflowServer(proxy.url).experiments()


@pytest.mark.parametrize(("keep_alive", "connections"), [(True, 1), (False, 3)])
def test_calls_of_a_thread_share_a_connection_unless_they_should_not(
    keep_alive: bool, connections: int
) -> None:
    callers = set()

    def answer(handler: http.server.BaseHTTPRequestHandler) -> None:
        callers.add(handler.client_address)
        handler.send_response(200)
        handler.send_header("Content-Length", "2")
        # The client's word decides: this server would close after each answer of its own accord.
        handler.send_header("Connection", handler.headers["Connection"])
        handler.close_connection = handler.headers["Connection"] == "close"
        handler.end_headers()
        handler.wfile.write(b"{}")

    with answering(answer) as url:
        server = MLflowServer(url, keep_alive=keep_alive)
        for _ in range(3):
            assert server.experiments() == ()
    assert len(callers) == connections


def test_an_answer_that_drips_ends_at_the_time_limit() -> None:
    def drip(handler: http.server.BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        with contextlib.suppress(OSError):
            for _ in range(100):
                handler.wfile.write(b" " * 2_000_000)
                time.sleep(0.3)

    with answering(drip) as url:
        began = time.monotonic()
        with pytest.raises(IntegrationError) as caught:
            MLflowServer(url, timeout=1, retries=0).experiments()
        assert time.monotonic() - began < 4
        assert not caught.value.permanent


@pytest.mark.parametrize(
    ("status", "permanent", "says"),
    [
        (200, True, "does not answer like an MLflow server"),
        (302, True, "redirects"),
        (401, True, "credentials"),
        (403, True, "credentials"),
        (404, True, "404"),
        (429, False, "429"),
        (500, False, "500"),
        (503, False, "503"),
    ],
)
def test_refusals_say_whether_a_retry_can_help(status: int, permanent: bool, says: str) -> None:
    calls = []

    def refuse(handler: http.server.BaseHTTPRequestHandler) -> None:
        calls.append(handler.path)
        handler.send_response(status)
        handler.send_header("Location", "https://elsewhere.invalid/")
        handler.end_headers()
        handler.wfile.write(b"<html>not json</html>")

    with answering(refuse) as url, pytest.raises(IntegrationError, match=says) as caught:
        MLflowServer(url, retries=2).experiment_named("any")
    assert caught.value.permanent is permanent
    assert len(calls) == (1 if permanent else 3)


def test_credentials_are_sent_and_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def refuse(handler: http.server.BaseHTTPRequestHandler) -> None:
        seen.append(handler.headers["Authorization"])
        handler.send_response(403)
        handler.end_headers()

    with answering(refuse) as url:
        monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "robot")
        monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "hidden-word")
        with pytest.raises(IntegrationError) as caught:
            MLflowServer(url).experiments()
        monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "hidden-token")
        with pytest.raises(IntegrationError):
            MLflowServer(url).experiments()
        in_address = url.replace("http://", "http://robot:hidden-word@")
        with pytest.raises(IntegrationError) as caught_address:
            MLflowServer(in_address).experiments()
    assert seen[0].startswith("Basic ")
    assert seen[1] == "Bearer hidden-token"
    for error in (caught.value, caught_address.value):
        assert "hidden" not in str(error)


@contextlib.contextmanager
def answering(behave: Callable[[http.server.BaseHTTPRequestHandler], None]) -> Iterator[str]:
    """A tiny server that is not MLflow; `behave` gets the request handler."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            behave(self)

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            behave(self)

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as answerer:
        answerer.daemon_threads = True
        thread = threading.Thread(target=answerer.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{answerer.server_port}"
        finally:
            answerer.shutdown()
            thread.join(5)
