"""Running Git: one environment for all commands, time limits, and errors that say whether a retry helps."""

from __future__ import annotations

import os
import re
import subprocess
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from integrations import process_group
from integrations.errors import IntegrationError

LOCAL_SECONDS = 60.0
NETWORK_SECONDS = 900.0
GRACE_SECONDS = 5.0
ALLOWED_PROTOCOLS = ("file", "https", "ssh", "git")
CONFIG_FILE = Path(__file__).with_name("git.config")
# What a connection to another host may need from the surroundings; nothing else is handed on.
PASSED_ON = (
    "PATH",
    "HOME",
    "SSH_AUTH_SOCK",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    *(name for word in ("http_proxy", "https_proxy", "no_proxy") for name in (word, word.upper())),
)
# Answers of Git after which the same command cannot succeed.
PERMANENT_SIGNS = (
    "does not appear to be a git repository",
    "repository not found",
    "not allowed",
    "authentication failed",
    "terminal prompts disabled",
    "permission denied",
    "host key verification failed",
)


class GitError(IntegrationError):
    """A Git command failed. ``output`` holds its last lines."""

    def __init__(self, message: str, *, permanent: bool, output: str = "") -> None:
        super().__init__(message, permanent=permanent)
        self.output = output


def git_environment(
    protocols: Iterable[str] = ALLOWED_PROTOCOLS, extra: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Return the whole environment for a Git command.

    No configuration of user or system, no hooks, no prompt, no large-file download, no transport but those
    named in ``protocols``. ``extra`` is added last, for example ``GIT_SSH_COMMAND`` or ``GIT_ASKPASS``.
    """
    return {
        "PATH": os.defpath,
        **{name: os.environ[name] for name in PASSED_ON if name in os.environ},
        "LC_ALL": "C.UTF-8",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": str(CONFIG_FILE),
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_SSH_COMMAND": "ssh -o BatchMode=yes -o ConnectTimeout=20",
        "GIT_ALLOW_PROTOCOL": ":".join(protocols),
        "GIT_PROTOCOL_FROM_USER": "0",
        "GIT_LFS_SKIP_SMUDGE": "1",
        "GIT_LITERAL_PATHSPECS": "1",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_OPTIONAL_LOCKS": "0",
        **(extra or {}),
    }


def run_local(
    arguments: Sequence[str],
    *,
    env: Mapping[str, str],
    cwd: Path | None = None,
    stdin: bytes = b"",
    time_limit: float = LOCAL_SECONDS,
) -> bytes:
    """Run a short Git command on local data and return its standard output; :class:`GitError` if it fails."""
    try:
        done = subprocess.run(
            ["git", *arguments],
            cwd=cwd,
            env=dict(env),
            input=stdin,
            capture_output=True,
            timeout=time_limit,
            check=False,
        )
    except FileNotFoundError as error:
        raise GitError(f"Git cannot be started: {error}", permanent=True) from None
    except subprocess.TimeoutExpired:
        message = f"git {_verb(arguments)} took longer than {time_limit:g} s."
        raise GitError(message, permanent=False) from None
    if done.returncode != 0:
        raise _failure(arguments, done.stderr.decode("utf-8", errors="replace"))
    return done.stdout


def run_long(
    arguments: Sequence[str],
    *,
    env: Mapping[str, str],
    cwd: Path,
    time_limit: float = NETWORK_SECONDS,
    should_stop: Callable[[], bool] = lambda: False,
) -> list[str]:
    """Run a Git command that may take long or starts helpers, leaving no process; return its last lines."""
    lines: deque[str] = deque(maxlen=1000)
    finished = process_group.run(
        ["git", *arguments],
        cwd=cwd,
        env=env,
        on_line=lines.append,
        should_stop=should_stop,
        time_limit=time_limit,
        grace=GRACE_SECONDS,
    )
    if finished.cancelled:
        raise GitError(f"git {_verb(arguments)} was cancelled.", permanent=False)
    if finished.timed_out:
        raise GitError(f"git {_verb(arguments)} took longer than {time_limit:g} s.", permanent=False)
    if finished.returncode != 0:
        raise _failure(arguments, "\n".join(list(lines)[-20:]))
    return list(lines)


def without_password(text: str) -> str:
    """Return the text with user names and passwords in URLs hidden."""
    return re.sub(r"(\w+://)[^\s/@]+@", r"\1***@", text)


def _failure(arguments: Sequence[str], output: str) -> GitError:
    output = without_password(output.strip())[-4000:]
    last = output.splitlines()[-1] if output else "no message"
    lowered = output.lower()
    permanent = any(sign in lowered for sign in PERMANENT_SIGNS)
    return GitError(f"git {_verb(arguments)} failed: {last}", permanent=permanent, output=output)


def _verb(arguments: Sequence[str]) -> str:
    return next((word for word in arguments if not word.startswith("-")), "")
