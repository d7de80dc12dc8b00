"""`MLflowServer`: all that the product asks of an MLflow server, with typed records and short limits."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from integrations.artifact_stores import ArtifactStore, joined, open_store, safe_path
from integrations.errors import IntegrationError
from integrations.mlflow_http import MLflowHTTP
from integrations.mlflow_registering import VersionWriter
from integrations.mlflow_writing import RunWriter

MAX_UPLOAD_FILES = 10_000


class MLflowServer(RunWriter, VersionWriter):
    """An MLflow tracking server and its model registry.

    Parameters
    ----------
    tracking_uri:
        `http(s)` address; a file store or database address is a permanent `IntegrationError`.
    timeout:
        Seconds a single call may take, its retries included. Uploads get more, by size.
    retries:
        How often a call that is harmless to repeat is repeated within that time.
    keep_alive:
        See `MLflowHTTP`.
    local_artifact_roots:
        Folders below which artifacts that are not behind the proxy may be read and written.

    Every method raises `IntegrationError`; `permanent` says whether trying again later can help.
    Importing this module imports neither mlflow nor requests.
    """

    def __init__(
        self,
        tracking_uri: str,
        *,
        timeout: float = 5.0,
        retries: int = 3,
        keep_alive: bool = True,
        local_artifact_roots: Sequence[Path] = (),
    ) -> None:
        self.http = MLflowHTTP(tracking_uri, timeout=timeout, retries=retries, keep_alive=keep_alive)
        self._local_roots = tuple(local_artifact_roots)

    def store(self, uri: str) -> ArtifactStore:
        """The store below an artifact root: `mlflow-artifacts:`, `s3:`, `file:` or an absolute path."""
        return open_store(uri, self.http, local_roots=self._local_roots)

    def log_artifacts(self, run_id: str, directory: Path, path: str = "") -> int:
        """Upload all files below `directory` to `path` in the run's artifacts; return their number.

        Repeating it overwrites the same names, so the result is the same. Files that a different
        earlier upload left at `path` stay. Links and special files are refused before anything is
        sent: the folder may come from code that we do not trust, and a link could name any file of
        this machine.
        """
        files = tuple(_regular_files(directory))
        names = [joined(path, file.relative_to(directory).as_posix()) for file in files]
        store = self.store(self.run(run_id).artifact_uri)
        for file, name in zip(files, names, strict=True):
            store.put(name, file)
        return len(files)

    def log_artifact(self, run_id: str, file: Path, path: str = "") -> None:
        """Upload one file into the folder `path` of the run's artifacts."""
        _check_regular(file)
        self.store(self.run(run_id).artifact_uri).put(joined(path, safe_path(file.name)), file)


def _regular_files(directory: Path) -> Iterator[Path]:
    count = 0
    for folder, folders, names in os.walk(directory):
        folders.sort()
        for linked in (name for name in folders if (Path(folder) / name).is_symlink()):
            _check_regular(Path(folder) / linked)
        for name in sorted(names):
            _check_regular(Path(folder) / name)
            yield Path(folder) / name
        count += len(names)
        if count > MAX_UPLOAD_FILES:
            raise IntegrationError(f"More than {MAX_UPLOAD_FILES} files in one upload.", permanent=True)


def _check_regular(file: Path) -> None:
    if file.is_symlink() or not file.is_file():
        raise IntegrationError(f"{file.name!r} is not a regular file and is not uploaded.", permanent=True)
