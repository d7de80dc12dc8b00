"""Looks through the files of a model. A program of its own, for one purpose:

    python -I model_inspector.py request.json

`integrations.model_inspection` starts it with a minimal environment and limits of time and memory, because
what it reads was made by strangers, to be large or endless if they want. Each line of its answer is about one
file, so that what was found before it was stopped is not lost.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from pathlib import Path
from typing import IO, Any

MAX_MLMODEL_BYTES = 1024 * 1024
MAX_TENSORS = 1000


def main(request_path: str) -> None:
    """Inspect every file below the folder of the request and write the answer."""
    # `-I` keeps the product out of the search path.
    sys.path.append(str(Path(__file__).resolve().parents[1]))
    request = json.loads(Path(request_path).read_text(encoding="utf-8"))
    _limit(request["memory"], request["seconds"])
    folder = Path(request["folder"])
    with Path(request["answer"]).open("w", encoding="utf-8") as answer:
        for path in request["files"]:
            _write(answer, {"path": path, **_file(folder / path)})
        _write(answer, {"signature": _signature(folder / "MLmodel"), "scanner": _scanner()})


def _limit(memory: int, seconds: int) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # What is unpacked on the way is in files without names; nothing else is written.
    os.umask(0o077)


def _file(path: Path) -> dict[str, Any]:
    from integrations.errors import IntegrationError
    from integrations.model_files import inspect

    size = 0 if path.is_symlink() else path.stat().st_size
    try:
        return inspect(path).to_dict()
    except IntegrationError as error:
        trouble = error.message
    except MemoryError:
        trouble = "It needs more memory than an inspection may take."
    except RecursionError:
        trouble = "It is nested too deeply."
    return {"kind": "unknown", "size": size, "suspicions": [f"cannot be looked through: {trouble[:300]}"]}


def _signature(path: Path) -> dict[str, Any] | None:
    """Return what the MLmodel file says of inputs and outputs, each as name, type and shape."""
    from integrations.errors import IntegrationError
    from integrations.yaml_text import load_mapping

    if path.is_symlink() or not path.is_file() or path.stat().st_size > MAX_MLMODEL_BYTES:
        return None
    try:
        told = load_mapping(path.read_bytes(), "MLmodel", max_bytes=MAX_MLMODEL_BYTES).get("signature")
        if not isinstance(told, dict):
            return None
        found = {side: _columns(told.get(side)) for side in ("inputs", "outputs")}
    except (IntegrationError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
    return found if any(found.values()) else None


def _columns(text: Any) -> list[dict[str, Any]]:
    """Return the columns or tensors of one side (https://mlflow.org/docs/latest/ml/model/signatures)."""
    return [] if text is None else [_column(entry) for entry in json.loads(text)[:MAX_TENSORS]]


def _column(entry: dict[str, Any]) -> dict[str, Any]:
    name = str(entry.get("name") or "")[:200]
    if entry["type"] == "tensor":
        spec = entry["tensor-spec"]
        shape = [None if int(side) < 0 else int(side) for side in spec["shape"]]
        return {"name": name, "dtype": str(spec["dtype"])[:50], "shape": shape}
    return {"name": name, "dtype": str(entry["type"])[:50], "shape": None}


def _scanner() -> str:
    from integrations.pickle_scan import scanner

    return scanner()


def _write(answer: IO[str], line: dict[str, Any]) -> None:
    answer.write(json.dumps(line) + "\n")
    answer.flush()


if __name__ == "__main__":
    main(sys.argv[1])
