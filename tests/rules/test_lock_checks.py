"""Whether a lock is of the pipeline beside it, in whatever kind of file its parameters stand."""

from collections.abc import Mapping

import pytest

from experiments import sentences
from integrations.dvc_files import read_pipeline
from integrations.dvc_locks import read_lock
from lineage.lock_checks import check_lock, check_rerun
from lineage.rebuilt import NotRebuiltError

PIPELINE = "stages:\n  fit:\n    cmd: python fit.py\n    params: [lr, net]\n"
LOCK = """\
schema: '2.0'
stages:
  fit:
    cmd: python fit.py
    params:
      params.yaml:
        lr: 0.1
        net: {layers: [1, 2], wide: true}
"""
PARAMS = "lr: 0.1\nnet:\n  layers: [1, 2]\n  wide: true\n"


def check(pipeline: str, lock: str, files: Mapping[str, str]) -> None:
    def read(path: str) -> bytes | None:
        return files[path].encode() if path in files else None

    check_lock(read_pipeline(pipeline), read_lock(lock), read)


def test_a_lock_of_this_pipeline_passes() -> None:
    check(PIPELINE, LOCK, {"params.yaml": PARAMS})


@pytest.mark.parametrize(
    ("pipeline", "lock", "params", "verdict", "told"),
    [
        (PIPELINE, "schema: '2.0'\nstages: {}\n", PARAMS, "no_record", "nothing of the stage fit"),
        (f"{PIPELINE}    frozen: true\n", LOCK, PARAMS, "no_record", "is frozen"),
        (PIPELINE.replace("fit.py", "other.py"), LOCK, PARAMS, "changed_input", "command of the stage fit"),
        (PIPELINE, LOCK, PARAMS.replace("0.1", "0.2"), "changed_input", "parameter lr"),
        (PIPELINE, LOCK, PARAMS.replace("[1, 2]", "[1, 3]"), "changed_input", "parameter net"),
        (PIPELINE, LOCK, "", "changed_input", "parameter lr"),
    ],
)
def test_a_lock_of_something_else_is_named(
    pipeline: str, lock: str, params: str, verdict: str, told: str
) -> None:
    with pytest.raises(NotRebuiltError) as refusal:
        check(pipeline, lock, {"params.yaml": params})
    assert refusal.value.verdict == verdict
    assert told in refusal.value.problem
    assert sentences.is_known(refusal.value.problem)


FILES = {
    "settings.json": '{"lr": 0.1, "net": {"layers": [1, 2], "wide": true}}',
    "settings.toml": "lr = 0.1\n[net]\nlayers = [1, 2]\nwide = true\n",
    "settings.py": "import os\nlr: float = 0.1\nnet = {'layers': (1, 2), 'wide': True}\nseed = os.getpid()\n",
    "settings": PARAMS,
}


@pytest.mark.parametrize("file", FILES)
def test_parameters_are_checked_in_every_kind_of_file(file: str) -> None:
    lock = LOCK.replace("params.yaml", file)
    pipeline = PIPELINE.replace("[lr, net]", f"[{file}: [lr, net]]")
    check(pipeline, lock, {file: FILES[file]})
    for changed in ({file: FILES[file].replace("0.1", "0.2")}, {}):
        with pytest.raises(NotRebuiltError, match=f"The parameter {file}:lr of the stage fit") as refusal:
            check(pipeline, lock, changed)
        assert refusal.value.verdict == "changed_input"


def test_constants_of_classes_and_of_what_they_make_are_parameters() -> None:
    text = "class Train:\n    lr = 0.1\n    def __init__(self):\n        self.epochs = 3\n        other = 4\n"
    recorded = "Train: {lr: 0.1, epochs: 3}\n        Train.epochs: 3\n"
    lock = LOCK.partition("        lr")[0].replace("params.yaml", "train.py") + f"        {recorded}"
    pipeline = PIPELINE.replace("[lr, net]", "[train.py: [Train, Train.epochs]]")
    check(pipeline, lock, {"train.py": text})
    with pytest.raises(NotRebuiltError, match=r"train\.py:Train"):
        check(pipeline, lock, {"train.py": text.replace("3", "5")})


def test_a_file_that_cannot_be_read_is_named_as_not_checkable() -> None:
    lock, pipeline = LOCK.replace("params.yaml", "p.py"), PIPELINE.replace("[lr, net]", "[p.py: [lr, net]]")
    with pytest.raises(NotRebuiltError, match=r"The parameters of p\.py cannot be checked") as refusal:
        check(pipeline, lock, {"p.py": "lr = = 0.1"})
    assert refusal.value.verdict == "no_record"
    assert sentences.is_known(refusal.value.problem)


def test_what_was_not_there_when_it_was_recorded_is_a_change() -> None:
    more = PIPELINE.replace("[lr, net]", "[lr, net, depth]")
    check(more, LOCK, {"params.yaml": PARAMS})
    with pytest.raises(NotRebuiltError, match="parameter depth"):
        check(more, LOCK, {"params.yaml": f"{PARAMS}depth: 3\n"})
    whole = PIPELINE.replace("[lr, net]", "[params.yaml: ]")
    check(whole, LOCK, {"params.yaml": PARAMS})
    with pytest.raises(NotRebuiltError, match="parameter depth"):
        check(whole, LOCK, {"params.yaml": f"{PARAMS}depth: 3\n"})


def test_paths_are_those_of_the_working_directory_and_what_a_stage_makes_waits() -> None:
    pipeline = PIPELINE.replace("cmd: python fit.py", "cmd: python fit.py\n    wdir: sub")
    check(pipeline, LOCK, {"sub/params.yaml": PARAMS})
    with pytest.raises(NotRebuiltError, match=r"sub/params\.yaml:lr"):
        check(pipeline, LOCK, {"params.yaml": PARAMS})
    made = f"{PIPELINE}  plan:\n    cmd: python plan.py\n    outs: [params.yaml]\n"
    check(made, f"{LOCK}  plan:\n    cmd: python plan.py\n", {})


def test_a_command_that_was_filled_in_otherwise_is_noticed_afterwards() -> None:
    check_rerun(read_lock(LOCK), read_lock(LOCK))
    with pytest.raises(NotRebuiltError, match="command of the stage fit"):
        check_rerun(read_lock(LOCK), read_lock(LOCK.replace("fit.py", "fit.py --fast")))
