"""What a cause reached, and which input changed between two versions."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.roles import Role
from experiments.models import Repository, Run
from lineage import asked_causes, comparison, impact
from lineage.models import DataVersion
from registry.models import ModelVersion, RegisteredModel
from registry.stages import Stage
from tests.deployments import make_deployment
from tests.jobs import make_repository
from tests.lineage_rows import (
    RAW,
    SHA,
    make_data,
    make_history_commit,
    make_job_run,
    make_pipeline,
    make_plain_run,
    make_stage,
)
from tests.people import make_user
from tests.stage_events import day, enter, leave, make_promotion
from tests.versions import make_version

pytestmark = pytest.mark.django_db
OTHER = "9" * 32 + ".dir"


@pytest.fixture
def viewer():
    return make_user(Role.VIEWER)


@pytest.fixture
def story():
    """1.0.0 from a pipeline of the raw scans, in Production; 2.0.0 of another model from other data."""
    make_pipeline(make_repository("receipts"))
    version = make_version(run_id=make_job_run().run_id, created_at=day(3), stage="Production")
    enter(version, day(4), promotion=make_promotion(version, opened_at=day(3.5)))
    make_deployment(version, at=day(5))
    make_version("2.0.0", model="other", run_id=make_plain_run("2" * 40, OTHER).run_id)
    return version


def reached(user, **asked) -> list[str]:
    options = {name: asked.pop(name) for name in ("at", "stage") if name in asked}
    cause = asked_causes.of(asked, user=user)
    return [str(one) for one in impact.of(cause.keys, user=user, **options).versions]


@pytest.mark.parametrize(
    "asked",
    [
        {"node": f"data:receipts:data/raw@{RAW}"},
        {"node": f"commit:receipts@{SHA}"},
        {"node": f"stage:receipts:preprocess@{SHA}"},
        {"path": "data/raw"},
        {"path": "data/out", "repository": "receipts"},
        {"path": "src/train.py"},
    ],
)
def test_every_kind_of_cause_reaches_the_version(story, viewer, asked):
    assert reached(viewer, **asked) == ["receipt-ocr@1.0.0"]


def test_a_run_reaches_its_version_and_the_final_one_of_a_candidate(story, viewer):
    make_version("1.1.0", run_id="another", finalises=story)
    assert reached(viewer, node=f"run:{story.run_id}") == ["receipt-ocr@1.0.0", "receipt-ocr@1.1.0"]


def test_a_cause_of_another_repository_with_the_same_data_counts(story, viewer):
    other = make_repository("copy")
    make_data(other, "scans", RAW)
    assert reached(viewer, path="scans", repository="copy") == ["receipt-ocr@1.0.0"]


def test_it_tells_stages_now_and_then_and_where_it_serves(story, viewer):
    leave(story, day(8))
    ModelVersion.objects.filter(pk=story.pk).update(stage="Archived")
    cause = asked_causes.of({"path": "data/raw"}, user=viewer)
    found = impact.of(cause.keys, user=viewer, at=day(6))
    (row,) = impact.rows(found.versions, found.limits)
    assert (row.stage, row.stage_then) == ("Archived", "Production")
    assert [(one.pk, state) for one, state in row.promotions] == [(story.promotions.get().pk, "applied")]
    assert [one.environment for one in row.serving] == ["production-eu"]
    assert (found.in_production_then, found.in_production) == (1, 0)
    assert reached(viewer, path="data/raw", at=day(2.5)) == []
    assert reached(viewer, path="data/raw", at=day(6), stage="Production") == ["receipt-ocr@1.0.0"]
    assert reached(viewer, path="data/raw", stage="Production") == []


def test_a_version_whose_run_is_gone_is_still_reached(story, viewer):
    story.lineage = {"dataset_hash": RAW}
    story.save(update_fields=["lineage"])
    Run.objects.filter(run_id=story.run_id).delete()
    assert reached(viewer, path="data/raw") == ["receipt-ocr@1.0.0"]


def test_of_restricted_models_only_the_number_is_told(story, viewer):
    RegisteredModel.objects.update(restricted=True)
    cause = asked_causes.of({"path": "data/raw"}, user=viewer)
    found = impact.of(cause.keys, user=viewer)
    assert (list(found.versions), found.hidden) == ([], 1)


def test_the_number_of_hidden_versions_does_not_tell_their_stages(story, viewer):
    RegisteredModel.objects.update(restricted=True)
    keys = asked_causes.of({"path": "data/raw"}, user=viewer).keys
    asked = [(stage, at) for stage in ("", *Stage) for at in (None, day(3.8), day(6))]
    assert {impact.of(keys, user=viewer, stage=stage, at=at).hidden for stage, at in asked} == {1}


def test_a_cycle_in_foreign_data_ends(story, viewer):
    repository = make_repository("loop")
    make_stage(repository, "a", reads=[("x", RAW)], makes=[("y", "2" * 32)])
    make_stage(repository, "b", reads=[("y", "2" * 32)], makes=[("x", RAW)])
    assert reached(viewer, path="data/raw") == ["receipt-ocr@1.0.0"]


def test_the_queries_do_not_grow_with_what_is_reached(story, viewer):
    def ask() -> int:
        with CaptureQueriesContext(connection) as queries:
            cause = asked_causes.of({"node": f"data::@{RAW}"}, user=viewer)
            found = impact.of(cause.keys, user=viewer)
            impact.rows(found.versions[:50], found.limits)
        return len(queries)

    few = ask()
    for number in range(20):
        version = make_version(f"1.2.{number}", run_id=make_plain_run().run_id)
        make_promotion(version)
        make_deployment(version)
    assert ask() == few


def test_the_comparison_names_which_input_changed(story, viewer):
    repository = Repository.objects.get(name="receipts")
    later = "3" * 40
    tracked = make_stage(repository, "data/raw.dvc", makes=[("data/raw", OTHER)], kind="tracked", sha=later)
    train = make_stage(
        repository, "train", reads=[("data/raw", OTHER)], sha=later, locked_command="python train.py --fast"
    )
    make_history_commit(
        repository, later, [tracked, train], parents=[SHA], subject="More scans", committed_at=day(5)
    )
    run = make_job_run(later, OTHER)
    Run.objects.filter(pk=run.pk).update(params={"train.learning_rate": "0.01"})
    found = comparison.of(story, make_version("1.1.0", run_id=run.run_id))
    assert found.changed == ["commit", "data", "parameters", "commands"]
    data = next(one for one in found.data if one.name == "data/raw")
    assert (data.first.hash, data.second.hash, data.files) == (RAW, OTHER, 0)
    assert data.folder_of == "receipts"
    DataVersion.objects.filter(hash=OTHER).update(repository=make_repository("scans"))
    elsewhere = comparison.of(story, ModelVersion.objects.get(version="1.1.0")).data
    assert [one.folder_of for one in elsewhere if one.name == "data/raw"] == [""]
    assert [one.subject for one in found.commits] == ["More scans"]
    assert (found.commits_back, found.related) == ([], True)


def test_versions_without_a_common_history_are_compared_by_what_there_is(story):
    found = comparison.of(story, ModelVersion.objects.get(version="2.0.0"))
    assert not found.related
    assert "data" in found.changed


def test_the_same_run_twice_differs_in_nothing(story):
    assert comparison.of(story, make_version("1.0.1", run_id=story.run_id)).changed == []
