"""Turns a checked `pt2` archive into an MLflow model folder. A program of its own, for one purpose:

    python -I model_packager.py request.json

`integrations.model_packaging` starts it with a minimal environment, because loading a model, even a
checked one, is not for a process that holds credentials. It imports nothing of the product. The
answer is written to the file that the request names; the exit status is 0 only if the folder loads
and predicts with unpickling switched off.

The archive stays byte for byte what it was. Loading and exporting it again would lose dynamic sizes that the
example does not show, and the file would no longer have the hash that `dvc.lock` records.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

MODEL_DATA = "data"
MODEL_FILE = f"{MODEL_DATA}/model.pt2"
EXAMPLE_FILE = "input_example.npy"


def main(request_path: str) -> None:
    """Complete the folder, in which the archive and the example lie, and answer with its signature."""
    request = json.loads(Path(request_path).read_text())
    folder = Path(request["folder"])
    example = _example(request, folder)
    signature = _signature(request)
    _describe(folder, request, signature)
    _prove(folder, example, request)
    answer = {"signature": signature.to_dict() if signature else None}
    Path(request["answer"]).write_text(json.dumps(answer))


def _example(request: dict[str, Any], folder: Path) -> Any:
    import numpy as np

    if not request["example"]:
        return None
    example = np.load(folder / EXAMPLE_FILE, allow_pickle=False)
    (spec,) = request["inputs"]
    fits = len(spec["shape"]) == example.ndim and all(
        expected in (None, actual) for expected, actual in zip(spec["shape"], example.shape, strict=True)
    )
    if not fits or example.dtype.name != spec["dtype"]:
        sys.exit(
            f"the input example is {example.dtype.name}{list(example.shape)}, "
            f"but the model takes {spec['dtype']}{spec['shape']} (null: any size)"
        )
    return example


def _signature(request: dict[str, Any]) -> Any:
    from mlflow.models import ModelSignature

    inputs, outputs = _schema(request["inputs"]), _schema(request["outputs"])
    return ModelSignature(inputs=inputs, outputs=outputs) if inputs else None


def _schema(specs: list[dict[str, Any]]) -> Any:
    import numpy as np
    from mlflow.types import Schema, TensorSpec

    try:
        dtypes = [np.dtype(spec["dtype"]) for spec in specs]
    except TypeError:
        # bfloat16 and other types that numpy lacks
        return None
    shapes = [tuple(-1 if side is None else side for side in spec["shape"]) for spec in specs]
    # MLflow passes a single unnamed tensor to the model as it is
    names = [None] if len(specs) == 1 else [spec["name"] for spec in specs]
    rows = zip(dtypes, shapes, names, strict=True)
    return Schema([TensorSpec(dtype, shape, name) for dtype, shape, name in rows]) if specs else None


def _describe(folder: Path, request: dict[str, Any], signature: Any) -> None:
    import mlflow.pyfunc
    import mlflow.pytorch
    import numpy as np
    import torch
    import yaml
    from mlflow.models import Model

    model = Model(
        artifact_path=request["artifact_path"],
        run_id=request["run_id"],
        utc_time_created=request["created_at"],
        model_uuid=request["uuid"],
        signature=signature,
    )
    model.add_flavor("pytorch", model_data=MODEL_DATA, pytorch_version=str(torch.__version__), code=None)
    if len(request["inputs"]) == len(request["outputs"]) == 1:
        mlflow.pyfunc.add_to_model(
            model,
            loader_module="mlflow.pytorch",
            data=MODEL_DATA,
            conda_env="conda.yaml",
            python_env="python_env.yaml",
            model_config={"device": None},
        )
    model.model_size_bytes = (folder / MODEL_FILE).stat().st_size
    model.save(str(folder / "MLmodel"))

    requirements = sorted({*mlflow.pytorch.get_default_pip_requirements(), f"numpy=={np.__version__}"})
    requirements = [f"mlflow=={mlflow.__version__}", *requirements]
    python = ".".join(str(part) for part in sys.version_info[:3])
    conda = {
        "name": "mlflow-env",
        "channels": ["conda-forge"],
        "dependencies": [f"python={python}", "pip", {"pip": requirements}],
    }
    python_env = {"python": python, "build_dependencies": [], "dependencies": ["-r requirements.txt"]}
    (folder / "requirements.txt").write_text("\n".join(requirements) + "\n")
    (folder / "conda.yaml").write_text(yaml.safe_dump(conda, sort_keys=False))
    (folder / "python_env.yaml").write_text(yaml.safe_dump(python_env, sort_keys=False))


def _prove(folder: Path, example: Any, request: dict[str, Any]) -> None:
    """Load the folder as a user would, and predict the example in both of MLflow's ways."""
    import mlflow.pyfunc
    import mlflow.pytorch
    import numpy as np
    import torch

    loaded = mlflow.pytorch.load_model(str(folder))
    if example is None:
        return
    with torch.no_grad():
        direct = loaded(torch.from_numpy(example))
    if len(request["outputs"]) == 1:
        predicted = mlflow.pyfunc.load_model(str(folder)).predict(example)
        if not np.allclose(predicted, direct.numpy(), equal_nan=True):
            sys.exit("the packaged model predicts the example differently")


if __name__ == "__main__":
    main(sys.argv[1])
