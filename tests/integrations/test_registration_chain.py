"""From a pipeline run to a version in Staging: every job of the way, against real Git, DVC and MLflow."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytest_django import Settings

from accounts.roles import Role
from audit import trail
from experiments import launches
from experiments.models import Job
from integrations.mlflow_server import MLflowServer
from registry import promotion
from registry.metadata import ModelMetadata
from registry.models import ModelVersion, Promotion
from tests.integrations.git_workshop import commit
from tests.integrations.small_models import save_pt2
from tests.mlflow_registry import there, work
from tests.people import make_user
from tests.pipeline_project import PIPELINE, TRAIN, connect, make_project
from tests.promotions import set_rules

pytestmark = pytest.mark.django_db(transaction=True)

# The "training" hands out a network that was exported before, so that no torch is loaded for it.
TRAIN_NETWORK = (
    TRAIN
    + """
import shutil
for name in ("model.pt2", "input_example.npy"):
    shutil.copyfile(f"network/{name}", f"models/{name}")
info = {"architecture": "CRNN", "num_params": 321, "config": {"channels": [4]}}
pathlib.Path("models/model_info.json").write_text(json.dumps(info))
"""
)


def work_off() -> list[Job]:
    """Run every queued job, and those that follow, one after the other; return them."""
    done = []
    while job := Job.objects.filter(state="queued").order_by("pk").first():
        done.append(work(job))
        assert done[-1].state == "succeeded", done[-1].error
    return done


def test_a_pipeline_run_becomes_a_version_and_goes_to_staging(
    tmp_path: Path, settings: Settings, mlflow_url: str, server: MLflowServer, unique: str
) -> None:
    settings.DATA_DIR, settings.MLFLOW_TRACKING_URI = tmp_path / "data", mlflow_url
    pipeline = PIPELINE.replace("models/weights.txt", "models/model.pt2")
    changed = {"train.py": TRAIN_NETWORK, "dvc.yaml": pipeline}
    upstream = make_project(tmp_path / "letters", tmp_path / "remote", **changed)
    (upstream / "network").mkdir()
    save_pt2(upstream / "network")
    commit(upstream, {}, "Add an exported network")
    repository = connect(upstream)
    engineer, reviewer = make_user(Role.ENGINEER), make_user(Role.REVIEWER)

    launches.launch(
        repository,
        ref="main",
        overrides={"train.epochs": 3},
        user=engineer,
        register_as={"model": unique, "version": "1.1.0-rc1"},
    )
    done = {job.kind: job for job in work_off()}
    # The result is a new commit, which is indexed beside all that.
    assert done.keys() == {"pipeline", "log_run", "register", "index"}
    trained, logged, registered = done["pipeline"], done["log_run"], done["register"]
    assert (logged.parent, registered.parent) == (trained, logged)

    version = ModelVersion.objects.get()
    assert str(version) == f"{unique}@1.1.0-rc1"
    assert version.run_id == logged.result["run_id"]
    assert version.created_by == engineer.username
    assert version.model_format == "pt2"
    assert version.lineage["git_commit"] == trained.result["sha"]
    metadata = ModelMetadata.from_dict(version.metadata)
    assert (metadata.model_name, metadata.model_version) == (unique, "1.1.0-rc1")
    assert (metadata.model_architecture, metadata.num_params, metadata.epochs) == ("CRNN", 321, 3)
    assert metadata.git_commit == trained.result["sha"]
    assert metadata.missing() == {"metrics": ("val_accuracy", "val_cer", "val_wer")}
    assert (version.inspection["clean"], version.inspection["error"]) == (True, "")
    assert server.model_version(unique, 1).run_id == version.run_id
    assert server.model_version(unique, 1).tags["model_version"] == "1.1.0-rc1"

    set_rules()  # what gates say has tests of its own
    asked = promotion.open_for(version, "Staging", user=engineer)
    promotion.review(asked, "approve", user=reviewer, evidence_digest=asked.evidence_digest)
    applied = next(job for job in work_off() if job.kind == "apply")
    asked.refresh_from_db()
    assert (applied.kind, asked.state) == ("apply", Promotion.State.APPLIED)
    assert there(mlflow_url, unique) == {1: ("Staging", ("challenger",), "Staging")}
    assert trail.verify() is None
