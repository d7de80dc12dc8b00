"""Smoke test of a model: load it in a process without credentials, and run its input example.

Nothing is unpickled: a model that could run code when it is loaded fails before any process starts, by the
same rule as in `integrations.model_loading`.
"""

from __future__ import annotations

import json
import sys
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from integrations import model_smoke_program, process_group
from integrations.errors import IntegrationError
from integrations.model_files import inspect
from integrations.model_loading import PT2_FILE, reasons_to_refuse
from integrations.model_packaging import packager_environment

TIME_LIMIT_SECONDS = 180.0
# for Python, torch and MLflow; the model needs room for its file and its tensors besides
MEMORY_BYTES = 4 * 1024**3
_KILLED = -9


@dataclass(frozen=True)
class SmokeTest:
    """What became of it.

    :ivar reason: one English sentence
    :ivar inputs: type and shape of what the model was given, such as ``float32[2, 1, 16, 24]``
    :ivar outputs: the same of what it gave
    :ivar load_seconds: time that loading took, `run_seconds`: running; 0 where it came to nothing
    """

    passed: bool
    reason: str
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    load_seconds: float = 0.0
    run_seconds: float = 0.0


def run(
    folder: Path,
    work: Path,
    *,
    env: Mapping[str, str],
    should_stop: Callable[[], bool] = lambda: False,
    on_line: Callable[[str], None] = lambda line: None,
    marker: str = "",
    time_limit: float = TIME_LIMIT_SECONDS,
    memory_bytes: int = MEMORY_BYTES,
) -> SmokeTest | None:
    """Test the model in `folder`, a private copy that nobody else writes to.

    Parameters
    ----------
    work:
        Folder for the process; request and answer are left in it.
    env:
        Environment to choose from; only the names in `model_packaging.PASSED_ON` are handed over.
    should_stop, on_line, marker:
        As in `process_group.run`; `on_line` gets the output of the process.
    time_limit:
        Seconds.
    memory_bytes:
        Limit of the process, without the model's own files, which are added three times.

    Returns `None` if `should_stop` ended it. Raises a temporary `IntegrationError` if the process cannot be
    started; whatever is wrong with the model is a result.
    """
    refusal = _refusal(folder)
    if refusal:
        return SmokeTest(False, refusal)
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    request = {
        "folder": str(folder),
        "answer": str(work / "answer.json"),
        "dtypes": [spec.dtype for spec in inspect(folder / PT2_FILE).inputs],
        "memory_bytes": memory_bytes + 3 * size,
    }
    (work / "request.json").write_text(json.dumps(request))
    last: deque[str] = deque(maxlen=1)

    def keep(line: str) -> None:
        last.append(line)
        on_line(line)

    # -I: neither the environment nor the working directory decides what is imported
    ended = process_group.run(
        [sys.executable, "-I", model_smoke_program.__file__, str(work / "request.json")],
        cwd=work,
        env=packager_environment(env, work),
        on_line=keep,
        should_stop=should_stop,
        marker=marker,
        time_limit=time_limit,
    )
    if ended.cancelled:
        return None
    if ended.timed_out:
        return SmokeTest(False, f"The model did not answer within {time_limit:.0f} seconds.")
    if ended.returncode:
        return SmokeTest(False, _death(ended.returncode, last))
    return _result(json.loads((work / "answer.json").read_text()))


def _refusal(folder: Path) -> str:
    try:
        reasons = reasons_to_refuse(folder)
    except IntegrationError as error:
        return error.message
    if not reasons:
        return ""
    return f"The model is not loaded, because that could run code: {'; '.join(reasons)}."


def _death(returncode: int, last: deque[str]) -> str:
    if returncode == _KILLED:
        return "The process that ran the model was killed; it probably needed too much memory."
    return f"The process that ran the model ended with status {returncode}: {''.join(last) or 'no output'}"


def _result(answer: Mapping[str, Any]) -> SmokeTest:
    problem = answer.get("problem")
    if problem == "memory":
        return SmokeTest(False, "The model needs more memory than a smoke test may take.")
    if problem == "error":
        return SmokeTest(False, f"The model cannot be run: {answer['text']}")
    if problem == "example":
        reason = "The model was loaded, but it has no input example that could be run."
        return SmokeTest(False, reason, load_seconds=answer["load_seconds"])
    reason = "The model loads and runs its input example."
    if not answer["outputs"]:
        reason = "The model gives no tensor for its input example."
    elif answer["nan"]:
        reason = "The model gives NaN for its input example."
    return SmokeTest(
        bool(answer["outputs"]) and not answer["nan"],
        reason,
        tuple(answer["inputs"]),
        tuple(answer["outputs"]),
        answer["load_seconds"],
        answer["run_seconds"],
    )
