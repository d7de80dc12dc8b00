"""What a pipeline job says about its run."""

from __future__ import annotations

import json
import math

from experiments.pipeline_facts import (
    dataset_hash,
    flat_metrics,
    flat_params,
    inputs,
    lock_summary,
    model_stage,
    stored,
)
from integrations.dvc_files import read_pipeline
from integrations.dvc_locks import read_lock

PIPELINE = """
stages:
  prepare: {cmd: p, deps: [data/raw, prepare.py, data/labels.csv], outs: [data/clean]}
  train: {cmd: t, deps: [data/clean, data/raw/extra], outs: [models], metrics: [m.json]}
  score: {cmd: s, wdir: sub, deps: [../models], metrics: [s.json]}
artifacts:
  reader: {path: models/best/model.pt2, type: model}
"""
LOCK = """
schema: '2.0'
stages:
  prepare:
    cmd: p
    deps:
    - {path: data/raw, md5: aaa.dir, size: 10, nfiles: 2}
    - {path: prepare.py, md5: bbb, size: 1}
    - {path: data/labels.csv, md5: ccc, size: 2}
    params: {params.yaml: {prepare.day: 2024-01-31, prepare.rate: .nan}}
    outs: [{path: data/clean, md5: ddd.dir, size: 10, nfiles: 2}]
  train:
    cmd: t
    deps: [{path: data/clean, md5: ddd.dir}, {path: data/raw/extra, md5: eee}]
    outs: [{path: models, md5: fff.dir}]
"""


def test_parameters_are_flat_and_storable() -> None:
    found = flat_params(
        "a:\n  b: 1\n  c: [1, x]\n  day: 2024-01-31\n  big: 123456789012345678901\n  nan: .nan\n"
    )
    assert found["a.b"] == 1
    assert found["a.c"] == [1, "x"]
    json.dumps(found, allow_nan=False)


def test_metrics_of_later_stages_win_and_only_numbers_count() -> None:
    files = {
        "m.json": {"loss": 1, "note": "good", "ok": True, "deep": {"cer": 0.5, "list": [1]}},
        "s.json": {"loss": 0.5, "nan": math.nan},
        "top.json": {"loss": 9, "only": 3},
    }
    found = flat_metrics(files, ["data/clean", "models", "m.json", "s.json"])
    assert found == {"loss": 0.5, "only": 3, "deep.cer": 0.5, "nan": "NaN"}


def test_inputs_are_the_data_that_dvc_keeps_and_no_stage_makes() -> None:
    lock, pipeline = read_lock(LOCK), read_pipeline(PIPELINE)
    found = inputs(lock, pipeline, ["data/raw", "data/labels.csv", "models"])
    assert [one["path"] for one in found] == ["data/labels.csv", "data/raw", "data/raw/extra"]
    assert found[1] == {"path": "data/raw", "md5": "aaa.dir", "size": 10, "nfiles": 2}
    assert inputs(lock, pipeline, []) == []


def test_one_input_gives_its_own_hash_and_several_one_over_all() -> None:
    one, other = {"path": "a", "md5": "x.dir"}, {"path": "b", "md5": "y"}
    assert dataset_hash([]) is None
    assert dataset_hash([one]) == "x.dir"
    both = dataset_hash([one, other])
    assert both is not None
    assert len(both) == 32
    assert dataset_hash([one, {**other, "md5": "z"}]) != both


def test_the_training_is_the_stage_that_makes_the_model() -> None:
    assert model_stage(read_pipeline(PIPELINE)) == "train"
    assert model_stage(read_pipeline("stages: {train: {cmd: t}, x: {cmd: x}}")) == "train"
    assert model_stage(read_pipeline("stages: {fit: {cmd: t}}")) is None


def test_the_lock_is_storable_and_its_digest_tells_any_change() -> None:
    found = lock_summary(read_lock(LOCK))
    json.dumps(found, allow_nan=False)
    assert found["prepare"]["params"] == {"params.yaml": {"prepare.day": "2024-01-31", "prepare.rate": "NaN"}}
    assert len(found["prepare"]["digest"]) == 64
    other = lock_summary(read_lock(LOCK.replace("bbb", "bbc")))
    assert other["prepare"]["digest"] != found["prepare"]["digest"]
    assert other["train"]["digest"] == found["train"]["digest"]


def test_what_json_or_a_database_refuses_becomes_text() -> None:
    value = stored({"a": [math.inf, -math.inf, 2**60, True, None, "x\0y"], 3: {"\ud800": 1.5}})
    assert value == {"a": ["Infinity", "-Infinity", str(2**60), True, None, "x\ufffdy"], "3": {"?": 1.5}}
