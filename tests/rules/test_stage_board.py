"""Following `dvc repro` by its output."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from django.utils import timezone

from experiments.job_board import StepBoard
from experiments.job_context import JobContext, Stopped
from experiments.stage_board import StageBoard, StageTime

OUTPUT = """\
'data/raw.dvc' didn't change, skipping
Stage 'prepare' didn't change, skipping
Stage 'split' is cached - skipping run, checking out outputs
Running stage 'train':
> python train.py
epoch 1
Updating lock file 'dvc.lock'

Running stage 'evaluate':
> python evaluate.py
Updating lock file 'dvc.lock'
"""


class Sink:
    def __init__(self) -> None:
        self.lines: list[str] = []

    def write(self, text: str) -> None:
        self.lines.append(text)


class NoReason:
    def reason(self) -> Stopped | None:
        return None


class Clock:
    """Seconds that pass only when a line is taken."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def watch(stages: list[str], output: str, **options: Any) -> tuple[StageBoard, StepBoard, Sink]:
    clock, steps, sink = Clock(), StepBoard(), Sink()
    context = JobContext(
        job_id=1,
        attempt=1,
        payload={},
        workspace=Path("/nowhere"),
        marker="m",
        submitted_by="somebody",
        time_limit=1,
        sink=sink,
        board=steps,
        watch=NoReason(),
    )
    board = StageBoard(context, stages, clock=clock, **options)
    for line in output.splitlines():
        clock.now += 1
        board.on_line(line)
    return board, steps, sink


def states(steps: StepBoard) -> dict[str, str]:
    taken = steps.take()
    assert taken is not None
    return {step["name"]: step["state"] for step in taken[0]}


def test_each_stage_is_shown_and_timed_from_its_start_to_the_next() -> None:
    ran: list[tuple[str, StageTime]] = []
    board, steps, sink = watch(
        ["prepare", "split", "train", "evaluate"], OUTPUT, on_ran=lambda *given: ran.append(given)
    )
    assert board.current == "evaluate"
    board.finish()
    assert board.times == {
        "prepare": StageTime("cached"),
        "split": StageTime("cached"),
        "train": StageTime("ran", 5.0),
        "evaluate": StageTime("ran", 2.0),
    }
    assert ran == [("train", StageTime("ran", 5.0)), ("evaluate", StageTime("ran", 2.0))]
    assert states(steps) == {
        "clone": "waiting",
        "fetch data": "waiting",
        "prepare": "skipped",
        "split": "skipped",
        "train": "done",
        "evaluate": "done",
        "verify": "waiting",
        "commit": "waiting",
        "push data": "waiting",
    }
    assert sink.lines == OUTPUT.splitlines()


def test_a_failure_keeps_the_stage_and_its_last_lines() -> None:
    output = (
        OUTPUT.partition("Updating")[0] + "ERROR: failed to reproduce 'train': failed to run: exited with 1"
    )
    board, steps, _ = watch(["prepare", "split", "train", "evaluate"], output)
    board.fail()
    assert board.current == "train"
    assert list(board.last_lines)[:2] == ["> python train.py", "epoch 1"]
    assert board.times["train"].state == "failed"
    assert states(steps)["train"] == "failed"
    assert "evaluate" not in board.times


def test_a_failure_before_anything_ran_names_the_stage_too() -> None:
    board, _, _ = watch(["train"], "ERROR: failed to reproduce 'train': missing data 'source': data/raw")
    board.fail()
    assert board.current == "train"


def test_stages_that_share_a_name_with_our_steps_and_instances_of_one_stage_are_told_apart() -> None:
    output = "Running stage 'verify':\nRunning stage 'train@a':\nRunning stage 'train@b':\n"
    board, steps, _ = watch(["verify", "train"], output)
    board.finish()
    found = states(steps)
    assert found["verify (stage)"] == "done"
    assert found["verify"] == "waiting"
    assert found["train"] == "done"
    assert set(board.times) == {"verify", "train@a", "train@b"}


def test_a_stage_that_is_not_in_the_pipeline_moves_nothing() -> None:
    board, steps, _ = watch(["train"], "Running stage 'other':\n")
    assert board.current is None
    assert states(steps)["train"] == "waiting"


def test_a_stage_says_when_it_began() -> None:
    before = timezone.now()
    board, _, _ = watch(["prepare", "split", "train", "evaluate"], OUTPUT)
    board.finish()
    began = {name: time.started_at for name, time in board.times.items()}
    assert began["prepare"] == ""  # it did not run
    train, evaluate = (datetime.fromisoformat(began[name]) for name in ("train", "evaluate"))
    assert before <= train <= evaluate <= timezone.now()
