"""What changed between two commits, and which stages run again because of it."""

from dataclasses import replace

import pytest

from lineage.pipeline_changes import Change, Comparison, Stage, State, compare, stale

RAW = Stage("raw.dvc", kind="tracked", outputs={"raw": "1.dir"})
PREPARE = Stage(
    "prepare",
    command="python prepare.py",
    locked_command="python prepare.py",
    is_locked=True,
    inputs={"raw": "1.dir", "prepare.py": "x"},
    outputs={"prepared": "p"},
    watched={"params.yaml": ["prepare"]},
    locked={"params.yaml": {"prepare": {"split": 0.2}}},
)
TRAIN = Stage("train", command="python train.py", inputs={"prepared": "p"}, outputs={"model": "m"})
REPORT = Stage("report", command="echo done", inputs={"README": "r"}, outputs={"report": "q"})
STATE = State(
    [RAW, PREPARE, TRAIN, REPORT],
    code={"prepare.py": "c1", "README": "c2"},
    params={"params.yaml": {"prepare.split": 0.2, "train.lr": 1}},
)


def reruns(found: Comparison) -> dict[str, list[Change]]:
    return {one.stage.address: list(one.changes) for one in found.reruns}


def with_stage(old: Stage, new: Stage) -> State:
    return replace(STATE, stages=[new if one is old else one for one in STATE.stages])


def test_nothing_changed_means_nothing_runs() -> None:
    assert compare(STATE, STATE).reruns == []


@pytest.mark.parametrize(
    ("new", "change"),
    [
        (
            replace(STATE, code={**STATE.code, "prepare.py": "c9"}),
            Change("code", "prepare.py", "c1", "c9"),
        ),
        (
            replace(STATE, params={"params.yaml": {"prepare.split": 0.3, "train.lr": 1}}),
            Change("parameter", "prepare.split", 0.2, 0.3),
        ),
        (
            with_stage(RAW, replace(RAW, outputs={"raw": "2.dir"})),
            Change("data", "raw", "1.dir", "2.dir"),
        ),
        (
            with_stage(PREPARE, replace(PREPARE, command="python prepare.py --fast")),
            Change("command", "", "python prepare.py", "python prepare.py --fast"),
        ),
        (
            with_stage(PREPARE, replace(PREPARE, inputs={**PREPARE.inputs, "more.csv": ""})),
            Change("input", "more.csv", None, "more.csv"),
        ),
    ],
    ids=["code", "parameter", "data", "command", "dependency"],
)
def test_a_change_runs_its_stage_and_what_follows_again(new: State, change: Change) -> None:
    found = reruns(compare(STATE, new))
    assert set(found) == {"prepare", "train"}
    [told] = found["prepare"]
    assert told == change
    assert found["train"] == []


def test_a_parameter_that_nobody_reads_runs_nothing() -> None:
    new = replace(STATE, params={"params.yaml": {"prepare.split": 0.2, "train.lr": 2}})
    assert compare(STATE, new).reruns == []


def test_a_frozen_stage_does_not_run_and_passes_nothing_on_by_itself() -> None:
    old = with_stage(PREPARE, replace(PREPARE, frozen=True))
    new = replace(old, code={**STATE.code, "prepare.py": "c9"})
    assert compare(old, new).reruns == []


def test_a_renamed_stage_keeps_its_history_and_runs_nothing() -> None:
    found = compare(STATE, with_stage(TRAIN, replace(TRAIN, address="fit")))
    [fit] = [one for one in found.stages if one.stage.address == "fit"]
    assert (fit.before, fit.is_new, found.reruns, found.removed) == ("train", False, [], ())


def test_new_and_removed_stages_are_named() -> None:
    new = replace(
        STATE, stages=[RAW, PREPARE, TRAIN, replace(REPORT, address="x", command="y", outputs={"z": ""})]
    )
    found = compare(STATE, new)
    assert [one.stage.address for one in found.reruns if one.is_new] == ["x"]
    assert [one.address for one in found.removed] == ["report"]


def test_stages_in_a_circle_come_to_an_end() -> None:
    one = Stage("one", command="a", inputs={"b": ""}, outputs={"a": ""})
    two = Stage("two", command="b", inputs={"a": ""}, outputs={"b": ""})
    found = compare(State([one, two]), State([replace(one, command="c"), two]))
    assert [change.stage.address for change in found.reruns] == ["one", "two"]


def test_a_lock_that_does_not_belong_to_its_commit_is_told() -> None:
    state = replace(STATE, params={"params.yaml": {"prepare.split": 0.5}})
    changed = replace(PREPARE, locked={"params.yaml": {"prepare": {"split": 0.2}}}, inputs={"raw": "0.dir"})
    assert [(one.kind, one.old, one.new) for one in stale(changed, state)] == [
        ("data", "0.dir", "1.dir"),
        ("parameter", 0.2, 0.5),
    ]
    assert stale(PREPARE, STATE) == []
    assert stale(TRAIN, state) == []
