"""Static inspection of all files of a model, in a process with limits and without credentials."""

from __future__ import annotations

import json
import sys
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from integrations import model_inspector, process_group
from integrations.memory_watch import MemoryWatch
from integrations.model_file import PT2, SAFETENSORS
from integrations.model_packaging import packager_environment
from integrations.pickle_scan import scanner

TIME_LIMIT_SECONDS = 600
MEMORY_LIMIT_BYTES = 4 * 1024**3
GRACE_SECONDS = 2.0  # a process that only reads has nothing to bring to an end
TOO_MUCH_MEMORY = "The inspection needs more memory than it may take."
NOT_REACHED = "not looked through: the inspection ended before"


@dataclass(frozen=True)
class Inspection:
    """What the files of a model are.

    :ivar scanner: name and version of what looked into the pickles
    :ivar error: why not every file was looked through, one English sentence; empty if all were
    :ivar files: one mapping for each file, see `ModelFile.to_dict`, with its `path`
    :ivar signature: what MLmodel says, else the model's own file: `inputs` and `outputs`
    """

    scanner: str
    error: str
    files: tuple[Mapping[str, Any], ...]
    signature: Mapping[str, Any] | None = None

    @property
    def clean(self) -> bool:
        """Whether everything was looked through, and nothing was found."""
        return bool(self.files) and not self.error and not any(one["suspicions"] for one in self.files)

    @property
    def num_params(self) -> int | None:
        """Count of the parameters that the model's own files tell; None if none does."""
        for kind in (PT2, SAFETENSORS):
            counts = [one.get("num_params") for one in self.files if one["kind"] == kind]
            if counts:
                return sum(count or 0 for count in counts)
        return None

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {
            "scanner": self.scanner,
            "clean": self.clean,
            "error": self.error,
            "files": [dict(one) for one in self.files],
            "num_params": self.num_params,
            "signature": dict(self.signature) if self.signature else None,
        }


def inspect_files(
    folder: Path,
    paths: Sequence[str],
    scratch: Path,
    *,
    env: Mapping[str, str],
    should_stop: Callable[[], bool] = lambda: False,
    time_limit: float = TIME_LIMIT_SECONDS,
    memory_limit: int = MEMORY_LIMIT_BYTES,
) -> Inspection:
    """Look through the files `paths` below `folder`; never raises for what is in them.

    :param scratch: folder for the request, the answer and what is unpacked; must exist
    :param env: environment to choose from, see `integrations.model_packaging.PASSED_ON`
    :param should_stop: asked at least once a second; True ends it, and the result says so
    :param time_limit: seconds for all files together
    :param memory_limit: bytes of address space
    """
    request, answer = scratch / "inspection-request.json", scratch / "inspection-answer.jsonl"
    asked = {
        "folder": str(folder),
        "files": list(paths),
        "answer": str(answer),
        "memory": memory_limit,
        "seconds": int(time_limit) + 1,
    }
    request.write_text(json.dumps(asked), encoding="utf-8")
    answer.write_text("", encoding="utf-8")
    lines: deque[str] = deque(maxlen=5)
    environment = packager_environment(env, scratch) | {"OPENBLAS_NUM_THREADS": "1"}
    watch = MemoryWatch(memory_limit)
    ended = process_group.run(
        [sys.executable, "-I", model_inspector.__file__, str(request)],
        cwd=scratch,
        env=environment,
        on_line=lines.append,
        on_start=watch.begin,
        should_stop=lambda: should_stop() or watch.is_full(),
        time_limit=time_limit,
        grace=GRACE_SECONDS,
    )
    error = TOO_MUCH_MEMORY if watch.was_full else _error(ended, lines, time_limit)
    return _result(paths, answer, error)


def not_inspected(paths: Sequence[str], sizes: Sequence[int], error: str) -> Inspection:
    """Return the result for files that cannot be looked through at all, with the reason."""
    files = [_missing(path, size) for path, size in zip(paths, sizes, strict=True)]
    return Inspection(scanner(), error, tuple(files))


def _error(ended: process_group.Finished, lines: deque[str], time_limit: float) -> str:
    if ended.cancelled:
        return "The inspection was stopped."
    if ended.timed_out:
        return f"The inspection took longer than {time_limit:.0f} s."
    if ended.returncode:
        last = lines[-1][:300] if lines else "no message"
        return f"The inspection failed (exit status {ended.returncode}): {last}"
    return ""


def _result(paths: Sequence[str], answer: Path, error: str) -> Inspection:
    found: dict[str, dict[str, Any]] = {}
    end: dict[str, Any] = {}
    for line in answer.read_text(encoding="utf-8").splitlines():
        try:
            told = json.loads(line)
        except ValueError:  # cut off in the middle of a line
            break
        if "path" in told:
            found[told["path"]] = told
        else:
            end = told
    if not end and not error:
        error = "The inspection ended without a result."
    files = tuple(found.get(path) or _missing(path, 0) for path in paths)
    return Inspection(end.get("scanner") or scanner(), error, files, end.get("signature") or _told_by(files))


def _told_by(files: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """Return inputs and outputs as the first file says that knows them."""
    for one in files:
        if one.get("inputs") or one.get("outputs"):
            return {"inputs": one["inputs"], "outputs": one["outputs"]}
    return None


def _missing(path: str, size: int) -> dict[str, Any]:
    return {"path": path, "kind": "unknown", "size": size, "suspicions": [NOT_REACHED]}
