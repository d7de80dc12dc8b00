"""Drift: what somebody changes in a real MLflow behind our back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.management import CommandError, call_command
from mlflow import MlflowClient
from pytest_django import Settings

from accounts.models import User
from accounts.roles import Role
from audit import trail
from audit.models import AuditEntry
from experiments import chores
from experiments.models import Job, SyncState
from integrations.errors import IntegrationError
from registry import drift, drift_repairs, reconciler
from registry.conflicts import ConflictError
from registry.models import Drift, ModelVersion, Promotion
from registry.reconciler import Report, reconcile
from tests.mlflow_registry import real_version, there, unique, work
from tests.people import make_user
from tests.promotions import bring, set_rules
from tests.servers import free_port, mlflow_server

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.filterwarnings("ignore::FutureWarning"),  # stages, which MLflow means to give up
]

PRODUCTION = ("Production", ("champion",), "Production")


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with mlflow_server(tmp_path_factory.mktemp("mlflow")) as server:
        yield server.url


@pytest.fixture(autouse=True)
def places(settings: Settings, tmp_path: Path, url: str) -> Iterator[None]:
    settings.DATA_DIR = tmp_path / "data"
    settings.MLFLOW_TRACKING_URI = url
    set_rules()
    yield
    client = MlflowClient(url)
    for model in client.search_registered_models():
        client.delete_registered_model(model.name)


@pytest.fixture
def name() -> str:
    return unique()


@pytest.fixture
def reviewer() -> User:
    return make_user(Role.REVIEWER)


@pytest.fixture
def client(url: str) -> MlflowClient:
    return MlflowClient(url)


@pytest.fixture
def serving(url: str, name: str) -> ModelVersion:
    """A version in Production, and MLflow agrees."""
    version = bring(real_version(url, name, "1.0.0"), "Staging", "Production")
    apply_all()
    assert settled().opened == []
    return version


def apply_all() -> None:
    for job in Job.objects.filter(kind="apply", state="queued").order_by("pk"):
        done = work(job)
        assert done.state == "succeeded", done.error


def settled() -> Report:
    """Do one pass as if the last job had ended a while ago."""
    Job.objects.filter(kind="apply").update(finished_at=None)
    return reconcile()


def open_rows() -> list[tuple[int, str, str, str]]:
    rows = Drift.objects.filter(state=Drift.State.OPEN).order_by("mlflow_version", "kind")
    return [(one.mlflow_version, one.kind, one.expected, one.found) for one in rows]


def events(event: str) -> list[AuditEntry]:
    return list(AuditEntry.objects.filter(event=event).order_by("sequence"))


def test_a_changed_stage_is_noticed_and_is_no_approval(
    client: MlflowClient, name: str, serving: ModelVersion
) -> None:
    client.transition_model_version_stage(name, "1", "Archived")
    report = settled()
    assert [str(one) for one in report.opened] == [f"{name} version 1: stage Production -> Archived"]
    serving.refresh_from_db()
    assert serving.stage == "Production"
    [entry] = events("drift.found")
    assert (entry.actor_id, entry.model_name) == ("system", name)
    assert entry.data == {
        "mlflow_version": 1,
        "kind": "stage",
        "expected": "Production",
        "found": "Archived",
        "version": "1.0.0",
    }
    assert Promotion.objects.exclude(state="applied").count() == 0
    assert trail.verify() is None


def test_an_unchanged_mlflow_is_not_read_twice(name: str, serving: ModelVersion) -> None:
    assert settled().compared == 0
    assert reconcile(everything=True).compared == 1


def test_a_moved_and_a_removed_alias_are_noticed(
    client: MlflowClient, url: str, name: str, serving: ModelVersion
) -> None:
    real_version(url, name, "1.1.0")
    client.set_registered_model_alias(name, "champion", "2")
    settled()
    assert open_rows() == [(1, "alias", "champion -> 1", "champion -> 2")]
    client.delete_registered_model_alias(name, "champion")
    settled()
    assert open_rows() == [(1, "alias", "champion -> 1", "champion -> none")]
    client.set_registered_model_alias(name, "champion", "1")
    client.set_registered_model_alias(name, "challenger", "2")
    settled()
    assert open_rows() == [(2, "alias", "challenger -> none", "challenger -> 2")]
    assert [one.state for one in Drift.objects.order_by("pk")] == ["gone", "gone", "open"]
    assert len(events("drift.gone")) == 2


def test_the_same_drift_is_reported_once(client: MlflowClient, name: str, serving: ModelVersion) -> None:
    client.transition_model_version_stage(name, "1", "None")
    for _ in range(3):
        reconcile(everything=True)
    settled()
    assert open_rows() == [(1, "stage", "Production", "None")]
    assert len(events("drift.found")) == 1


def test_drift_that_disappears_by_itself_is_closed(
    client: MlflowClient, name: str, serving: ModelVersion
) -> None:
    client.transition_model_version_stage(name, "1", "Archived")
    settled()
    client.transition_model_version_stage(name, "1", "Production")
    report = settled()
    assert (open_rows(), len(report.closed)) == ([], 1)
    [row] = Drift.objects.all()
    assert (row.state, row.ended_by) == ("gone", "system")
    assert row.ended_at is not None


def test_a_repair_brings_back_what_was_decided_in_the_name_of_who_asked(
    client: MlflowClient, url: str, name: str, serving: ModelVersion, reviewer: User
) -> None:
    client.transition_model_version_stage(name, "1", "Archived")
    client.delete_registered_model_alias(name, "champion")
    settled()
    first, second = Drift.objects.order_by("pk")
    job = drift.repair(first, user=reviewer)
    assert drift.repair(first, user=reviewer).pk == job.pk
    assert drift.being_repaired(first.model) == {first.pk}
    assert reconcile(everything=True).closed == []
    assert len(open_rows()) == 2
    apply_all()
    assert there(url, name) == {1: PRODUCTION}
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.state, first.ended_by) == ("repaired", reviewer.username)
    assert (second.state, second.ended_by) == ("repaired", "system")
    assert {entry.target_id: entry.actor_name for entry in events("drift.repaired")} == {
        str(first.pk): reviewer.username,
        str(second.pk): "system",
    }
    with pytest.raises(ConflictError):
        drift.repair(first, user=reviewer)
    assert settled().opened == []


def test_accepted_drift_stays_until_the_next_decision(
    client: MlflowClient, url: str, name: str, serving: ModelVersion, reviewer: User
) -> None:
    shadow = bring(real_version(url, name, "1.1.0"), "Staging")
    apply_all()
    client.transition_model_version_stage(name, "2", "None")
    client.delete_registered_model_alias(name, "challenger")
    settled()
    for row in Drift.objects.filter(state="open"):
        assert drift.accept(row, user=reviewer, reason="The challenger rests.").state == "accepted"
    assert [entry.data["reason"] for entry in events("drift.accepted")] == ["The challenger rests."] * 2
    assert settled().opened == reconcile(everything=True).opened == []

    client.transition_model_version_stage(name, "1", "Archived")
    settled()
    [row] = Drift.objects.filter(state="open")
    drift.repair(row, user=reviewer)
    apply_all()
    assert there(url, name) == {1: PRODUCTION, 2: ("None", (), "Staging")}

    client.transition_model_version_stage(name, "2", "Archived")
    settled()
    assert open_rows() == [(2, "stage", "Staging", "Archived")], "another value was not accepted"
    client.transition_model_version_stage(name, "2", "None")
    settled()
    assert open_rows() == []

    bring(real_version(url, name, "1.2.0"), "Staging")
    apply_all()
    assert there(url, name)[2] == ("Staging", (), "Staging")
    shadow.refresh_from_db()
    assert shadow.stage == "Staging"


def test_who_may_not_is_refused_and_a_reason_is_needed(
    client: MlflowClient, name: str, serving: ModelVersion, reviewer: User
) -> None:
    client.transition_model_version_stage(name, "1", "Archived")
    settled()
    [row] = Drift.objects.all()
    engineer = make_user(Role.ENGINEER)
    with pytest.raises(PermissionDenied):
        drift.repair(row, user=engineer)
    with pytest.raises(PermissionDenied):
        drift.accept(row, user=engineer, reason="mine")
    assert len(events("permission.denied")) == 2
    with pytest.raises(ValidationError) as error:
        drift.accept(row, user=reviewer, reason="  ")
    assert "reason" in error.value.message_dict
    drift.repair(row, user=reviewer)
    with pytest.raises(ConflictError):
        drift.accept(row, user=reviewer, reason="Too late.")


def test_a_policy_has_drift_repaired_without_asking_but_fights_nobody(
    client: MlflowClient, url: str, name: str, serving: ModelVersion
) -> None:
    set_rules(serving.model, "Production", repair_drift=True)
    client.transition_model_version_stage(name, "1", "Archived")
    settled()
    apply_all()
    assert there(url, name) == {1: PRODUCTION}
    [row] = Drift.objects.all()
    assert (row.state, row.ended_by) == ("repaired", "system")
    for _ in range(drift_repairs.PER_HOUR):
        client.transition_model_version_stage(name, "1", "Archived")
        settled()
        apply_all()
    assert there(url, name)[1][0] == "Archived"
    assert len(open_rows()) == 1


def test_a_deleted_version_is_missing_and_can_only_be_accepted(
    client: MlflowClient, name: str, serving: ModelVersion, reviewer: User
) -> None:
    client.delete_model_version(name, "1")
    settled()
    assert open_rows() == [(1, "missing", "version 1", "")]
    serving.refresh_from_db()
    assert serving.mlflow_problem == "MLflow has no version 1 of this model any more."
    [row] = Drift.objects.all()
    with pytest.raises(ValidationError):
        drift.repair(row, user=reviewer)
    drift.accept(row, user=reviewer, reason="It was a mistake.")
    assert reconcile(everything=True).opened == []


def test_a_wiped_mlflow_is_drift_of_every_version_and_no_crash(
    client: MlflowClient, url: str, name: str, serving: ModelVersion
) -> None:
    real_version(url, name, "1.1.0")
    client.delete_registered_model(name)
    settled()
    assert [row[:2] for row in open_rows()] == [(1, "missing"), (2, "missing")]
    client.create_registered_model(name)
    other = client.create_model_version(name, "s3://elsewhere/model")
    assert int(other.version) == 1
    settled()
    assert [row[:2] for row in open_rows()] == [
        (1, "alias"),
        (1, "source"),
        (1, "stage"),
        (2, "missing"),
    ]
    serving.refresh_from_db()
    assert (serving.stage, serving.mlflow_problem) == ("Production", "")


def test_a_version_that_somebody_puts_into_production_there_is_not_taken_for_approved(
    client: MlflowClient, name: str, serving: ModelVersion
) -> None:
    run = client.search_runs(["1"], max_results=1)[0].info.run_id
    client.create_model_version(name, f"runs:/{run}/model", run)
    client.transition_model_version_stage(name, "2", "Production", archive_existing_versions=True)
    settled()
    adopted = ModelVersion.objects.get(model__name=name, mlflow_version=2)
    assert (adopted.stage, adopted.imported, adopted.version) == ("Development", True, "0.2.0")
    assert open_rows() == [
        (1, "stage", "Production", "Archived"),
        (2, "stage", "None", "Production"),
    ]
    serving.refresh_from_db()
    assert serving.stage == "Production"


def test_while_a_decision_is_on_its_way_nothing_is_called_drift(
    url: str, name: str, serving: ModelVersion
) -> None:
    bring(real_version(url, name, "1.1.0"), "Staging", "Production")
    assert settled().opened == []
    apply_all()
    assert reconcile().opened == []
    assert settled().opened == []


def test_what_was_approved_and_lost_its_job_gets_another(
    url: str, name: str, serving: ModelVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    bring(real_version(url, name, "1.1.0"), "Staging", "Production")
    Job.objects.filter(kind="apply", state="queued").update(state="failed")
    settled()
    assert not Job.objects.filter(kind="apply", state="queued").exists(), "not at once"
    monkeypatch.setattr(reconciler, "ABANDONED", -reconciler.ABANDONED)
    settled()
    settled()
    assert Job.objects.filter(kind="apply", state="queued", submitted_by_name="system").count() == 2
    apply_all()
    assert there(url, name)[2] == PRODUCTION
    assert settled().opened == []


def test_mlflow_that_is_away_is_noted_and_tried_again(
    settings: Settings, url: str, name: str, serving: ModelVersion, client: MlflowClient
) -> None:
    settings.MLFLOW_TRACKING_URI = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(IntegrationError):
        chores.do("reconcile")
    assert "cannot be reached" in SyncState.objects.get(name="chore:reconcile").error
    with pytest.raises(CommandError):
        call_command("reconcile")
    assert open_rows() == []
    settings.MLFLOW_TRACKING_URI = url
    client.transition_model_version_stage(name, "1", "Staging")
    assert chores.do("reconcile")
    assert open_rows() == [(1, "stage", "Production", "Staging")]


def test_the_command_says_what_it_found(
    client: MlflowClient, name: str, serving: ModelVersion, capsys: Any
) -> None:
    client.transition_model_version_stage(name, "1", "Archived")
    call_command("reconcile")
    said = capsys.readouterr().out
    assert f"Drift: {name} version 1: stage Production -> Archived" in said
    assert "1 models compared, 0 versions adopted, 1 differences found, 0 gone." in said
