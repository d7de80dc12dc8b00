"""How far what was rebuilt is from what was recorded."""

import pytest
from django.utils import translation

from experiments import sentences
from lineage import reproduction_words
from lineage.rebuilt import (
    State,
    Tolerance,
    Verdict,
    compare_environments,
    compare_metrics,
    compare_texts,
    judge,
)


def states(**rows: str) -> list[dict[str, str]]:
    return [{"name": name, "state": state} for name, state in rows.items()]


def test_metrics_are_identical_within_or_different() -> None:
    recorded = {"a": 1.0, "b": 1.0, "c": 1.0, "gone": 2.0, "odd": "NaN", "train_seconds": 5.0}
    rebuilt = {"a": 1.0, "b": 1.005, "c": 1.02, "odd": "NaN", "extra": 1.0, "train_seconds": 9.0}
    found = {row["name"]: row for row in compare_metrics(recorded, rebuilt, Tolerance())}
    assert {name: row["state"] for name, row in found.items()} == {
        "a": "identical",
        "b": "within",
        "c": "different",
        "gone": "missing",
        "odd": "identical",
        "train_seconds": "not_compared",
        "extra": "new",
    }
    assert found["b"]["difference"] == pytest.approx(0.005)
    assert found["gone"]["difference"] is None


def test_a_tolerance_is_a_share_of_what_was_recorded_or_an_amount_whichever_is_more() -> None:
    tolerance = Tolerance(relative=0.1, absolute=0.5)
    for recorded, near, far in ((1.0, 1.5, 1.75), (-1.0, -1.5, -1.75), (0.0, -0.5, 0.75), (10.0, 9.0, 11.25)):
        assert tolerance.allows(recorded, near)
        assert not tolerance.allows(recorded, far)


def test_a_number_that_became_none_is_different() -> None:
    [row] = compare_metrics({"a": 1.0}, {"a": "NaN"}, Tolerance(relative=1.0))
    assert row["state"] == "different"


def test_texts_compare_by_their_numbers() -> None:
    assert compare_texts("e,1.0\n", "e,1.0\n", Tolerance()) == (State.IDENTICAL, 0.0)
    assert compare_texts("e,1.0,2\n", "e,1.001,2\n", Tolerance())[0] == State.WITHIN
    assert compare_texts("e,1.0\n", "e,1.1\n", Tolerance())[0] == State.DIFFERENT
    assert compare_texts("e,1.0\n", "f,1.0\n", Tolerance()) == (State.DIFFERENT, None)
    assert compare_texts("e,0\n", "e,1\n", Tolerance()) == (State.DIFFERENT, None)


@pytest.mark.parametrize(
    ("files", "metrics", "tolerance", "sources", "verdict"),
    [
        ({"w": "identical"}, {"a": "identical"}, Tolerance(), ["output"], "identical"),
        ({"w": "identical"}, {}, Tolerance(), ["output", "packaging", "input"], "identical"),
        ({"w": "identical"}, {"a": "within"}, Tolerance(), ["output"], "within_tolerance"),
        ({"w": "different"}, {"a": "within"}, Tolerance(), ["recorded"], "within_tolerance"),
        ({"w": "identical"}, {"a": "identical"}, Tolerance(), ["unknown", "packaging"], "not_shown"),
        ({"w": "identical"}, {"a": "identical"}, Tolerance(), ["output", "unknown"], "not_shown"),
        ({"w": "identical"}, {"a": "identical"}, Tolerance(), ["input", "packaging"], "not_shown"),
        ({"w": "identical"}, {"a": "identical"}, Tolerance(), [], "not_shown"),
        ({"w": "different"}, {"a": "within"}, Tolerance(identical_files=True), ["output"], "different"),
        ({"w": "within"}, {"a": "within"}, Tolerance(identical_files=True), ["output"], "different"),
        ({"w": "different"}, {}, Tolerance(), ["output"], "different"),
        ({"w": "within"}, {}, Tolerance(), ["output"], "different"),
        ({"w": "different"}, {"t": "not_compared"}, Tolerance(), ["output"], "different"),
        ({"w": "missing"}, {"a": "identical"}, Tolerance(), ["output"], "different"),
        ({"w": "identical"}, {"a": "different"}, Tolerance(), ["output"], "different"),
        ({"w": "identical"}, {"a": "missing"}, Tolerance(), ["output"], "different"),
        ({"w": "identical"}, {"a": "new"}, Tolerance(), ["output"], "different"),
        ({}, {}, Tolerance(), ["output"], "no_record"),
    ],
)
def test_verdicts(
    files: dict[str, str], metrics: dict[str, str], tolerance: Tolerance, sources: list[str], verdict: str
) -> None:
    registered = [{"path": source, "source": source} for source in sources]
    assert judge(states(**files), states(**metrics), tolerance, registered=registered) == verdict


def test_only_two_verdicts_pass() -> None:
    assert [verdict for verdict in Verdict if verdict.passed] == [Verdict.IDENTICAL, Verdict.WITHIN]


def test_environments_differ_by_machine_and_package() -> None:
    recorded = {"python": "3.11.1", "torch": "2.1", "packages": {"numpy": "1", "gone": "2"}}
    rebuilt = {"python": "3.11.1", "torch": "2.2", "cpus": 4, "packages": {"numpy": "2", "new": "1"}}
    assert compare_environments(recorded, rebuilt) == [
        {"name": "torch", "recorded": "2.1", "rebuilt": "2.2"},
        {"name": "gone", "recorded": "2", "rebuilt": ""},
        {"name": "new", "recorded": "", "rebuilt": "1"},
        {"name": "numpy", "recorded": "1", "rebuilt": "2"},
    ]


def test_the_sentence_about_a_rebuild_that_failed_is_the_first_line_of_why() -> None:
    why = "The data of data/raw.dvc are neither in the cache nor in the DVC remote."
    report = {
        "verdict": Verdict.MISSING_DATA.value,
        "problem": f"{why}\ndvc pull failed: data/raw",
        "files": [],
        "metrics": [],
        "registered": [],
        "stages": [],
        "isolation": {},
    }
    said = f"Not rebuilt, data are missing: {why}"
    assert reproduction_words.summary(report) == said
    with translation.override("ko"):
        assert "are missing" not in sentences.translated(said)
        assert "neither in the cache" not in sentences.translated(said)
