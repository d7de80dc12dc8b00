"""A running stack on which one version serves and the next waits in Staging, with everything in order.

Made as people make it: runs by MLflow's own client, registration, cards, policies and decisions over REST.
"""

import hashlib
import json
import platform
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version as version_of_package
from pathlib import Path
from typing import Any

import requests

from accounts.roles import Role
from registry.metadata import NONE, ModelMetadata
from tests.cards import COMPLETE
from tests.integrations.git_workshop import commit, make_repository
from tests.site import Person, Rest, connect_repository, make_person
from tests.stack import Stack, answers, running, wait_until

MODEL = "receipts"
ROLES = {
    "administrator": Role.ADMINISTRATOR,
    "engineer": Role.ENGINEER,
    "reviewer": Role.REVIEWER,
    "second-reviewer": Role.REVIEWER,
    "auditor": Role.AUDITOR,
}
RATES = {"1.0.0": 0.1, "1.1.0": 0.05}
COMMON_GATES: list[dict[str, Any]] = [
    {"gate": "metadata"},
    {"gate": "bump"},
    {"gate": "model_files"},
    {"gate": "artifacts"},
    {"gate": "smoke_test"},
    # No DVC pipeline made these runs, so there is no dvc.lock whose digest they could tell.
    {"gate": "lineage", "config": {"data": True, "commit": True, "dvc_lock": False}},
]
# Without `reproduced`: it would need such a pipeline to run once more.
PRODUCTION_GATES = [*COMMON_GATES, {"gate": "metrics"}, {"gate": "card"}, {"gate": "final_version"}]

PLAIN_CLIENT = """
import json, sys
import mlflow, mlflow.pytorch, numpy, torch
mlflow.set_tracking_uri(sys.argv[1])
mlflow.set_experiment("receipts")
example = numpy.zeros((2, 4), dtype="float32")
for seed, told in enumerate(json.loads(sys.argv[2])):
    torch.manual_seed(seed)
    network = torch.nn.Linear(4, 3).eval()
    with mlflow.start_run(tags=told["tags"]) as run:
        mlflow.log_params(told["params"])
        mlflow.log_metrics(told["metrics"])
        mlflow.log_dict(told["metadata"], "metadata/model_metadata.json")
        mlflow.pytorch.log_model(
            network, name="model", input_example=example, serialization_format="pt2", pip_requirements=[]
        )
    print("run", run.info.run_id)
"""


@dataclass(frozen=True)
class Scene:
    """The stack with its people; 1.0.0 is in Production, and 1.1.0 in Staging with an approved card."""

    stack: Stack
    people: dict[str, Person]
    rest: dict[str, Rest]

    def number(self, version: str) -> str:
        """Return MLflow's number of a version, as the product tells it."""
        return str(self.rest["engineer"].get(f"/models/{MODEL}/versions/{version}/")["mlflow_version"])

    def champion(self) -> str:
        """Return the number that the alias `champion` has in MLflow's own REST interface."""
        return str(in_mlflow(self, "registered-models/alias", alias="champion")["version"])


@contextmanager
def served(folder: Path) -> Iterator[Scene]:
    """Run a stack below `folder` as `Scene` says; two approvals stand before Production."""
    runs = described_runs(folder / "source")
    with running(folder / "data") as stack, ThreadPoolExecutor() as beside:
        logged = beside.submit(log_runs, stack, runs)
        people = dict(
            zip(ROLES, beside.map(lambda one: make_person(stack, *one), ROLES.items()), strict=True)
        )
        scene = Scene(stack, people, {name: person.rest() for name, person in people.items()})
        connect_repository(people["administrator"], scene.rest["engineer"], MODEL, folder / "source")
        set_policies(scene)
        register(scene, dict(zip(RATES, logged.result(), strict=True)))
        bring(scene, "Staging", *RATES, approvers=("reviewer",))
        bring(scene, "Production", "1.0.0", approvers=("reviewer", "second-reviewer"))
        yield scene


def in_mlflow(scene: Scene, place: str, **query: str) -> dict[str, Any]:
    """Return the version of a model that MLflow's REST interface has at `place`."""
    url = f"{mlflow_of(scene.stack)}/api/2.0/mlflow/{place}"
    answer = requests.get(url, {"name": MODEL, **query}, timeout=10)
    assert answer.ok, answer.text
    found: dict[str, Any] = answer.json()["model_version"]
    return found


def stages_in_mlflow(scene: Scene) -> dict[str, str]:
    """Return the stages of all versions as MLflow has them."""
    return {
        version: in_mlflow(scene, "model-versions/get", version=scene.number(version))["current_stage"]
        for version in RATES
    }


def mlflow_of(stack: Stack) -> str:
    """Return the address of the MLflow server of a stack."""
    return f"http://127.0.0.1:{stack.env['STAGEGATE_MLFLOW_PORT']}"


def described_runs(source: Path) -> list[dict[str, Any]]:
    """Make a repository with a commit for each version; return what training says of their runs."""
    make_repository(source, {"data/labels.csv": "scan,text\n1,7.50\n"})
    data = hashlib.md5((source / "data/labels.csv").read_bytes(), usedforsecurity=False).hexdigest()
    return [described_run(source, rate, data) for rate in RATES.values()]


def described_run(source: Path, rate: float, data: str) -> dict[str, Any]:
    """Commit a learning rate; return parameters, metrics, tags and metadata of the run that uses it."""
    sha = commit(source, {"params.yaml": f"learning_rate: {rate}\n"}, f"Learn at {rate}")
    origin = {"git_commit": sha, "git_branch": "main", "dataset_hash": data, "dataset_version": "1.0.0"}
    params = {"learning_rate": rate, "batch_size": 4, "epochs": 2, "optimizer": "SGD"}
    metrics = {
        "train_loss": rate,
        "val_loss": rate,
        "val_accuracy": 1 - rate,
        "val_cer": rate,
        "val_wer": rate,
    }
    facts = {
        **origin,
        **params,
        **metrics,
        "model_name": MODEL,
        "model_version": "0.0.0",
        "model_architecture": "Linear",
        "num_params": 15,
        "config_json": json.dumps({"inputs": 4, "outputs": 3}),
        "dataset_name": "labels",
        "split_ratio": 0.5,
        "git_tag": NONE,
        "python_version": platform.python_version(),
        "torch_version": version_of_package("torch"),
        "cuda_version": NONE,
        "gpu_type": NONE,
        "num_gpus": 0,
        "training_duration_seconds": 1.0,
    }
    tags = {**origin, "dataset_name": "labels", "stagegate.repository": MODEL}
    metadata = ModelMetadata.from_facts(facts).to_dict()
    return {"params": params, "metrics": metrics, "tags": tags, "metadata": metadata}


def log_runs(stack: Stack, runs: list[dict[str, Any]]) -> list[str]:
    """Log runs as the engineer does it on a machine of their own; return their numbers.

    With the environment of the stack: what other tests set for their MLflow clients is not in it.
    """
    wait_until(lambda: answers(f"{mlflow_of(stack)}/health"), 90)
    done = subprocess.run(
        [sys.executable, "-c", PLAIN_CLIENT, mlflow_of(stack), json.dumps(runs)],
        env={**stack.env, "LOGNAME": "engineer", "MLFLOW_DISABLE_TELEMETRY": "true"},
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return [line.split()[1] for line in done.stdout.splitlines() if line.startswith("run ")]


def set_policies(scene: Scene) -> None:
    """Have the administrator ask for two approvals before Production."""
    rest = scene.rest["administrator"]
    for stage, approvals, gates in (("Staging", 1, COMMON_GATES), ("Production", 2, PRODUCTION_GATES)):
        before = rest.get(f"/policies/{stage}/")
        rules = {**before["rules"], "approvals": approvals, "gates": gates}
        body = {"rules": rules, "reason": "Four eyes.", "expected": before["number"]}
        put(rest, f"/policies/{stage}/", body)


def register(scene: Scene, runs: dict[str, str]) -> None:
    """Register a version of each run, with a card that the engineer writes and a reviewer approves."""
    rest = scene.rest["engineer"]
    jobs = []
    for version, run_id in runs.items():
        wait_until(partial(is_finished, rest, run_id), 30)
        asked = {"run_id": run_id, "version": version}
        jobs.append(rest.post(f"/models/{MODEL}/versions/", asked)["job"])
    for version, job in zip(runs, jobs, strict=True):
        rest.ended(job)
        card = f"/models/{MODEL}/versions/{version}/card/"
        text = f"{COMPLETE}\nVersion {version} learned at {RATES[version]}.\n"
        number = put(rest, card, {"text": text, "based_on": rest.get(card)["number"]})["number"]
        rest.post(f"{card}submit/", {"number": number})
        scene.rest["reviewer"].post(f"{card}approve/", {"number": number})


def is_finished(rest: Rest, run_id: str) -> bool:
    """Say whether the product has the whole run."""
    answer = rest.ask(f"/runs/{run_id}/")
    return answer.ok and answer.json()["status"] == "FINISHED"


def bring(scene: Scene, stage: str, *versions: str, approvers: tuple[str, ...], model: str = MODEL) -> None:
    """Promote versions over REST: asked for together, approved when every gate has passed."""
    rest, onlooker = scene.rest, scene.rest["administrator"]
    bodies = [{"model": model, "version": version, "to": stage} for version in versions]
    paths = [f"/promotions/{rest['engineer'].post('/promotions/', body)['id']}/" for body in bodies]
    for path in paths:
        wait_until(partial(is_free, onlooker, path), 60)
        for name in approvers:
            wait_until(partial(approves, rest[name], path), 30)
    for path in paths:
        wait_until(partial(is_applied, onlooker, path), 60)


def approves(rest: Rest, path: str) -> bool:
    """Approve what is there now; say whether nothing had changed meanwhile, such as the result of a check."""
    body = {"verdict": "approve", "evidence_digest": rest.get(path)["evidence_digest"]}
    answer = rest.session.post(f"{rest.url}{path}reviews/", json=body, timeout=30)
    assert answer.ok or answer.status_code == 409, f"{path}: {answer.status_code} {answer.text}"
    return answer.ok


def is_free(rest: Rest, path: str) -> bool:
    """Say whether nothing but approvals is missing."""
    return not rest.get(path)["verdict"]["blocking"]


def is_applied(rest: Rest, path: str) -> bool:
    """Say whether MLflow was brought to what was decided."""
    return bool(rest.get(path)["state"] == "applied")


def put(rest: Rest, path: str, body: dict[str, Any]) -> Any:
    """Send `body` by PUT and return the answer to it."""
    answer = rest.session.put(rest.url + path, json=body, timeout=30)
    assert answer.ok, f"{path}: {answer.status_code} {answer.text}"
    return answer.json()
