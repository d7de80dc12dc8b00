"""What a line of output is about."""

import pytest

from experiments.log_levels import ERROR_WORDS, level_of


@pytest.mark.parametrize(
    "line",
    [
        "Traceback (most recent call last):",
        "ERROR: failed to reproduce 'train'",
        "2026-11-23 12:00:01,123 ERROR worker is gone",
        "2026-11-23T12:00:01Z [ERROR] gone",
        "fatal: not a git repository",
        "error: pathspec did not match",
        "ValueError: loss is not finite",
        "torch.cuda.OutOfMemoryError: no room",
        "KeyboardInterruptException",
        "Segmentation fault (core dumped)",
        "Killed",
    ],
)
def test_errors_are_found_and_the_cheap_search_finds_them_too(line: str) -> None:
    assert level_of(line) == "error"
    assert any(word in line for word in ERROR_WORDS)


@pytest.mark.parametrize(
    "line",
    ["WARNING: slow", "[WARN] slow", "/srv/a.py:12: UserWarning: order", "warning: LF will be replaced"],
)
def test_warnings_are_found(line: str) -> None:
    assert level_of(line) == "warning"


@pytest.mark.parametrize(
    "line",
    ["Running stage 'train':", "> python src/train.py", "Stage 'preprocess' didn't change, skipping"],
)
def test_the_stages_of_a_pipeline_are_found(line: str) -> None:
    assert level_of(line) == "stage"


@pytest.mark.parametrize(
    "line",
    ["", "epoch 3: error_rate 0.1", "val_error: 0.2", "Errors found: 0", ">", "the Traceback is above", "T"],
)
def test_ordinary_output_is_nothing_of_that(line: str) -> None:
    assert level_of(line) == ""


def test_a_hostile_line_takes_no_longer_than_others() -> None:
    assert level_of("1" * 2000) == ""
    assert level_of("w" * 2000 + "arning") == ""
    assert level_of("Stage '" + "'" * 2000) == ""
