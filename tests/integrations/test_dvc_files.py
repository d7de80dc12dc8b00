"""``dvc.yaml``, ``dvc.lock`` and the output of ``dvc repro`` become records."""

from __future__ import annotations

import json
from pathlib import Path
from unittest.mock import patch

import pytest

from integrations.dvc_events import StageEvent, stage_event
from integrations.dvc_files import read_pipeline
from integrations.dvc_locks import read_lock, read_tracked
from integrations.dvc_records import Artifact, LockedFile, Output, ParamSelection, Pipeline, Plot, Series
from integrations.errors import IntegrationError
from tests.integrations.dvc_workshop import dvc, make_project

PIPELINE = """\
vars: [models: [cnn, crnn]]
stages:
  prepare:
    cmd:
      - python prepare.py
      - echo done
    wdir: src
    desc: cut the scans
    deps: [prepare.py, ../raw]
    params:
      - prepare.rows
      - train
      - other.yaml: [a, b.c]
      - whole.yaml:
    outs:
      - ../data
      - ../state: {persist: true, cache: false, push: false, desc: kept}
    frozen: true
  train:
    cmd: python train.py ${train.lr}
    always_changed: true
    metrics: [metrics.json: {cache: false}]
    plots:
      - plain.csv
      - curve.csv:
          {cache: false, x: epoch, y: loss, title: Loss, x_label: Epoch, y_label: nats, template: linear}
      - many.csv: [{x: a}, {x: b}]
artifacts:
  ocr: {path: models/ocr.pt, type: model, desc: reads, labels: [cnn, ocr], meta: {framework: torch}}
plots:
  - logs.csv
  - Loss: {x: epoch, y: {train.csv: [loss, cer], val.csv: loss}, title: Both}
  - each.csv: {x: step, y: [a, b]}
  - Own: {x: {train.csv: step}, y: {val.csv: loss, train.csv: loss}}
  - bare.csv:
params: [more.yaml]
metrics: [all.json]
"""


def test_every_part_of_a_pipeline_is_read() -> None:
    pipeline = read_pipeline(PIPELINE)
    prepare, train = pipeline.stages
    assert (prepare.name, prepare.cmd) == ("prepare", "python prepare.py\necho done")
    assert (prepare.wdir, prepare.desc, prepare.frozen) == ("src", "cut the scans", True)
    assert prepare.deps == ("prepare.py", "../raw")
    assert prepare.params == (
        ParamSelection("params.yaml", ("prepare.rows", "train")),
        ParamSelection("other.yaml", ("a", "b.c")),
        ParamSelection("whole.yaml", ()),
    )
    assert prepare.outs == (
        Output("../data"),
        Output("../state", cache=False, persist=True, push=False, desc="kept"),
    )
    assert not prepare.templated
    assert (train.templated, train.always_changed, train.expanded, train.group) == (True, True, True, "")
    assert train.metrics == (Output("metrics.json", cache=False),)
    assert pipeline.artifacts == {
        "ocr": Artifact("models/ocr.pt", "model", "reads", ("cnn", "ocr"), {"framework": "torch"})
    }
    assert (pipeline.params, pipeline.metrics) == (("more.yaml",), ("all.json",))


def test_plots_of_stages_and_of_the_pipeline_have_one_shape() -> None:
    pipeline = read_pipeline(PIPELINE)
    plain, curve, *many = pipeline.stages[1].plots
    assert plain == Plot("plain.csv", (Series("plain.csv", None, None),))
    assert curve == Plot(
        "curve.csv", (Series("curve.csv", "epoch", "loss"),), "Loss", "Epoch", "nats", "linear", cache=False
    )
    assert [plot.series[0].x for plot in many] == ["a", "b"]
    logs, loss, each, own, bare = pipeline.plots
    assert logs.series == (Series("logs.csv", None, None),)
    assert loss.series == (
        Series("train.csv", "epoch", "loss"),
        Series("train.csv", "epoch", "cer"),
        Series("val.csv", "epoch", "loss"),
    )
    assert each.series == (Series("each.csv", "step", "a"), Series("each.csv", "step", "b"))
    assert own.series == (Series("val.csv", "step", "loss"), Series("train.csv", "step", "loss"))
    assert bare.series == (Series("bare.csv", None, None),)


def test_generated_stages_are_named_as_dvc_names_them(tmp_path: Path) -> None:
    text = """\
stages:
  simple: {foreach: [cnn, 3, 0.5, true], do: {cmd: "echo ${item}"}}
  complex: {foreach: [{a: 1}, {a: 2}], do: {cmd: "echo ${item.a}"}}
  named: {foreach: {x: 1, y: 2}, do: {cmd: "echo ${key}"}}
  grid:
    matrix: {model: [cnn, crnn], seed: [1, false], conf: [{a: 1}, [2]]}
    cmd: echo ${item.model}
"""
    project = make_project(tmp_path / "p", **{"dvc.yaml": text})
    theirs = dvc(project, "stage", "list", "--name-only").split()
    assert len(theirs) == 16
    assert sorted(stage.name for stage in read_pipeline(text).stages) == sorted(theirs)


def test_generated_stages_that_only_dvc_can_name_stand_as_one() -> None:
    text = """\
stages:
  many: {foreach: "${models}", do: {cmd: "echo ${item}", outs: ["out/${item}"]}}
  grid: {matrix: {model: "${models}", n: [1]}, cmd: echo}
"""
    many, grid = read_pipeline(text).stages
    assert (many.name, many.group, many.expanded, many.templated) == ("many", "many", False, True)
    assert many.outs == (Output("out/${item}"),)
    assert (grid.name, grid.expanded) == ("grid", False)


def test_an_absurd_matrix_is_bounded() -> None:
    axes = ", ".join(f"a{i}: [1,2,3,4,5,6,7,8,9]" for i in range(12))
    assert len(read_pipeline(f"stages: {{m: {{matrix: {{{axes}}}, cmd: x}}}}").stages) == 1000


def test_many_entries_that_stand_for_many_stages_are_refused_before_they_are_made() -> None:
    axes = ", ".join(f"a{i}: [1,2,3,4,5,6,7,8,9]" for i in range(12))
    matrices = ", ".join(f"m{i}: {{matrix: {{{axes}}}, cmd: x}}" for i in range(3))
    loops = ", ".join(f"f{i}: {{foreach: {list(range(900))}, do: {{cmd: x}}}}" for i in range(3))
    plain = ", ".join(f"s{i}: {{cmd: x}}" for i in range(2001))
    for entries in (matrices, loops, plain):
        with (
            patch("integrations.dvc_files._instances", side_effect=AssertionError("made")),
            pytest.raises(IntegrationError, match="more than 2000 stages") as caught,
        ):
            read_pipeline(f"stages: {{{entries}}}")
        assert caught.value.permanent


def test_as_many_stages_as_allowed_are_read() -> None:
    entries = ", ".join(
        f"f{i}: {{foreach: {list(range(1000))}, do: {{cmd: x, deps: [a]}}}}" for i in range(2)
    )
    stages = read_pipeline(f"stages: {{{entries}}}").stages
    assert len(stages) == 2000
    assert (stages[1].name, stages[1].group, stages[1].deps) == ("f0@1", "f0", ("a",))


@pytest.mark.parametrize("text", ["", "stages:", "stages: {}", "{}"])
def test_an_empty_pipeline_is_a_pipeline(text: str) -> None:
    assert read_pipeline(text) == Pipeline()


@pytest.mark.parametrize(
    "text",
    ["stages: [1]", "stages: {a: 1}", "stages: {a: {}}", "stages: {a: {cmd: 3}}", "artifacts: {a: {}}", "- 1",
     "stages: {a: {foreach: [1], do: 3}}", "stages: {a: {foreach: [1]}}", "a: b: c", "artifacts: 3"],
)  # fmt: skip
def test_what_is_no_pipeline_is_a_permanent_error_that_names_the_place(text: str) -> None:
    with pytest.raises(IntegrationError) as caught:
        read_pipeline(text)
    assert caught.value.permanent
    assert any(word in caught.value.message for word in ("stages", "'a'", "dvc.yaml", "artifacts"))


@pytest.mark.parametrize("odd", ["3", "[3, [4]]", "{a: b}", "[{a: 3}]", "text", "null"])
def test_odd_shapes_inside_a_stage_do_not_crash(odd: str) -> None:
    keys = ("deps", "outs", "params", "metrics", "plots", "wdir", "desc", "frozen")
    for key in keys:
        assert read_pipeline(f"stages: {{a: {{cmd: x, {key}: {odd}}}}}").stages[0].cmd == "x"
    assert read_pipeline(f"plots: {odd}\nparams: {odd}").stages == ()


LOCK = """\
schema: '2.0'
stages:
  train@cnn:
    cmd: [python train.py, echo]
    deps:
    - {path: data, hash: md5, md5: 4efa642af4614ad797c6cac959e5182a.dir, size: 3, nfiles: 3}
    - {path: 'https://host/file', etag: '"abc"'}
    - {path: old.txt, md5: b1946ac92492d2347c6235b4d2611184, size: 6}
    params:
      params.yaml: {train.lr: 0.1, train.size: [2, 2]}
    outs:
    - {path: model.bin, hash: md5, md5: cb5ae17636e975f9bf71ddf5bc542075, size: 3}
"""


def test_the_lock_is_read() -> None:
    stage = read_lock(LOCK).stages["train@cnn"]
    assert stage.cmd == "python train.py\necho"
    assert stage.params == {"params.yaml": {"train.lr": 0.1, "train.size": [2, 2]}}
    assert stage.outs == (LockedFile("model.bin", "cb5ae17636e975f9bf71ddf5bc542075", 3, None, "md5"),)
    directory, external, old = stage.deps
    assert directory == LockedFile("data", "4efa642af4614ad797c6cac959e5182a.dir", 3, 3, "md5")
    assert external.md5 is None
    assert old.hash_name == "md5-dos2unix"


@pytest.mark.parametrize("text", ["schema: '1.0'\nstages: {}", "train: [x]", "stages: 3", "- 1"])
def test_a_lock_of_another_kind_is_refused(text: str) -> None:
    with pytest.raises(IntegrationError):
        read_lock(text)


def test_an_empty_lock_has_no_stages() -> None:
    assert read_lock("").stages == {}


@pytest.mark.parametrize(
    ("line", "event"),
    [
        ("Running stage 'train':", StageEvent("train", "running")),
        ("Running stage 'sub/dvc.yaml:train@cnn-1':\n", StageEvent("sub/dvc.yaml:train@cnn-1", "running")),
        ("Stage 'train' didn't change, skipping", StageEvent("train", "unchanged")),
        ("'data/raw.dvc' didn't change, skipping", StageEvent("data/raw.dvc", "unchanged")),
        (
            "Stage 'train' is cached - skipping run, checking out outputs",
            StageEvent("train", "cached"),
        ),
        (
            "ERROR: failed to reproduce 'train': failed to run: x, exited with 1",
            StageEvent("train", "failed"),
        ),
        ("Pulling data for stage: 'train'", StageEvent("train", "pulling")),
        ("Verifying data sources in stage: 'raw.dvc'", StageEvent("raw.dvc", "verifying")),
        ("Verifying outputs in frozen stage: 'train'", StageEvent("train", "verifying")),
        ("> python train.py", None),
        ("my script says: Running stage 'x':", None),
        ("", None),
    ],
)
def test_lines_that_tell_about_stages_are_recognised(line: str, event: StageEvent | None) -> None:
    assert stage_event(line) == event


def test_a_folder_whose_files_a_cloud_keeps_has_the_hash_that_dvc_gives_it() -> None:
    from dvc_data.hashfile.tree import Tree

    files = [
        {"relpath": "b/é.png", "md5": "b" * 32, "size": 3, "cloud": {"storage": {"version_id": "L1"}}},
        {"relpath": "a.png", "md5": "a" * 32, "size": 12},
    ]
    tree = Tree.from_list(
        [{name: one[name] for name in ("relpath", "md5")} for one in files], hash_name="md5"
    )
    tree.digest()
    [out] = read_tracked(json.dumps({"outs": [{"path": "images", "files": files}]}), "images.dvc").outs
    assert (out.md5, out.size, out.nfiles) == (tree.hash_info.value, 15, 2)
    unsure = [{**files[0], "md5": None}, {**files[1], "size": None}]
    [out] = read_tracked(json.dumps({"outs": [{"path": "images", "files": unsure}]}), "images.dvc").outs
    assert (out.md5, out.size, out.nfiles) == (None, None, 2)
