"""What every gate says of the facts it looks at."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from experiments import sentences
from registry import gates
from registry.gates.gate import CardFacts, CheckFacts, Facts, GateResult, Status
from registry.gates.options import SettingsError
from registry.known_sentences import ALL
from registry.policy_rules import DEFAULTS, GateSetting, PolicyError

MOMENT = datetime(2026, 1, 1, tzinfo=UTC)
FACTS = Facts(
    version="1.1.0",
    to_stage="Production",
    is_candidate=False,
    metrics={"val_cer": 0.01},
    missing_metadata=(),
    bump="minor",
    required_bump="minor",
    card=CardFacts(3, "approved", "c" * 64),
    manifest_digest="m" * 64,
    inspection={
        "files": [{"path": "model.pt2", "kind": "pt2", "suspicions": []}],
        "clean": True,
        "error": "",
    },
    lineage={"data_hash": "d" * 32, "commit": "c" * 40, "commit_known": True, "dvc_lock_digest": "l" * 64},
)

sentences.add(ALL)


def said(gate: str, facts: Facts, **config: Any) -> GateResult:
    (found,) = gates.judge(facts, [GateSetting(gate, config=config)])
    return found.result


def checked(kind: str, passed: bool = True, **changes: Any) -> Facts:
    details = changes.pop("details", {})
    found = CheckFacts(passed, "It was looked at.", changes.pop("digest", "m" * 64), MOMENT, details)
    return replace(FACTS, checks={kind: found}, **changes)


def test_every_gate_of_the_shipped_policies_exists() -> None:
    named = {setting.gate for rules in DEFAULTS.values() for setting in rules.gates}
    assert named == set(gates.all_gates())


@pytest.mark.parametrize(
    "gate", ["metadata", "metrics", "card", "bump", "final_version", "model_files", "lineage"]
)
def test_facts_in_order_pass(gate: str) -> None:
    assert said(gate, FACTS).status is Status.PASSED


def test_what_a_gate_says_is_known_for_translation() -> None:
    facts = replace(FACTS, checks={})
    for name in gates.all_gates():
        for one in (facts, Facts("1.0.0-rc1", "Production", True, {}, ("epochs",), required_bump="major")):
            result = said(name, one)
            for text in (result.reason, *(row.reason for row in result.rows)):
                assert sentences.is_known(text), text


def test_words_of_gates_and_their_options_are_known_for_translation() -> None:
    for gate in gates.all_gates().values():
        texts = [gate.label, gate.about]
        for option in (*gate.options, *(one for top in gate.options for one in top.columns)):
            texts += [option.label, option.help]
            if option.name != "not_applicable":  # the names of metadata fields have their own translation
                texts += list((option.choices or {}).values())
        for text in filter(None, texts):
            assert sentences.is_known(text), text


def test_a_gate_that_does_not_exist_any_more_does_not_pass() -> None:
    result = said("horoscope", FACTS)
    assert result.status is Status.FAILED
    assert "does not exist any more" in result.reason


def test_a_gate_whose_settings_cannot_be_used_any_more_does_not_pass() -> None:
    result = said("metrics", FACTS, tolerance="five")
    assert result.status is Status.FAILED
    assert "cannot be used any more: A number is expected." in result.reason


def test_settings_are_completed_and_their_faults_named_all_at_once() -> None:
    assert gates.configured(GateSetting("card")).config == {"approved": True}
    with pytest.raises(SettingsError) as caught:
        gates.configured(GateSetting("lineage", config={"data": "yes", "colour": 1}))
    assert caught.value.errors == {
        "colour": "There is no setting 'colour'.",
        "data": "Yes or no is expected.",
    }
    with pytest.raises(PolicyError, match="no gate"):
        gates.configured(GateSetting("horoscope"))


def test_missing_metadata_are_named_and_counted() -> None:
    result = said("metadata", replace(FACTS, missing_metadata=("epochs", "val_cer")))
    assert result.status is Status.FAILED
    assert result.reason == "Not recorded: epochs, val_cer."
    assert result.margin == "-2"
    assert [row.name for row in result.rows] == ["epochs", "val_cer"]


def test_metadata_that_a_model_cannot_have_are_excused() -> None:
    facts = replace(FACTS, missing_metadata=("val_cer",))
    assert said("metadata", facts, not_applicable=["val_cer"]).passed
    assert not said("metadata", facts, not_applicable=["val_wer"]).passed
    with pytest.raises(SettingsError):
        gates.configured(GateSetting("metadata", config={"not_applicable": ["height"]}))


@pytest.mark.parametrize(
    ("card", "config", "passes", "words"),
    [
        (None, {}, False, "There is no model card."),
        (CardFacts(1, "draft", "c"), {}, False, "is a draft"),
        (CardFacts(1, "in_review", "c"), {}, False, "waits for its approval"),
        (CardFacts(1, "revoked", "c"), {}, False, "is not approved"),
        (CardFacts(1, "approved", "c", ("Limitations",)), {}, False, "lacks: Limitations"),
        (CardFacts(1, "draft", "c"), {"approved": False}, True, "is complete"),
        (CardFacts(1, "draft", "c", ("Limitations",)), {"approved": False}, False, "lacks: Limitations"),
        (CardFacts(1, "approved", "c"), {}, True, "complete and approved"),
    ],
)
def test_the_card_has_to_be_complete_and_approved(
    card: CardFacts | None, config: dict[str, Any], passes: bool, words: str
) -> None:
    result = said("card", replace(FACTS, card=card), **config)
    assert result.passed is passes
    assert words in result.reason


@pytest.mark.parametrize(
    ("required", "chosen", "passes", "margin"),
    [
        ("", "", True, ""),
        ("minor", "minor", True, "0"),
        ("patch", "major", True, "+2"),
        ("major", "minor", False, "-1"),
        ("patch", "", False, "-1"),
        ("patch", "gigantic", False, "-1"),
        ("gigantic", "minor", False, "-1"),
    ],
)
def test_the_version_moves_as_far_as_the_changes_ask_for(
    required: str, chosen: str, passes: bool, margin: str
) -> None:
    result = said("bump", replace(FACTS, required_bump=required, bump=chosen))
    assert (result.passed, result.margin) == (passes, margin)


def test_a_written_reason_alone_does_not_make_the_version_honest() -> None:
    facts = replace(FACTS, required_bump="major", bump="patch", bump_reason="Nobody\nwill notice.")
    result = said("bump", facts)
    assert not result.passed
    assert result.reason.endswith("moves less far, because: Nobody will notice.")


@pytest.mark.parametrize(
    ("stage", "candidate", "passes"),
    [("Production", True, False), ("Production", False, True), ("Staging", True, True)],
)
def test_only_final_versions_go_to_production(stage: str, candidate: bool, passes: bool) -> None:
    assert said("final_version", replace(FACTS, to_stage=stage, is_candidate=candidate)).passed is passes


@pytest.mark.parametrize(
    ("gate", "kind"),
    [("artifacts", "artifacts"), ("smoke_test", "smoke_test"), ("reproduced", "reproduction")],
)
def test_the_result_of_a_job_counts_only_for_the_bytes_it_is_about(gate: str, kind: str) -> None:
    assert said(gate, FACTS).status is Status.PENDING
    assert said(gate, checked(kind)).status is Status.PASSED
    assert said(gate, checked(kind, passed=False)).status is Status.FAILED
    assert said(gate, checked(kind, digest="o" * 64)).status is Status.PENDING
    assert said(gate, checked(kind, digest="", manifest_digest="")).status is Status.PENDING


def test_a_reproduction_that_never_ran_is_shown_as_such() -> None:
    result = said("reproduced", FACTS)
    assert (result.status, result.value) == (Status.PENDING, "not run")


def test_artifacts_that_differ_are_named_one_by_one() -> None:
    details = {"digest": "x" * 64, "changed": ["a"], "missing": ["b"], "added": ["c"]}
    result = said("artifacts", checked("artifacts", passed=False, details=details))
    assert [(row.name, row.reason.split()[-2:]) for row in result.rows] == [
        ("a", ["was", "registered."]),
        ("b", ["any", "more."]),
        ("c", ["the", "registration."]),
    ]
    assert (result.value, result.threshold) == ("x" * 12, "m" * 12)


@pytest.mark.parametrize(
    ("inspection", "status"),
    [
        ({}, Status.PENDING),
        ({"clean": True, "files": [], "error": ""}, Status.FAILED),
        ({"clean": True, "files": [{"path": "a", "kind": "pt2", "suspicions": []}]}, Status.PASSED),
        ({"clean": "yes", "files": [{"path": "a", "suspicions": []}]}, Status.FAILED),
        ({"clean": False, "files": [{"path": "a", "suspicions": []}]}, Status.FAILED),
        ({"clean": True, "files": [{"path": "a", "suspicions": ["imports os.system"]}]}, Status.FAILED),
        ({"clean": True, "files": [{"path": "a", "suspicions": []}], "error": "crashed"}, Status.FAILED),
        ({"files": None, "clean": True}, Status.FAILED),
    ],
)
def test_model_files_are_clean_only_if_everything_says_so(inspection: dict[str, Any], status: Status) -> None:
    assert said("model_files", replace(FACTS, inspection=inspection)).status is status


def test_suspicious_files_are_named_with_what_is_suspected() -> None:
    files = [{"path": "model.pkl", "kind": "pickle", "suspicions": ["imports os.system"]}]
    result = said("model_files", replace(FACTS, inspection={"files": files, "clean": False}))
    assert "model.pkl" in result.reason
    assert [(row.name, row.value, row.reason) for row in result.rows] == [
        ("model.pkl", "pickle", "imports os.system")
    ]


@pytest.mark.parametrize(
    ("lacking", "row", "words"),
    [
        ({"data_hash": ""}, "data", "not recorded"),
        ({"commit": ""}, "commit", "not recorded"),
        ({"commit_known": False}, "commit", "No repository"),
        ({"commit_known": "yes"}, "commit", "No repository"),
        ({"dvc_lock_digest": None}, "dvc.lock", "no digest"),
    ],
)
def test_what_the_lineage_lacks_is_named(lacking: dict[str, Any], row: str, words: str) -> None:
    result = said("lineage", replace(FACTS, lineage={**FACTS.lineage, **lacking}))
    assert (result.status, result.reason, result.margin) == (Status.FAILED, f"Not known: {row}.", "-1")
    assert words in result.rows[0].reason


def test_a_policy_can_do_without_parts_of_the_lineage() -> None:
    facts = replace(FACTS, lineage={**FACTS.lineage, "dvc_lock_digest": ""})
    assert said("lineage", facts, dvc_lock=False).passed
