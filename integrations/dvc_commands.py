"""Running the DVC command line: its environment, its limits, its errors. DVC itself is never imported."""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from integrations import process_group
from integrations.errors import IntegrationError
from integrations.git_commands import CONFIG_FILE, without_password

KEPT_LINES = 2_000
SHOWN_LINES = 40
ANSWER_BYTES = 64_000_000
# What a training command may need to find its hardware; nothing else of the caller's environment, in
# particular no secret (a proxy's address may hold one), is handed on unless it is given explicitly.
PASSED_ON = (
    "PATH", "LANG", "LC_ALL", "TZ", "TMPDIR", "LD_LIBRARY_PATH", "SSL_CERT_FILE", "SSL_CERT_DIR",
    "OMP_NUM_THREADS", "MKL_NUM_THREADS", "CUDA_HOME", "CUDA_VISIBLE_DEVICES", "NVIDIA_VISIBLE_DEVICES",
)  # fmt: skip
# Failures of the surroundings, after which the same command may well succeed.
PASSING_SIGNS = ("unable to acquire lock", "is busy, it is being blocked by", "no space left on device")


class DVCError(IntegrationError):
    """A DVC command failed, took too long or was cancelled. ``last_lines`` holds the end of its output."""

    def __init__(
        self,
        message: str,
        *,
        permanent: bool,
        returncode: int | None = None,
        cancelled: bool = False,
        timed_out: bool = False,
        last_lines: tuple[str, ...] = (),
    ) -> None:
        super().__init__(message, permanent=permanent)
        self.returncode = returncode
        self.cancelled = cancelled
        self.timed_out = timed_out
        self.last_lines = last_lines


def dvc_executable() -> str:
    """Return the ``dvc`` beside the running Python, else the one in PATH; without any a permanent error."""
    beside = Path(sys.executable).with_name("dvc")
    found = str(beside) if beside.is_file() else shutil.which("dvc")
    if found is None:
        raise IntegrationError("The program dvc is not installed.", permanent=True)
    return found


def dvc_environment(
    home: Path, site_cache_dir: Path, extra: Mapping[str, str] | None = None, *, isolated: bool = True
) -> dict[str, str]:
    """Return a minimal environment for DVC and the stages that it runs.

    Parameters
    ----------
    home:
        ``HOME``.
    site_cache_dir:
        Where DVC keeps its index and hash cache. It beats what the repository's configuration asks for.
    extra:
        Added last, for example credentials of a remote for a push.
    isolated:
        Ignore DVC's and Git's configuration of user and system. Byte code is not written either: it would
        appear in directories that stages depend on.
    """
    environment = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    programs = str(Path(sys.executable).parent)  # "python" in a stage is the one that DVC runs under
    environment["PATH"] = os.pathsep.join((programs, environment.get("PATH", os.defpath)))
    environment.setdefault("LANG", "C.UTF-8")
    environment |= {
        "HOME": str(home),
        "LOGNAME": os.environ.get("LOGNAME", "stagegate"),  # DVC asks for it where users have no entry
        "DVC_NO_ANALYTICS": "1",
        "DVC_SITE_CACHE_DIR": str(site_cache_dir),
        "GIT_TERMINAL_PROMPT": "0",
        "PYTHONUNBUFFERED": "1",
    }
    if isolated:
        environment |= {
            "DVC_GLOBAL_CONFIG_DIR": str(site_cache_dir / "no-config"),
            "DVC_SYSTEM_CONFIG_DIR": str(site_cache_dir / "no-config"),
            "GIT_CONFIG_GLOBAL": str(CONFIG_FILE),
            "GIT_CONFIG_NOSYSTEM": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
        }
    return environment | dict(extra or {})


@dataclass(frozen=True, slots=True)
class Limits:
    """How commands are run; see :func:`integrations.process_group.run` for the meaning of each.

    ``before`` stands before every command, such as the prefix of an enclosure.
    """

    time_limit: float | None = None
    grace: float = 20.0
    on_line: Callable[[str], None] | None = None
    should_stop: Callable[[], bool] | None = None
    on_start: Callable[[int], None] | None = None
    marker: str = ""
    before: tuple[str, ...] = ()


class DVCCommands:
    """Runs ``dvc`` in one directory with one environment and one set of limits."""

    def __init__(self, path: Path, env: Mapping[str, str], limits: Limits) -> None:
        self.path = path
        self.env = env
        self.limits = limits

    def text(self, *arguments: str, permanent: bool = True) -> str:
        """Run a command and return its output (the last 2,000 lines); :class:`DVCError` if it fails.

        ``permanent`` is what the error says when the command itself failed. Too long, cancelled or blocked by
        another DVC process is never permanent.
        """
        return "\n".join(self._run(arguments, permanent, None))

    def answer(self, *arguments: str, accept_failure: bool = False) -> Any:
        """Run a command that prints JSON and return it parsed; warnings do not get mixed in.

        With ``accept_failure`` an answer counts even if DVC reports that it is incomplete.
        """
        with tempfile.TemporaryDirectory(prefix="stagegate-dvc-") as directory:
            target = Path(directory) / "answer.json"
            try:
                self._run(arguments, True, target)
            except DVCError as error:
                if not accept_failure or error.cancelled or error.timed_out or not target.stat().st_size:
                    raise
            if target.stat().st_size > ANSWER_BYTES:
                raise DVCError(f"dvc {arguments[0]} answered too much.", permanent=True)
            try:
                return json.loads(target.read_text(encoding="utf-8") or "null")
            except ValueError:
                raise DVCError(f"dvc {arguments[0]} did not answer in JSON.", permanent=True) from None

    def _run(self, arguments: Sequence[str], permanent: bool, stdout_to: Path | None) -> list[str]:
        lines: deque[str] = deque(maxlen=KEPT_LINES)

        def take(line: str) -> None:
            lines.append(line)
            if self.limits.on_line is not None:
                self.limits.on_line(line)

        finished = process_group.run(
            [*self.limits.before, dvc_executable(), *arguments],
            cwd=self.path,
            env=self.env,
            on_line=take,
            should_stop=self.limits.should_stop or (lambda: False),
            on_start=self.limits.on_start,
            time_limit=self.limits.time_limit,
            grace=self.limits.grace,
            marker=self.limits.marker,
            stdout_to=stdout_to,
        )
        if finished.cancelled or finished.timed_out or finished.returncode != 0:
            raise self._failure(arguments, finished, list(lines), permanent)
        return list(lines)

    def _failure(
        self, arguments: Sequence[str], finished: process_group.Finished, lines: list[str], permanent: bool
    ) -> DVCError:
        command = f"dvc {arguments[0]}"
        if finished.cancelled:
            message = f"{command} was cancelled."
        elif finished.timed_out:
            message = f"{command} took longer than {self.limits.time_limit:g} s."
        else:
            message = f"{command} failed: {_reason(lines) or f'exit status {finished.returncode}'}"
        output = "\n".join(lines).lower()
        stopped = finished.cancelled or finished.timed_out or finished.returncode < 0
        return DVCError(
            without_password(message),
            permanent=permanent and not stopped and not any(sign in output for sign in PASSING_SIGNS),
            returncode=finished.returncode,
            cancelled=finished.cancelled,
            timed_out=finished.timed_out,
            last_lines=tuple(lines[-SHOWN_LINES:]),
        )


def _reason(lines: Sequence[str]) -> str:
    """Return DVC's last error message, else the last line that says anything.

    A message that ends in a colon goes on in the next line: it names what could not be checked out.
    """
    said = [line.strip() for line in lines if line.strip()]
    errors = [place for place, line in enumerate(said) if line.startswith("ERROR:")]
    if not errors:
        return (said or [""])[-1][:1000]
    last = errors[-1]
    message = said[last].removeprefix("ERROR:").strip()
    rest = said[last + 1 : last + 2] if message.endswith(":") else []
    return " ".join([message, *rest])[:1000]
