"""English sentences of rules and workers in the reader's language, and that none of them was forgotten."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.utils import translation

from experiments import labels, sentences
from registry import bump, version_facts
from registry.bump import VersionFacts
from registry.semver import MLModelVersion

# What these modules raise gets to people: into forms, into the error of a job, onto the page of a repository.
SPEAKERS = (
    "experiments/commit_index.py",
    "experiments/fetch_job.py",
    "experiments/job_keeper.py",
    "experiments/parameter_values.py",
    "experiments/parameters.py",
    "experiments/params_yaml.py",
    "experiments/pipeline_clone.py",
    "experiments/pipeline_job.py",
    "integrations/artifact_stores.py",
    "integrations/artifacts.py",
    "integrations/dvc_clone.py",
    "integrations/dvc_commands.py",
    "integrations/dvc_files.py",
    "integrations/dvc_listings.py",
    "integrations/dvc_locks.py",
    "integrations/dvc_objects.py",
    "integrations/dvc_shapes.py",
    "integrations/dvc_verification.py",
    "integrations/git_commands.py",
    "integrations/git_locks.py",
    "integrations/git_reading.py",
    "integrations/git_repository.py",
    "integrations/git_results.py",
    "integrations/git_urls.py",
    "integrations/mlflow_http.py",
    "integrations/mlflow_limits.py",
    "integrations/mlflow_logged_models.py",
    "integrations/mlflow_reading.py",
    "integrations/mlflow_records.py",
    "integrations/mlflow_registering.py",
    "integrations/mlflow_writing.py",
    "integrations/model_files.py",
    "integrations/model_packaging.py",
    "integrations/outside_hosts.py",
    "integrations/process_group.py",
    "integrations/git_trees.py",
    "integrations/values_files.py",
    "integrations/yaml_text.py",
    "lineage/index_job.py",
    "lineage/dvc_places.py",
    "lineage/listing_job.py",
    "lineage/plot_contents.py",
    "lineage/tree_reading.py",
    "registry/log_run_job.py",
    "registry/semver.py",
)
# Raised for whoever writes code, or caught before anybody reads them.
UNSPOKEN = {"AssertionError", "AttributeError", "FileNotFoundError", "OSError", "TypeError", "ValueError"}
TEXTS = {"message", "problem", "reason"}
# Sentences that are put together, and what comes of them.
IN_PIECES = {
    "x: x": ["params.yaml: x"],
    "The data of x x.": [
        "The data of x are neither in the cache nor in the DVC remote.",
        "The data of x cannot be fetched now.",
    ],
    "x was cancelled.": ["dvc repro was cancelled."],
    "x took longer than x s.": ["dvc repro took longer than x s."],
    "x failed: x": ["dvc repro failed: x"],
    "MLflow at x x.": ["MLflow at x cannot be reached.", "MLflow at x did not answer in time."],
}


def spoken(module: str) -> Iterator[str]:
    """Yield the sentences that a module raises, or prepares for that, with `x` for what fills them."""
    tree = ast.parse((Path(settings.BASE_DIR) / module).read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _raises(node.func) and node.args:
            yield from _sentence(node.args[0])
        elif isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") in TEXTS:
            yield from _sentence(node.value)


def _raises(called: ast.expr) -> bool:
    name = getattr(called, "id", "")
    return name.endswith(("Error", "Out")) and name not in UNSPOKEN


def _sentence(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.JoinedStr):
        pieces = (piece.value if isinstance(piece, ast.Constant) else "x" for piece in node.values)
        yield "".join(map(str, pieces)).partition("\n")[0]


@pytest.mark.parametrize("module", SPEAKERS)
def test_every_sentence_that_gets_to_people_is_known(module: str) -> None:
    said = [text for one in spoken(module) for text in IN_PIECES.get(one, [one]) if text != "x"]
    unknown = [text for text in said if not sentences.is_known(text)]
    assert not unknown, f"Name them in known_sentences.py and run: manage.py update_catalogues\n{unknown}"


def test_the_search_for_sentences_finds_some() -> None:
    assert "must be true or false" in set(spoken("experiments/parameter_values.py"))
    assert "MLflow at x x." in set(spoken("integrations/mlflow_http.py"))
    assert not sentences.is_known("Something that nobody named.")


@pytest.mark.parametrize(
    ("english", "korean"),
    [
        ("must be a whole number, such as 32", "정수여야 합니다(예: 32)"),
        ("item 2 must be a finite number", "2번째 항목: 유한한 숫자여야 합니다"),
        ("There is no commit 'abc'.", "이런 커밋이 없습니다: 'abc'"),
        ("params.yaml: The file has more than 7 characters.", "params.yaml: 파일이 7자를 넘습니다."),
        ("Its worker fell silent (2 times).", "워커의 응답이 끊겼습니다(2회)."),
        ("a tool said this", "a tool said this"),
        ("Stage 'train' failed. Its last lines:\nloss nan", "스테이지 'train' 실패. 마지막 출력:\nloss nan"),
    ],
)
def test_a_known_sentence_is_said_in_the_language_of_the_reader(english: str, korean: str) -> None:
    with translation.override("ko"):
        assert sentences.translated(english) == korean
    with translation.override("en"):
        assert sentences.translated(english) == english


def test_what_a_sentence_is_filled_with_is_not_taken_for_a_placeholder() -> None:
    with translation.override("ko"):
        assert sentences.translated("There is no commit %(ref)s.") == "이런 커밋이 없습니다: %(ref)s"


def test_every_reason_for_a_bump_is_known() -> None:
    before = VersionFacts("CNN", '{"a": 1}', None, {"d": "1", "old": "2"}, {"lr": 1, "gone": 2}, "c0ffee")
    after = VersionFacts("CRNN", '{"a": 2}', None, {"d": "3", "new": "2"}, {"lr": 3, "fresh": 4}, "abcdef")
    proposal = bump.propose(MLModelVersion("1.0.0"), before, after)
    first = bump.propose(None, before, after)
    same = bump.propose(MLModelVersion("1.0.0"), before, before)
    for reason in (*proposal.reasons, *first.reasons, *same.reasons, *proposal.unknown):
        text = reason.rpartition(": ")[0] or reason
        # A parameter and its two values need no words.
        assert sentences.is_known(text) or text == "lr 1 -> 3", text
    with translation.override("ko"):
        words = [reason.text for reason in version_facts.reasons_apart(proposal.reasons)]
    assert words[:2] == ["아키텍처 CNN → CRNN", '입력 스키마 {"a": 1} → {"a": 2}']


def test_what_is_wrong_with_a_version_is_known() -> None:
    for text in ("v1.0.0", "1.02.0", "1", "1.0.0+" + "b" * 200, "99999999999999999999.0.0"):
        with pytest.raises(ValueError) as caught:
            MLModelVersion(text)
        assert sentences.is_known(str(caught.value))
        with translation.override("ko"):
            assert "모델 버전이 아닙니다" in sentences.translated(str(caught.value))


def test_steps_of_ours_have_words_and_stages_keep_their_names() -> None:
    with translation.override("ko"):
        assert labels.step("pipeline", "fetch data") == "데이터 가져오기"
        assert labels.step("register", "hash files") == "파일 해시"
        # The same word as a step of another kind, but here a stage that somebody's dvc.yaml names.
        assert labels.step("pipeline", "record") == "record"
        assert labels.step("of another time", "record") == "record"
        assert labels.kind("register") == "버전 등록"


def test_every_step_of_every_kind_has_words() -> None:
    from experiments import runners, stage_board

    with translation.override("ko"):
        for kind in runners.all_kinds():
            names = kind.steps or (*stage_board.BEFORE, *stage_board.AFTER)
            assert [name for name in names if labels.step(kind.name, name) == name] == []
            assert labels.kind(kind.name) != kind.label
