"""Becomes the embedded MLflow server: `python -m config.stack.mlflow`."""

import os

from config import settings
from config.stack.services import mlflow_command, mlflow_environment


def main() -> None:
    """Replace this process by `mlflow server`."""
    folder = settings.DATA_DIR / "mlflow"
    (folder / "artifacts").mkdir(parents=True, exist_ok=True)
    command = mlflow_command(folder, settings.MLFLOW_PORT)
    os.execve(command[0], command, mlflow_environment())  # noqa: S606 - no shell on purpose


if __name__ == "__main__":
    main()
