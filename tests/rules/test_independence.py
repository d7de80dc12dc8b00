"""Rules can be used without Django, its settings, or the tools that the web process must not load."""

import subprocess
import sys
from pathlib import Path

import pytest

RULES = [
    "registry.semver",
    "registry.metadata",
    "registry.bump",
    "registry.stages",
    "experiments.job_states",
    "experiments.parameters",
]


@pytest.mark.parametrize("module", RULES)
def test_a_rule_module_is_imported_alone(module: str) -> None:
    script = f"import sys, {module}; print(*{{name.partition('.')[0] for name in sys.modules}})"
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=root, env={}
    )

    assert not {"django", "mlflow", "dvc", "torch", "celery"} & set(done.stdout.split())
