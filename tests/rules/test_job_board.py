"""Steps and message of a running job."""

import pytest

from experiments.job_board import MAX_STEPS, StepBoard


class Clock:
    """A clock that is set by hand."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def states(steps: list[dict[str, object]]) -> dict[object, object]:
    return {step["name"]: step["state"] for step in steps}


def test_it_shows_the_steps_of_the_kind_from_the_start() -> None:
    steps, message = StepBoard(["fetch", "run"]).take() or ([], None)
    assert states(steps) == {"fetch": "waiting", "run": "waiting"}
    assert message == ""


def test_only_changes_are_handed_out() -> None:
    board = StepBoard(["fetch"])
    assert board.take() is not None
    assert board.take() is None
    board.set_message("now")
    assert board.take() is not None


def test_what_could_not_be_stored_is_handed_out_again() -> None:
    board = StepBoard()
    board.take()
    board.put_back()
    assert board.take() == ([], "")


def test_a_finished_step_says_how_long_it_took() -> None:
    clock = Clock()
    board = StepBoard(["train"], clock=clock)
    board.set_step("train", "running")
    clock.now += 12.34
    board.set_step("train", "done")
    assert board.take() == ([{"name": "train", "state": "done", "seconds": 12.3}], "")


def test_an_unknown_step_is_added_at_the_end_and_a_flood_of_them_is_not() -> None:
    board = StepBoard(["one"])
    for number in range(2 * MAX_STEPS):
        board.set_step(f"step {number}", "done")
    steps, _ = board.take() or ([], "")
    assert [step["name"] for step in steps[:2]] == ["one", "step 0"]
    assert len(steps) == MAX_STEPS


def test_an_unknown_state_is_refused() -> None:
    with pytest.raises(ValueError, match="finished"):
        StepBoard(["one"]).set_step("one", "finished")


def test_at_the_end_of_a_success_nothing_runs_or_waits() -> None:
    board = StepBoard(["a", "b", "c"])
    board.set_step("a", "done")
    board.set_step("b", "running")
    assert states(board.closed("done")) == {"a": "done", "b": "done", "c": "skipped"}


def test_a_failure_is_that_of_the_running_step_and_the_rest_never_came() -> None:
    board = StepBoard(["a", "b", "c"])
    board.set_step("b", "running")
    assert states(board.closed("failed")) == {"a": "waiting", "b": "failed", "c": "waiting"}


def test_a_message_is_one_short_line() -> None:
    board = StepBoard()
    board.set_message("a\nb\x1b[31m" + "x" * 1000)
    _, message = board.take() or ([], "")
    assert message.startswith("a bx")
    assert len(message) == 300
