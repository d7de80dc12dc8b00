"""The importance of parameters: asked once, computed by a worker, honest about too little."""

import json
import random

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.test import Client

from accounts.models import User
from accounts.roles import Role
from experiments import importances
from experiments.importance_task import task
from experiments.importances import question
from experiments.models import Job, Run
from experiments.selectors.importances import answer
from tests.mlflow_registry import log_of, work
from tests.people import make_user
from tests.runs import NASTY
from tests.versions import make_run

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def engineer() -> User:
    return make_user(Role.ENGINEER)


@pytest.fixture
def runs() -> list[Run]:
    """Sixteen runs whose metric follows `lr`; another parameter is noise."""
    dice = random.Random(1)
    rates = [10 ** dice.uniform(-4, -2) for _ in range(16)]
    return [
        make_run(
            digest=f"{at:064}",
            metrics={"cer": 100 * rate + dice.uniform(0, 0.001)},
            params={"lr": f"{rate:.6f}", NASTY: dice.choice("ab"), "same": "1", "id": f"text {at}"},
        )
        for at, rate in enumerate(rates)
    ]


def ids(runs: list[Run]) -> list[str]:
    return [run.run_id for run in runs]


def test_a_worker_finds_the_parameter_that_matters(client: Client, engineer: User, runs: list[Run]) -> None:
    asked = question(ids(runs), "cer", "runs")
    job = importances.ask(asked, user=engineer)
    assert importances.ask(asked, user=engineer) == job
    assert answer(asked).is_waiting
    done = work(job)
    assert done.state == "succeeded", log_of(done)
    found = answer(asked)
    assert found.shares[0][0] == "lr"
    assert found.shares[0][1] > 0.8
    assert sum(share for _name, share in found.shares) == pytest.approx(1)
    assert (found.task.constant, found.task.unusable) == (("same",), ("id",))
    client.force_login(make_user(Role.VIEWER))
    html = client.get(f"/compare/importance/?runs={','.join(ids(runs))}&metric=cer").content.decode()
    assert "fANOVA" in html
    assert NASTY not in html
    rest = client.get(f"/api/v1/compare/importance/?runs={','.join(ids(runs))}&metric=cer").json()
    assert next(iter(rest["shares"])) == "lr"
    Run.objects.filter(pk=runs[0].pk).update(digest="f" * 64)
    assert answer(asked).job is None


def test_too_little_is_said_and_not_computed(client: Client, engineer: User, runs: list[Run]) -> None:
    few = question(ids(runs[:7]), "cer", "runs")
    for asked in (few, question(ids(runs), "nothing", "runs"), question(["x"], "cer", "runs")):
        assert not answer(asked).task.is_possible
        with pytest.raises(ValidationError):
            importances.ask(asked, user=engineer)
    assert not Job.objects.exists()
    client.force_login(engineer)
    assert "Too little" in client.get(f"/compare/importance/?runs={','.join(ids(runs[:7]))}").content.decode()
    for rest in ("", "runs=x&of=y", f"runs={NASTY}&metric={NASTY}"):
        assert client.get(f"/compare/importance/?{rest}").status_code == 200
        assert client.post(f"/compare/importance/?{rest}").status_code == 422
    with pytest.raises(PermissionDenied):
        importances.ask(question(ids(runs), "cer", "runs"), user=make_user(Role.VIEWER))


def test_an_experiment_counts_as_a_whole(engineer: User, runs: list[Run]) -> None:
    asked = question(ids(runs[:1]), "cer", "experiments")
    assert len(answer(asked).task.values) == 16
    assert json.loads(json.dumps(importances.ask(asked, user=engineer).payload))["scope"] == "experiments"


def test_what_is_no_number_tells_nothing() -> None:
    made = task([({"m": value}, {"a": str(value), "b": "x"}) for value in ("NaN", "Infinity", 1, 2.5)], "m")
    assert made.values == (1.0, 2.5)
    assert made.params == {"a": (1.0, 2.5)}
    assert not made.is_possible
