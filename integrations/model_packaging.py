"""Packaging a `pt2` archive as an MLflow model, in a process without credentials."""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
import tempfile
from collections import deque
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from integrations import model_packager, process_group
from integrations.errors import IntegrationError
from integrations.model_files import PT2, ModelFile, inspect

TIME_LIMIT_SECONDS = 300.0
# nothing else of the caller's environment reaches the process: no credentials, no addresses
PASSED_ON = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "OMP_NUM_THREADS", "CUDA_VISIBLE_DEVICES")


@dataclass(frozen=True)
class PackagedModel:
    """An MLflow model folder, ready to be uploaded.

    `signature` is MLflow's signature as JSON, empty when MLflow cannot express it (bfloat16).
    """

    path: Path
    signature: str
    num_params: int | None


def package_pt2(
    model_pt2: Path,
    input_example_npy: Path | None,
    destination: Path,
    *,
    env: Mapping[str, str],
    run_id: str | None = None,
    artifact_path: str = "model",
    created_at: datetime | None = None,
    time_limit: float = TIME_LIMIT_SECONDS,
) -> PackagedModel:
    """Build the folder `destination` from the archive that a training stage wrote.

    Parameters
    ----------
    model_pt2:
        Output of `torch.export.save`. It is inspected first; an archive that could run code is a
        permanent error and never loaded.
    input_example_npy:
        One input as `numpy.save` wrote it, or `None`. With it the folder is proved to predict.
    destination:
        Must not exist; it appears only when complete.
    env:
        Environment to choose from; only the names in `PASSED_ON` are handed over.
    run_id, artifact_path:
        Written into `MLmodel`, where MLflow looks for the run that a model came from.
    created_at:
        Written into `MLmodel`. With it the folder depends on the arguments and installed versions
        alone (the model's UUID is derived from its content), so a retry uploads the same bytes.

    Raises `IntegrationError`: permanent, except when the process was killed or ran out of time.
    """
    if destination.exists():
        raise IntegrationError(f"{destination.name!r} exists already.", permanent=True)
    destination.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".packaging-", dir=destination.parent) as scratch:
        work = Path(scratch)
        folder = work / "model"
        # checked after copying: what is loaded is what was looked at
        model = _copied(model_pt2, folder / model_packager.MODEL_FILE)
        example = (
            _copied(input_example_npy, folder / model_packager.EXAMPLE_FILE) if input_example_npy else None
        )
        about = _checked(model, example)
        request = {
            "folder": str(folder),
            "example": example is not None,
            "answer": str(work / "answer.json"),
            "inputs": [asdict(spec) for spec in about.inputs],
            "outputs": [asdict(spec) for spec in about.outputs],
            "run_id": run_id,
            "artifact_path": artifact_path,
            "created_at": str((created_at or datetime.now(UTC)).astimezone(UTC).replace(tzinfo=None)),
            "uuid": _uuid(model, example),
        }
        answer = _packaged(work, request, env, time_limit)
        folder.rename(destination)
    signature = answer["signature"]
    return PackagedModel(destination, json.dumps(signature) if signature else "", about.num_params)


def packager_environment(env: Mapping[str, str], home: Path) -> dict[str, str]:
    """The whole environment of the packaging process."""
    chosen = {name: env[name] for name in PASSED_ON if name in env}
    fixed = {
        "HOME": str(home),
        "TMPDIR": str(home),
        "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "DO_NOT_TRACK": "true",
        # loading reads a folder; should MLflow want a store all the same, it stays in the scratch folder
        "MLFLOW_TRACKING_URI": f"sqlite:///{home / 'unused.db'}",
    }
    return {"OMP_NUM_THREADS": "1", **chosen, **fixed}


def _copied(source: Path, target: Path) -> Path:
    if source.is_symlink() or not source.is_file():
        raise IntegrationError(f"There is no file {source.name!r}.", permanent=True)
    target.parent.mkdir(parents=True, exist_ok=True)
    return Path(shutil.copyfile(source, target))


def _checked(model_pt2: Path, example: Path | None) -> ModelFile:
    about = inspect(model_pt2)
    if about.kind != PT2:
        raise IntegrationError(
            f"{model_pt2.name!r} is not a pt2 archive but {about.kind}; write it with torch.export.save.",
            permanent=True,
        )
    if about.suspicions:
        raise IntegrationError(
            f"{model_pt2.name!r} could run code when it is loaded: {'; '.join(about.suspicions)}.",
            permanent=True,
        )
    if example is not None and len(about.inputs) != 1:
        raise IntegrationError(
            f"The model takes {len(about.inputs)} inputs; an input example needs exactly one.", permanent=True
        )
    return about


def _packaged(
    work: Path, request: Mapping[str, Any], env: Mapping[str, str], time_limit: float
) -> dict[str, Any]:
    (work / "request.json").write_text(json.dumps(request))
    lines: deque[str] = deque(maxlen=15)
    # -I: neither the environment nor the working directory decides what is imported
    command = [sys.executable, "-I", model_packager.__file__, str(work / "request.json")]
    ended = process_group.run(
        command,
        cwd=work,
        env=packager_environment(env, work),
        on_line=lines.append,
        time_limit=time_limit,
    )
    if ended.returncode == 0 and not ended.timed_out:
        answer: dict[str, Any] = json.loads((work / "answer.json").read_text())
        return answer
    if ended.timed_out:
        raise IntegrationError(f"Packaging took longer than {time_limit:.0f} s.", permanent=False)
    raise IntegrationError(
        f"The model cannot be packaged (exit status {ended.returncode}): " + "\n".join(lines),
        permanent=ended.returncode > 0,
    )


def _uuid(*files: Path | None) -> str:
    digest = hashlib.sha256()
    for file in files:
        if file is not None:
            with file.open("rb") as stream:
                digest.update(hashlib.file_digest(stream, "sha256").digest())
    return digest.hexdigest()[:32]
