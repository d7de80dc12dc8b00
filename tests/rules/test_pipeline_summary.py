"""What is kept of a `dvc.yaml`: stages in running order, and only what a database can store."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from experiments.pipeline_summary import in_running_order, summary
from integrations.dvc_files import read_pipeline
from integrations.errors import IntegrationError

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "receipt-ocr" / "dvc.yaml"


def order_of(text: str) -> list[str]:
    return [stage.name for stage in in_running_order(read_pipeline(text).stages)]


def test_the_demo_pipeline_is_kept_with_paths_parameters_and_plots() -> None:
    kept = summary(read_pipeline(EXAMPLE.read_text(encoding="utf-8")))
    assert [stage["name"] for stage in kept["stages"]] == ["preprocess", "train", "evaluate"]
    train = kept["stages"][1]
    assert "train.learning_rate" in train["params"]
    assert train["outs"] == ["models"]
    assert train["metrics"] == ["metrics/train.json"]
    assert train["uncached"] == ["metrics/train.json", "plots/history.csv"]
    assert train["plots"] == [
        {
            "path": "plots/history.csv",
            "x": "epoch",
            "y": "val_cer",
            "title": "Training history",
            "template": "",
        }
    ]
    assert kept["artifacts"]["receipt-ocr"]["path"] == "models/model.pt2"
    assert kept["artifacts"]["receipt-ocr"]["type"] == "model"


def test_a_stage_comes_after_those_whose_outputs_it_reads_wherever_it_stands_in_the_file() -> None:
    text = """
    stages:
      report: {cmd: r, deps: [out/model/weights.bin, metrics]}
      train: {cmd: t, deps: [data/clean], outs: [out/model], metrics: [metrics/train.json]}
      clean: {cmd: c, wdir: data, deps: [raw], outs: [clean]}
      alone: {cmd: a}
    """
    assert order_of(text) == ["clean", "train", "report", "alone"]


def test_stages_that_wait_for_each_other_do_not_hang() -> None:
    text = """
    stages:
      a: {cmd: a, deps: [y], outs: [x]}
      b: {cmd: b, deps: [x], outs: [y]}
      c: {cmd: c}
    """
    assert sorted(order_of(text)) == ["a", "b", "c"]


def test_what_a_database_cannot_store_is_replaced_and_what_is_long_is_cut() -> None:
    text = 'stages: {"a\\0b": {cmd: "c", desc: "' + "d" * 5_000 + '", deps: [' + "x," * 2_000 + "]}}"
    stage = summary(read_pipeline(text))["stages"][0]
    assert stage["name"] == "a\ufffdb"
    assert len(stage["desc"]) == 1_000
    assert len(stage["deps"]) == 500
    json.dumps(stage).encode()
    assert "\x00" not in str(stage)


def test_half_a_surrogate_pair_is_no_yaml() -> None:
    with pytest.raises(IntegrationError, match="not valid YAML: while parsing"):
        read_pipeline('stages: {a: {cmd: "\\ud800"}}')


def test_many_stages_and_paths_are_ordered_quickly() -> None:
    stages = ", ".join(f"s{n}: {{cmd: c, deps: [d/{n}/x], outs: [d/{n + 1}]}}" for n in range(900, 0, -1))
    assert len(summary(read_pipeline(f"stages: {{{stages}}}"))["stages"]) == 200
