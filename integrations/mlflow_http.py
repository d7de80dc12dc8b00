"""One HTTP call to an MLflow server: a time budget, bounded retries, errors that say if they help.

Plain `requests` instead of `MlflowClient`, because of what was measured with MLflow 3.17.2:
`import mlflow` costs about 2 s and 165 MB against 0.12 s and 19 MB; the client reads its time limit
and retry count from process-wide environment variables at every call, so two users of one process
cannot differ; and it repeats POST requests by itself, which creates a model version several times
when an answer is lost. Here only calls that are harmless to repeat are repeated.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from integrations.errors import IntegrationError

if TYPE_CHECKING:
    import requests

MAX_ANSWER_BYTES = 64 * 1024 * 1024
CHUNK_BYTES = 1024 * 1024
FIRST_PAUSE_SECONDS = 0.1
TRANSFER_SECONDS = 30.0
SLOWEST_TRANSFER_BYTES_PER_SECOND = 5 * 1024 * 1024
REPEATABLE_STATUS = frozenset({408, 425, 429, 500, 502, 503, 504})
NOT_DONE_STATUS = frozenset({425, 429})

Json = dict[str, Any]


class MLflowError(IntegrationError):
    """An MLflow call that failed.

    Parameters
    ----------
    message, permanent:
        As in `IntegrationError`.
    code:
        MLflow's own error code (`RESOURCE_DOES_NOT_EXIST`, ...), empty when it gave none.
    ambiguous:
        `True` when the server may have carried the request out although no answer came back.
    """

    def __init__(self, message: str, *, permanent: bool, code: str = "", ambiguous: bool = False) -> None:
        super().__init__(message, permanent=permanent)
        self.code = code
        self.ambiguous = ambiguous


class MLflowHTTP:
    """Calls one MLflow server.

    Parameters
    ----------
    tracking_uri:
        `http://` or `https://` address. Everything else, above all the file store (`file:` or a bare
        path, which has open vulnerabilities), is refused with a permanent error.
    timeout:
        Seconds one call may take, its retries included.
    retries:
        How often a call that is harmless to repeat is repeated within that time.
    keep_alive:
        Whether the calls of a thread share a connection. A server of several processes gives each new one
        to a process that is idle, so calls that are under way together are better off without.

    Credentials come from `MLFLOW_TRACKING_TOKEN` or `MLFLOW_TRACKING_USERNAME` and
    `MLFLOW_TRACKING_PASSWORD`, as MLflow's own client reads them. They never appear in an error.
    """

    def __init__(
        self, tracking_uri: str, *, timeout: float = 5.0, retries: int = 3, keep_alive: bool = True
    ) -> None:
        parts = urlsplit(tracking_uri)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise MLflowError(
                "The MLflow tracking URI must be the http(s) address of a server; "
                "file stores and direct database addresses are not supported.",
                permanent=True,
            )
        self._base = tracking_uri.rstrip("/")
        self._server = f"{parts.scheme}://{parts.hostname}{f':{parts.port}' if parts.port else ''}"
        self.host = parts.netloc.rpartition("@")[2]
        self.timeout = timeout
        self.retries = retries
        self.keep_alive = keep_alive
        self._local = threading.local()

    def get(self, path: str, params: Mapping[str, Any] | None = None) -> Json:
        """GET `path` and return the JSON object; repeated when that can help."""
        return self.call("GET", path, params=params)

    def post(self, path: str, body: Json, *, repeatable: bool) -> Json:
        """POST `body` as JSON. `repeatable=False` for calls that would create a second thing."""
        return self.call("POST", path, body=body, repeatable=repeatable)

    def call(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        body: Json | None = None,
        repeatable: bool = True,
    ) -> Json:
        """Make one call within the time budget and return the JSON object of the answer.

        Raises `MLflowError`; its `ambiguous` tells whether the server may have done it all the same.
        """
        deadline = time.monotonic() + self.timeout
        data = None if body is None else _encoded(body)
        for attempt in range(self.retries + 1):
            try:
                return self._once(method, path, params, data, deadline)
            except MLflowError as error:
                pause = FIRST_PAUSE_SECONDS * 2**attempt
                may_repeat = not error.permanent and (repeatable or not error.ambiguous)
                if not may_repeat or attempt == self.retries or time.monotonic() + pause >= deadline:
                    raise
                time.sleep(pause)
        raise AssertionError("unreachable: the last attempt returns or raises")

    def text(self, path: str) -> str:
        """GET a short plain-text answer, such as `/version`."""
        with self._answer("GET", path, timeout=self.timeout) as answer:
            return self._read(answer, time.monotonic() + self.timeout).decode(errors="replace").strip()

    def stream(self, path: str) -> Iterator[bytes]:
        """Yield the bytes of a file in chunks; a server that stalls for `timeout` seconds is an error."""
        with self._answer("GET", path, timeout=self.timeout) as answer, self._translated():
            yield from answer.iter_content(CHUNK_BYTES)

    def upload(self, path: str, source: Path) -> None:
        """PUT a file without holding it in memory; repeating it only overwrites the same bytes."""
        size = source.stat().st_size
        patience = max(self.timeout, TRANSFER_SECONDS + size / SLOWEST_TRANSFER_BYTES_PER_SECOND)
        for attempt in range(self.retries + 1):
            try:
                with source.open("rb") as file:
                    # requests sends an empty stream chunked, which the artifact proxy refuses
                    data = file if size else b""
                    timeout = (self.timeout, patience)
                    with self._answer("PUT", path, timeout=timeout, data=data) as answer:
                        self._read(answer, time.monotonic() + patience)
                        return
            except MLflowError as error:
                if error.permanent or attempt == self.retries:
                    raise
                time.sleep(FIRST_PAUSE_SECONDS * 2**attempt)

    def _once(
        self, method: str, path: str, params: Mapping[str, Any] | None, data: bytes | None, deadline: float
    ) -> Json:
        left = max(deadline - time.monotonic(), 0.05)
        headers = {"Content-Type": "application/json"}
        with self._answer(method, path, timeout=left, params=params, data=data, headers=headers) as answer:
            raw = self._read(answer, deadline)
        try:
            decoded = json.loads(raw)
        except ValueError:
            decoded = None
        if not isinstance(decoded, dict):
            raise MLflowError(f"{self._server} does not answer like an MLflow server.", permanent=True)
        return decoded

    @contextmanager
    def _answer(self, method: str, path: str, **options: Any) -> Iterator[requests.Response]:
        # redirects would turn POST into GET and could carry credentials elsewhere
        with self._translated():
            answer = self._session().request(
                method, self._base + path, stream=True, allow_redirects=False, **options
            )
        with answer:
            if answer.status_code != 200:
                raise self._refusal(answer)
            yield answer

    def _session(self) -> requests.Session:
        import requests

        # one per process and thread: sessions are not thread-safe and must not cross a fork
        kept = getattr(self._local, "session", None)
        if kept is None or kept[0] != os.getpid():
            session = requests.Session()
            session.auth = _credentials()
            if not self.keep_alive:
                session.headers["Connection"] = "close"
            kept = (os.getpid(), session)
            self._local.session = kept
        return kept[1]

    def _read(self, answer: requests.Response, deadline: float) -> bytes:
        parts: list[bytes] = []
        size = 0
        with self._translated():
            for part in answer.iter_content(CHUNK_BYTES):
                parts.append(part)
                size += len(part)
                if size > MAX_ANSWER_BYTES:
                    raise MLflowError(f"{self._server} sent an answer that is too large.", permanent=True)
                if time.monotonic() > deadline:
                    raise MLflowError(f"{self._server} answered too slowly.", permanent=False, ambiguous=True)
        return b"".join(parts)

    def _refusal(self, answer: requests.Response) -> MLflowError:
        status = answer.status_code
        raw = self._read(answer, time.monotonic() + self.timeout)
        code, reason = _explanation(raw)
        if 300 <= status < 400:
            reason = "it redirects elsewhere; set the tracking URI to the final address"
        elif status in {401, 403}:
            reason = "the credentials are missing or not sufficient (MLFLOW_TRACKING_USERNAME/PASSWORD/TOKEN)"
        repeatable = status in REPEATABLE_STATUS
        return MLflowError(
            f"MLflow at {self._server} refused the request ({status}): {reason or 'no reason given'}",
            permanent=not repeatable,
            code=code,
            ambiguous=repeatable and status not in NOT_DONE_STATUS,
        )

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Turn what `requests` raises into `MLflowError`, without the URL (it may hold a password)."""
        import requests
        from urllib3.exceptions import HTTPError

        try:
            yield
        except (requests.exceptions.SSLError, requests.exceptions.InvalidURL) as error:
            raise MLflowError(
                f"MLflow at {self._server} cannot be reached safely: {type(error).__name__}.", permanent=True
            ) from None
        except (requests.exceptions.RequestException, HTTPError) as error:
            sent = not _never_sent(error)
            what = "did not answer in time" if isinstance(error, requests.Timeout) else "cannot be reached"
            raise MLflowError(f"MLflow at {self._server} {what}.", permanent=False, ambiguous=sent) from None


def _encoded(body: Json) -> bytes:
    try:
        return json.dumps(body, allow_nan=False).encode()
    except ValueError as error:
        raise MLflowError(f"The request cannot be written as JSON: {error}.", permanent=True) from None


def _explanation(raw: bytes) -> tuple[str, str]:
    try:
        said = json.loads(raw)
        # the first line only: MLflow appends SQL statements with their parameters
        return str(said["error_code"]), str(said.get("message", "")).partition("\n")[0][:500]
    except (ValueError, KeyError, TypeError):
        return "", ""


def _never_sent(error: Exception) -> bool:
    import requests
    from urllib3.exceptions import NewConnectionError

    if isinstance(error, requests.exceptions.ConnectTimeout):
        return True
    cause = error.args[0] if error.args else None
    return isinstance(getattr(cause, "reason", None), NewConnectionError)


def _credentials() -> Any:
    if token := os.environ.get("MLFLOW_TRACKING_TOKEN"):
        return _Bearer(token)
    user = os.environ.get("MLFLOW_TRACKING_USERNAME")
    password = os.environ.get("MLFLOW_TRACKING_PASSWORD")
    return (user, password) if user and password else None


class _Bearer:
    """As an `auth` object, because `requests` lets a `.netrc` entry override a plain header."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request
