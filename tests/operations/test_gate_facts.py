"""What gates look at, read from the database, and as it goes into evidence."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from audit.chain import canonical
from experiments.models import Job, Run
from registry import gate_facts
from registry.models import CardRevision, CheckResult, ModelVersion
from tests.jobs import make_commit, make_job, make_repository
from tests.registry_story import full_metadata
from tests.versions import make_run, make_version

pytestmark = pytest.mark.django_db

SHA = "c" * 40


def facts(version: ModelVersion, to_stage: str = "Production", incumbent: ModelVersion | None = None) -> Any:
    return gate_facts.of(version, to_stage, incumbent)


def make_card(version: ModelVersion, number: int = 1, text: str = "", **changes: Any) -> CardRevision:
    columns = {"state": "draft", "digest": "e" * 64, "by_name": "engineer", "at": timezone.now()}
    return CardRevision.objects.create(version=version, number=number, text=text, **{**columns, **changes})


def make_check(version: ModelVersion, kind: str = "artifacts", **changes: Any) -> CheckResult:
    columns = {
        "passed": True,
        "summary": "Fine.",
        "manifest_digest": version.manifest_digest,
        "at": timezone.now(),
    }
    return CheckResult.objects.create(version=version, kind=kind, **{**columns, **changes})


def test_metrics_come_from_the_run_and_first_of_all_from_the_metadata() -> None:
    run = make_run(metrics={"val_cer": 0.5, "grad_norm": "NaN", "f1": 0.25})
    found = facts(make_version("1.0.0", run_id=run.run_id))

    assert found.metrics["val_cer"] == 0.012
    assert found.metrics["f1"] == 0.25
    assert found.metrics["grad_norm"] != found.metrics["grad_norm"]
    assert (found.goals["val_cer"], found.goals["f1"], found.goals["grad_norm"]) == ("min", "max", "unknown")


def test_the_version_in_production_is_what_metrics_are_compared_with() -> None:
    production = make_version("1.0.0", stage="Production", metadata=full_metadata("1.0.0", val_cer=0.02))
    make_version("3.0.0", model="other", stage="Production")
    candidate = make_version("1.1.0", stage="Staging")

    for incumbent in (production, None):
        found = facts(candidate, incumbent=incumbent)
        assert (found.incumbent, found.incumbent_metrics["val_cer"]) == ("1.0.0", 0.02)
    assert facts(production, "Staging").incumbent == ""


def test_without_a_version_in_production_there_is_nothing_to_compare_with() -> None:
    found = facts(make_version("1.0.0"))
    assert (found.incumbent, found.incumbent_metrics) == ("", {})


def test_missing_metadata_are_named_and_unreadable_ones_miss_everything() -> None:
    assert facts(make_version("1.0.0", metadata=full_metadata("1.0.0"))).missing_metadata == ()
    assert "train_loss" in facts(make_version("1.1.0")).missing_metadata
    broken = facts(make_version("1.2.0", metadata={"learning_rate": []}))
    assert len(broken.missing_metadata) == 24
    assert broken.lineage["data_hash"] == ""


def test_the_newest_card_counts_with_what_it_lacks() -> None:
    version = make_version("1.0.0")
    assert facts(version).card is None
    make_card(version, 1, state="approved")
    make_card(version, 2, text="# Card\n\n## Limitations\n\nFew. {{ metrics.unheard_of }}\n", state="draft")
    card = facts(version).card

    assert (card.number, card.state, card.digest) == (2, "draft", "e" * 64)
    assert "Limitations" not in card.missing
    assert "Intended use" in card.missing
    assert any("metrics.unheard_of" in one for one in card.missing)


def lineage(**tags: str) -> Any:
    number = f"1.{ModelVersion.objects.count()}.0"
    return facts(make_version(number, lineage=tags)).lineage


def test_a_commit_is_known_if_the_repository_it_names_has_it() -> None:
    repository = make_repository("receipts")
    make_commit(repository, sha=SHA)

    assert lineage(git_commit=SHA, **{"stagegate.repository": "receipts"})["commit_known"] is True
    assert lineage(git_commit=SHA)["commit_known"] is True
    assert lineage(git_commit=SHA, **{"stagegate.repository": "another"})["commit_known"] is False
    assert lineage(git_commit="f" * 40)["commit_known"] is False
    assert lineage(git_commit="f" * 1000)["commit_known"] is False


def test_a_commit_that_a_pipeline_made_here_is_known_with_its_lock() -> None:
    made = make_job("succeeded", kind="pipeline", result={"sha": SHA, "lock_digest": "l" * 64})
    failed = make_job("failed", kind="pipeline", result={"sha": SHA, "lock_digest": "l" * 64})

    found = lineage(git_commit=SHA, **{"stagegate.job": str(made.pk)})
    assert (found["commit_known"], found["dvc_lock_digest"]) == (True, "l" * 64)
    assert not lineage(git_commit="f" * 40, **{"stagegate.job": str(made.pk)})["dvc_lock_digest"]
    assert not lineage(git_commit=SHA, **{"stagegate.job": str(failed.pk)})["commit_known"]
    for odd in ("", "x", "9" * 30, "-1", "\u0661"):
        assert not lineage(git_commit=SHA, **{"stagegate.job": odd})["commit_known"]


def test_the_commit_and_data_of_the_metadata_stand_in_for_tags_that_are_missing() -> None:
    found = lineage()
    assert (found["commit"], found["data_hash"]) == (SHA, "d" * 32)


def test_only_checks_of_the_same_bytes_count() -> None:
    version = make_version("1.0.0")
    make_check(version)
    make_check(version, "smoke_test", manifest_digest="o" * 64)

    assert set(facts(version).checks) == {"artifacts"}


def test_facts_are_read_with_a_fixed_number_of_queries(django_assert_max_num_queries: Any) -> None:
    production = make_version("1.0.0", stage="Production")
    version = make_version("1.1.0", lineage={"git_commit": SHA, "stagegate.job": "1"})
    for number in range(1, 6):
        make_card(version, number)
        make_check(version)
        make_check(version, "smoke_test")
    fresh = ModelVersion.objects.select_related("model").get(pk=version.pk)
    with django_assert_max_num_queries(8):
        gate_facts.of(fresh, "Production", None)
    with django_assert_max_num_queries(7):
        gate_facts.of(fresh, "Production", production)


def test_evidence_is_canonical_also_with_values_that_are_no_numbers() -> None:
    run = make_run(metrics={"a": "NaN", "b": "Infinity", "c": "-Infinity", "d": 1.5})
    evidence = gate_facts.as_evidence(facts(make_version("1.0.0", run_id=run.run_id)))

    assert {name: evidence["metrics"][name] for name in "abcd"} == {
        "a": "NaN",
        "b": "Infinity",
        "c": "-Infinity",
        "d": 1.5,
    }
    assert canonical(evidence)


def test_the_same_result_once_more_does_not_change_the_evidence() -> None:
    version = make_version("1.0.0")
    make_check(version)
    before = canonical(gate_facts.as_evidence(facts(version)))
    make_check(version, at=timezone.now() + timedelta(hours=1), job=7)
    assert canonical(gate_facts.as_evidence(facts(version))) == before
    make_check(version, passed=False)
    assert canonical(gate_facts.as_evidence(facts(version))) != before


def test_what_is_in_production_is_evidence_only_on_the_way_there() -> None:
    make_version("1.0.0", stage="Production")
    version = make_version("1.1.0")
    assert gate_facts.as_evidence(facts(version, "Production"))["incumbent"] == "1.0.0"
    assert gate_facts.as_evidence(facts(version, "Staging"))["incumbent"] == ""


def test_a_metric_that_changes_in_the_mirror_changes_the_evidence() -> None:
    run = make_run(metrics={"f1": 0.5})
    version = make_version("1.0.0", run_id=run.run_id)
    before = canonical(gate_facts.as_evidence(facts(version)))
    Run.objects.filter(pk=run.pk).update(metrics={"f1": 0.75})
    assert canonical(gate_facts.as_evidence(facts(version))) != before
    assert Job.objects.count() == 0
