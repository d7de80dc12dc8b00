"""The model that a pipeline made, and the folder that is logged for it."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any

from experiments.pipeline_summary import place
from integrations.dvc_records import Pipeline
from integrations.errors import IntegrationError
from integrations.model_files import PT2, ModelFile, inspect
from integrations.model_packaging import package_pt2
from registry.clone_paths import has_linked_parent, is_inside

PT2_FILE = "model.pt2"
INPUT_EXAMPLE = "input_example.npy"
MODEL_INFO = "model_info.json"
MAX_INFO_BYTES = 1_000_000


@dataclass(frozen=True)
class LoggedModel:
    """A model as it is logged.

    :ivar name: name of the artifact in `dvc.yaml`
    :ivar folder: what is uploaded
    :ivar about: what its file is; None if it is a folder
    :ivar info: what the training wrote about it
    """

    name: str
    folder: Path
    about: ModelFile | None
    info: Mapping[str, Any] = field(default_factory=dict)

    def facts(self) -> dict[str, Any]:
        """Return the description for the metadata: the training's, completed by what the file tells."""
        counted = self.about.num_params if self.about else None
        return {"num_params": counted, **self.info}

    def schemas(self) -> dict[str, str]:
        """Return the schemas of input and output as JSON text: the training's, else what the file tells."""
        told = {
            "input_schema": self.about.inputs if self.about else (),
            "output_schema": self.about.outputs if self.about else (),
        }
        found = {name: self.info.get(name) or [asdict(one) for one in specs] for name, specs in told.items()}
        return {
            name: json.dumps(schema, sort_keys=True, ensure_ascii=False)
            for name, schema in found.items()
            if schema
        }


def model_of(pipeline: Pipeline) -> tuple[str, str] | None:
    """Return name and path of the first artifact of type `model`; None if the pipeline declares none."""
    for name, artifact in pipeline.artifacts.items():
        if artifact.type == "model":
            return name, place(".", artifact.path)
    return None


def file_in(clone: Path, path: str) -> Path:
    """Return where a model lies in a clone.

    :param path: as `dvc.yaml` has it: anything may stand there, and what it names is uploaded
    :raises IntegrationError: permanent if it is not below the clone, is the clone or its Git or DVC folder,
        or is reached through a link
    """
    if not is_inside(path) or PurePosixPath(path).parts[:1] in {(), (".git",), (".dvc",)}:
        raise IntegrationError(f"The model path {path!r} is not inside the repository.", permanent=True)
    found = clone / path
    if has_linked_parent(clone, found):
        raise IntegrationError(f"The model path {path!r} leads through a link.", permanent=True)
    return found


def prepare(name: str, path: Path, folder: Path, *, run_id: str, created_at: datetime) -> LoggedModel:
    """Return the model with a folder to upload: an MLflow model, or what is there if it is no `pt2` archive.

    :param path: the model as the training wrote it: a file, or a folder; a folder may hold `PT2_FILE`. Beside
        the file may lie `INPUT_EXAMPLE` and `MODEL_INFO`
    :param folder: is made
    :param created_at: with it a retry makes the same bytes
    :raises IntegrationError: the file is missing or broken, could run code when it is loaded, or cannot be
        loaded; temporary if the packaging was killed
    """
    if path.is_dir() and not path.is_symlink():
        if not (path / PT2_FILE).is_file():
            return LoggedModel(name, path, None, read_info(path / MODEL_INFO))
        path = path / PT2_FILE
    about = inspect(path)
    if about.kind == PT2:
        example = path.with_name(INPUT_EXAMPLE)
        package_pt2(
            path,
            example if example.is_file() and not example.is_symlink() else None,
            folder,
            env=os.environ,
            run_id=run_id,
            created_at=created_at,
        )
    else:
        folder.mkdir(parents=True)
        shutil.copyfile(path, folder / path.name)
    return LoggedModel(name, folder, about, read_info(path.with_name(MODEL_INFO)))


def read_info(file: Path) -> dict[str, Any]:
    """Return what the training wrote about its model; nothing if it wrote none that can be read."""
    if file.is_symlink() or not file.is_file() or file.stat().st_size > MAX_INFO_BYTES:
        return {}
    try:
        info = json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, RecursionError):
        return {}
    return info if isinstance(info, dict) else {}
