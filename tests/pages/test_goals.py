"""What metrics mean: the page, REST, and what it is used for."""

from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.test import Client

from accounts.models import User
from accounts.roles import Role
from audit.models import AuditEntry
from experiments import goal_declarations
from experiments.metric_meaning import Declared
from experiments.models import Experiment, MetricGoal
from registry import selectors
from tests.people import make_user
from tests.runs import NASTY, make_measured_run
from tests.versions import make_version

pytestmark = pytest.mark.django_db

PAGE = "/experiments/1/metrics/"


@pytest.fixture
def engineer(client: Client) -> User:
    user = make_user(Role.ENGINEER)
    client.force_login(user)
    return user


@pytest.fixture
def experiment() -> Experiment:
    return make_measured_run({"val_cer": 0.25, "speed": 3, NASTY: 1}).experiment


def sent(*rows: dict[str, str]) -> dict[str, str]:
    data = {"m-TOTAL_FORMS": str(len(rows)), "m-INITIAL_FORMS": "0"}
    return data | {
        f"m-{number}-{name}": value for number, row in enumerate(rows) for name, value in row.items()
    }


def test_a_declaration_is_kept_told_and_shown(client: Client, engineer: User, experiment: Experiment) -> None:
    row = {"key": "speed", "direction": "max", "unit": "images/s", "tolerance": "0.5"}
    assert client.post(PAGE, sent(row)).status_code == 302
    goal = MetricGoal.objects.get()
    assert (goal.experiment, goal.key, goal.direction, goal.tolerance) == (experiment, "speed", "max", 0.5)
    entry = AuditEntry.objects.get(event="goal.declared")
    assert entry.data["metrics"]["speed"] == {"direction": "max", "unit": "images/s", "tolerance": "0.5"}
    html = client.get(PAGE).content.decode()
    assert "images/s" in html
    assert NASTY not in html
    run = client.get(f"/runs/{experiment.runs.get().run_id}/").content.decode()
    assert "images/s" in run
    assert "larger is better" in run


def test_the_metrics_of_a_version_are_judged_as_declared(engineer: User, experiment: Experiment) -> None:
    slow = make_version("1.0.0", run_id=experiment.runs.get().run_id, stage="Production")
    quick = make_version("1.1.0", run_id=make_measured_run({"speed": 4}).run_id)
    assert [row.goal for row in selectors.metric_rows(quick, slow)] == [""]
    goal_declarations.declare(experiment, {"speed": Declared("max")}, user=engineer)
    [row] = selectors.metric_rows(quick, slow)
    assert (row.name, row.value, row.baseline, row.goal) == ("speed", 4, 3, "max")


def test_the_same_again_changes_nothing_and_emptying_takes_it_back(
    engineer: User, experiment: Experiment
) -> None:
    said = {"speed": Declared("max", "x", 1.0)}
    assert goal_declarations.declare(experiment, said, user=engineer) == ["speed"]
    assert goal_declarations.declare(experiment, said, user=engineer) == []
    assert AuditEntry.objects.filter(event="goal.declared").count() == 1
    assert goal_declarations.declare(experiment, {"speed": Declared()}, user=engineer) == ["speed"]
    assert not MetricGoal.objects.exists()


def test_what_makes_no_sense_is_refused_beside_its_metric(
    client: Client, engineer: User, experiment: Experiment
) -> None:
    bad: dict[str, Declared] = {
        "a": Declared("sideways"),
        "b": Declared(tolerance=float("nan")),
        "c": Declared(unit="x" * 31),
        "d\0": Declared("min"),
        "e": Declared(tolerance=-1),
    }
    with pytest.raises(ValidationError) as caught:
        goal_declarations.declare(experiment, bad, user=engineer)
    assert set(caught.value.message_dict) == set(bad)
    page = client.post(PAGE, sent({"key": "speed", "direction": "up", "tolerance": "-1"}))
    assert page.status_code == 422
    assert not MetricGoal.objects.exists()
    assert client.post(PAGE, {}).status_code == 422


def test_rest_declares_and_lists(client: Client, engineer: User, experiment: Experiment) -> None:
    def patch(body: Any, address: str = "/api/v1/experiments/1/metrics/") -> Any:
        return client.patch(address, body, content_type="application/json")

    answer = patch({"metrics": {"val_cer": {"direction": "max", "unit": "%"}}})
    assert answer.status_code == 200
    rows = {row["key"]: row for row in client.get("/api/v1/experiments/1/metrics/").json()}
    assert rows["val_cer"] == {
        "key": "val_cer",
        "direction": "max",
        "unit": "%",
        "tolerance": 0.0,
        "declared_for": "experiment",
    }
    assert rows["speed"]["direction"] == "unknown"
    assert patch({"metrics": {"speed": {"direction": "max"}}}, "/api/v1/metrics/").status_code == 200
    rows = {row["key"]: row for row in client.get("/api/v1/experiments/1/metrics/").json()}
    assert (rows["speed"]["direction"], rows["speed"]["declared_for"]) == ("max", "general")
    assert patch({"metrics": {"val_cer": None}}).status_code == 200
    assert MetricGoal.objects.filter(experiment=experiment).count() == 0
    for body in (
        {},
        {"metrics": {}},
        {"metrics": {"a": {"x": 1}}},
        {"metrics": {"": {}}},
        {"metrics": {"a": 1}},
    ):
        assert patch(body).status_code == 422
    for missing in ("/api/v1/experiments/nothing/metrics/", "/experiments/nothing/metrics/"):
        assert client.get(missing).status_code == 404


def test_only_some_may(client: Client, experiment: Experiment) -> None:
    viewer = make_user(Role.VIEWER)
    with pytest.raises(PermissionDenied):
        goal_declarations.declare(None, {"a": Declared("min")}, user=viewer)
    client.force_login(viewer)
    html = client.get(PAGE).content.decode()
    assert "Only these roles may" in html
    assert "Save" not in html


def test_lists_and_tables_follow_what_was_declared(client: Client, engineer: User) -> None:
    slow, fast = make_measured_run({"val_loss": 1.0}), make_measured_run({"val_loss": 2.0})
    row = client.get("/experiments/").context["rows"][0]
    assert (row.best.value, row.best.smaller) == (1.0, True)
    runs = "/runs/?columns=metrics.val_loss"
    assert "sort=metrics.val_loss" in client.get(runs).content.decode()
    goal_declarations.declare(slow.experiment, {"val_loss": Declared("max")}, user=engineer)
    row = client.get("/experiments/").context["rows"][0]
    assert (row.best.value, row.best.smaller) == (2.0, False)
    assert "sort=-metrics.val_loss" in client.get(runs).content.decode()
    cells = client.get(f"/compare/?runs={slow.run_id},{fast.run_id}").context["lines"][0].cells
    assert cells[1].verdict == "better"
