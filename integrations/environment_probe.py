"""What a Python environment is made of. Standard library only, because any interpreter may run it.

Started as a program, ``python environment_probe.py <file>``, by the very interpreter and in the very
environment that the stages of a pipeline get, it writes one JSON object to the file. :func:`read_environment`
reads that back as a typed record. What was looked for and is not there is the word ``none``.
"""

from __future__ import annotations

import json
import os
import platform
import sys
from dataclasses import asdict, dataclass, field, fields
from importlib import metadata
from pathlib import Path

NONE = "none"
MAX_BYTES = 1_000_000


@dataclass(frozen=True)
class Environment:
    """Facts of an interpreter and its machine.

    :ivar python: version of the interpreter
    :ivar torch: version of PyTorch
    :ivar cuda: version of CUDA that PyTorch was built for
    :ivar gpu: name of the first GPU that PyTorch can use
    :ivar gpus: how many it can use
    :ivar cpus: processor cores that the process may use
    :ivar machine: the machine in a few words
    :ivar packages: installed distribution -> version
    """

    python: str
    implementation: str
    torch: str
    cuda: str
    gpu: str
    gpus: int
    system: str
    cpu: str
    cpus: int
    machine: str
    packages: dict[str, str] = field(default_factory=dict)


def measure() -> Environment:
    """Look at the interpreter that runs this."""
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    cpu = _cpu()
    torch, cuda, gpu, gpus = _torch()
    return Environment(
        python=platform.python_version(),
        implementation=platform.python_implementation(),
        torch=torch,
        cuda=cuda,
        gpu=gpu,
        gpus=gpus,
        system=platform.platform(),
        cpu=cpu,
        cpus=cpus,
        machine=f"{platform.system()} {platform.machine()}, {cpus} core{'s' if cpus != 1 else ''}, {cpu}",
        packages=_packages(),
    )


def read_environment(file: Path) -> Environment:
    """Return what :func:`measure` wrote to a file.

    :raises ValueError: the file is something else
    """
    if file.is_symlink() or not file.is_file() or file.stat().st_size > MAX_BYTES:
        raise ValueError("there is no measurement")
    data = json.loads(file.read_text(encoding="utf-8"))
    if not isinstance(data, dict) or data.keys() != {one.name for one in fields(Environment)}:
        raise ValueError("not a measurement of an environment")
    return Environment(**data)


def _torch() -> tuple[str, str, str, int]:
    """Return the versions of PyTorch and its CUDA, the name of the first GPU, and how many there are."""
    try:
        import torch
    except Exception:  # noqa: BLE001 - a broken installation raises anything; then there is none to use
        return NONE, NONE, NONE, 0
    gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    gpu = torch.cuda.get_device_name(0) if gpus else NONE
    return str(torch.__version__), str(torch.version.cuda or NONE), str(gpu), int(gpus)


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return next(filter(None, names), platform.processor() or "unknown processor")


def _packages() -> dict[str, str]:
    found = {}
    for distribution in metadata.distributions():
        name = distribution.metadata["Name"]
        if name:
            found[name.lower().replace("_", "-")] = distribution.version
    return dict(sorted(found.items()))


if __name__ == "__main__":
    sys.path.pop(0)  # this folder: a module of ours must not stand in for one that PyTorch imports
    Path(sys.argv[1]).write_text(json.dumps(asdict(measure())), encoding="utf-8")
