"""Registration, the part that answers at once: proposal, checks, and the job that it queues."""

from dataclasses import asdict

import pytest
from django.core.exceptions import PermissionDenied, ValidationError

from accounts.roles import Role
from audit.models import AuditEntry
from experiments.models import Job
from lineage import origin, reproduction_facts
from registry import lineage_strip, registration
from registry.models import ModelVersion
from registry.promotion import ConflictError
from registry.run_metadata import of_plain_run
from registry.semver import MLModelVersion
from tests.people import make_user
from tests.versions import make_run, make_version

pytestmark = pytest.mark.django_db


def test_the_first_version_of_a_model_is_1_0_0():
    proposal = registration.propose(make_run(), "receipt-ocr")
    assert (str(proposal.version), proposal.required) == ("1.0.0", "")


def test_another_architecture_asks_for_a_major_version_and_says_so():
    make_version("1.2.0")
    tags = {"model_architecture": "CNN-OCR", "dataset_hash": "d" * 32, "git_commit": "c" * 40}
    proposal = registration.propose(make_run(tags=tags), "receipt-ocr")
    assert str(proposal.version) == "2.0.0"
    assert proposal.reasons[0] == "architecture CRNN -> CNN-OCR: MAJOR"


def test_another_parameter_asks_for_a_minor_version():
    make_version("1.2.0")
    proposal = registration.propose(make_run(params={"train.learning_rate": "0.001"}), "receipt-ocr")
    assert str(proposal.version) == "1.3.0"
    assert "train.learning_rate 0.003 -> 0.001: MINOR" in proposal.reasons


def test_registering_queues_one_job_however_often_it_is_asked():
    run, engineer = make_run(), make_user(Role.ENGINEER)
    first = registration.register(run, "receipt-ocr", user=engineer)
    second = registration.register(run, "receipt-ocr", user=engineer)
    assert first == second
    assert first.payload["version"] == "1.0.0"
    assert Job.objects.count() == 1


def test_the_commit_of_a_plain_run_is_the_one_that_mlflow_recorded():
    plain = make_run(tags={"mlflow.source.git.commit": "e" * 40, "git_base_commit": "b" * 40})
    assert registration.prepare(plain, "receipt-ocr")["lineage"] == {
        "git_commit": "e" * 40,
        "git_base_commit": "b" * 40,
    }
    both = make_run(tags={"mlflow.source.git.commit": "e" * 40, "git_commit": "c" * 40})
    assert registration.prepare(both, "receipt-ocr")["lineage"]["git_commit"] == "c" * 40


def logged(name="scans", digest="1f0c94a3", context="training"):
    return {"name": name, "digest": digest, "source_type": "s3", "source": "s3://lake", "context": context}


def test_the_data_of_a_plain_run_are_those_that_it_logged_for_training():
    run = make_run(tags={}, inputs=[logged("checks", "22", "validation"), logged()])
    lineage = registration.prepare(run, "receipt-ocr")["lineage"]
    assert lineage == {"dataset_name": "scans", "dataset_hash": "1f0c94a3~scans"}
    assert (of_plain_run(run).dataset_name, of_plain_run(run).dataset_hash) == ("scans", "1f0c94a3~scans")
    only = make_run(tags={}, inputs=[logged("checks", "22", "validation"), logged("lost", "")])
    assert registration.prepare(only, "receipt-ocr")["lineage"]["dataset_hash"] == "22~checks"
    tagged = make_run(tags={"dataset_hash": "d" * 32}, inputs=[logged()])
    assert registration.prepare(tagged, "receipt-ocr")["lineage"] == {"dataset_hash": "d" * 32}


def test_other_data_that_a_run_logged_ask_for_a_minor_version():
    params = {"train.learning_rate": "0.003"}
    old, new = (make_run(tags={}, params=params, inputs=[logged(digest=one)]) for one in ("1", "2"))
    make_version("1.2.0", run_id=old.run_id, facts=asdict(registration.facts(old)))
    proposal = registration.propose(new, "receipt-ocr")
    assert str(proposal.version) == "1.3.0"
    assert any("scans" in reason and "MINOR" in reason for reason in proposal.reasons)


def test_a_version_without_a_tag_of_its_commit_has_the_one_of_its_metadata():
    version = make_version("1.0.0", lineage={}, metadata={"git_commit": "e" * 40})
    [commit] = [step for step in lineage_strip.of(version) if step.label == "Commit"]
    assert (commit.text, origin.of(version).commit) == ("e" * 40, "e" * 40)
    assert reproduction_facts.about(version)["commit"] == "e" * 40
    assert make_version("1.1.0", lineage={"git_commit": "c" * 40}).commit == "c" * 40
    assert make_version("1.2.0", lineage={}, metadata={}).commit == ""


def test_registering_again_after_a_failure_tries_again_with_the_new_reason():
    make_version("1.2.0")
    run, engineer = make_run(params={"train.learning_rate": "0.001"}), make_user(Role.ENGINEER)
    asked = {"user": engineer, "version": "1.2.1"}
    job = registration.register(run, "receipt-ocr", reason="typo", **asked)
    Job.objects.filter(pk=job.pk).update(state="failed")
    again = registration.register(run, "receipt-ocr", reason="same weights", **asked)
    assert (again.pk, again.state, again.payload["reason"]) == (job.pk, "queued", "same weights")
    retried = AuditEntry.objects.get(event="job.retried")
    assert "same weights" in retried.data["payload"]


def test_what_another_person_failed_to_register_is_named_instead_of_returned():
    run = make_run()
    job = registration.register(run, "receipt-ocr", user=make_user(Role.ENGINEER, username="colleague"))
    Job.objects.filter(pk=job.pk).update(state="cancelled")
    with pytest.raises(ConflictError, match=f"Job #{job.pk} of colleague"):
        registration.register(run, "receipt-ocr", user=make_user(Role.ENGINEER))
    assert Job.objects.get().state == "cancelled"


def test_a_bump_needs_a_release_to_count_from():
    with pytest.raises(ValidationError) as caught:
        registration.register(make_run(), "receipt-ocr", user=make_user(Role.ENGINEER), bump="minor")
    assert "bump" in caught.value.message_dict


def test_an_unknown_bump_is_refused():
    make_version("1.2.0")
    with pytest.raises(ValidationError) as caught:
        registration.register(make_run(), "receipt-ocr", user=make_user(Role.ENGINEER), bump="huge")
    assert "bump" in caught.value.message_dict


def test_a_viewer_may_not_register():
    with pytest.raises(PermissionDenied):
        registration.register(make_run(), "receipt-ocr", user=make_user(Role.VIEWER))


@pytest.mark.parametrize("name", ["", " ", "a/b", "a:b", "a@b", "50%", "tab\tname", "x" * 201, " padded"])
def test_an_unusable_model_name_is_refused(name):
    with pytest.raises(ValidationError) as caught:
        registration.register(make_run(), name, user=make_user(Role.ENGINEER))
    assert "model" in caught.value.message_dict


@pytest.mark.parametrize("version", ["1", "01.0.0", "1.0.0-", "v1.0.0", "1.0.0\n1"])
def test_a_version_outside_the_grammar_is_refused(version):
    with pytest.raises(ValidationError) as caught:
        registration.register(make_run(), "receipt-ocr", user=make_user(Role.ENGINEER), version=version)
    assert "version" in caught.value.message_dict


def test_a_version_that_exists_is_refused():
    make_version("1.0.0")
    with pytest.raises(ValidationError, match="exists already"):
        registration.register(make_run(), "receipt-ocr", user=make_user(Role.ENGINEER), version="1.0.0")


def test_a_smaller_bump_than_required_needs_a_reason():
    make_version("1.2.0")
    run, engineer = make_run(params={"train.learning_rate": "0.001"}), make_user(Role.ENGINEER)
    with pytest.raises(ValidationError) as caught:
        registration.register(run, "receipt-ocr", user=engineer, version="1.2.1")
    assert "reason" in caught.value.message_dict
    job = registration.register(run, "receipt-ocr", user=engineer, version="1.2.1", reason="same weights")
    assert job.payload["required_bump"] == "minor"
    assert job.payload["bump"] == "patch"


def test_a_run_that_failed_cannot_become_a_version():
    with pytest.raises(ValidationError, match="finished"):
        registration.register(make_run(status="FAILED"), "receipt-ocr", user=make_user(Role.ENGINEER))


def test_the_database_orders_versions_as_python_does():
    numbers = [
        "1.0.0-rc10",
        "1.0.0",
        "1.0.0-rc2",
        "1.0.0-dev",
        "0.9.9",
        "1.0.0-alpha.1",
        "1.0.0-beta",
        "2.0.0",
    ]
    numbers += ["1.0.0-rc.2", "1.0.0-1", "1.10.0", "1.9.0", "1.0.0-x-y", "1.0.0-Rc"]
    for number in numbers:
        make_version(number)
    stored = ModelVersion.objects.order_by("-major", "-minor", "-patch", "-pre_key")
    expected = sorted(map(MLModelVersion, numbers), reverse=True)
    assert [version.version for version in stored] == [str(version) for version in expected]


def test_a_release_candidate_of_what_is_required_can_be_asked_for():
    make_version("1.2.0")
    run, engineer = make_run(params={"train.learning_rate": "0.001"}), make_user(Role.ENGINEER)
    job = registration.register(run, "receipt-ocr", user=engineer, bump="candidate")
    assert (job.payload["version"], job.payload["bump"]) == ("1.3.0-rc1", "minor")
    make_version("1.3.0-rc1")
    make_version("1.3.0-rc2")
    options = {one.step: str(one.version) for one in registration.propose(run, "receipt-ocr").options}
    assert options == {"major": "2.0.0", "minor": "1.3.0", "patch": "1.2.1", "candidate": "1.3.0-rc3"}


def test_what_another_run_is_about_to_get_is_neither_proposed_nor_given():
    make_version("1.2.0")
    first, second = (make_run(params={"train.learning_rate": "0.003"}) for _ in range(2))
    colleague = make_user(Role.ENGINEER, username="colleague")
    job = registration.register(first, "receipt-ocr", user=colleague)
    assert job.payload["version"] == "1.2.1"
    assert str(registration.propose(second, "receipt-ocr").version) == "1.2.2"
    assert str(registration.propose(first, "receipt-ocr").version) == "1.2.1"
    with pytest.raises(
        ValidationError, match=f"Job #{job.pk} of colleague is registering another run as 1.2.1"
    ):
        registration.register(second, "receipt-ocr", user=colleague, version="1.2.1")
    Job.objects.filter(pk=job.pk).update(state="failed")
    assert str(registration.propose(second, "receipt-ocr").version) == "1.2.1"


def test_an_administrator_retries_what_another_person_failed_to_register():
    run = make_run()
    job = registration.register(run, "receipt-ocr", user=make_user(Role.ENGINEER, username="colleague"))
    Job.objects.filter(pk=job.pk).update(state="failed")
    with pytest.raises(ConflictError, match="colleague or an administrator can retry it"):
        registration.register(run, "receipt-ocr", user=make_user(Role.ENGINEER))
    again = registration.register(run, "receipt-ocr", user=make_user(Role.ADMINISTRATOR))
    assert (again.pk, again.state) == (job.pk, "queued")


def test_a_restricted_model_is_registered_by_its_members_only():
    version = make_version("1.0.0")
    version.model.restricted = True
    version.model.save()
    with pytest.raises(PermissionDenied):
        registration.register(make_run(), "receipt-ocr", user=make_user(Role.ENGINEER))
