"""The composed data set on disk: arrays of images, tables of amounts, and a description."""

import csv
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from receipt_ocr.amounts import Samples


@dataclass(frozen=True)
class Description:
    """What train and evaluate must know of the data; sizes in pixels."""

    name: str
    version: str
    height: int
    width: int
    longest: int


def save_samples(folder: Path, part: str, samples: Samples) -> None:
    """Write `<part>.npy` (images) and `<part>.csv` (amount and the scans it was composed of)."""
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / f"{part}.npy", samples.images)
    with (folder / f"{part}.csv").open("w", newline="", encoding="utf-8") as stream:
        rows = csv.writer(stream, lineterminator="\n")
        rows.writerow(["amount", "scans"])
        rows.writerows(
            [amount, " ".join(scans)] for amount, scans in zip(samples.amounts, samples.scans, strict=True)
        )


def load_samples(folder: Path, part: str) -> Samples:
    """Read what `save_samples` wrote."""
    with (folder / f"{part}.csv").open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    images = np.load(folder / f"{part}.npy", allow_pickle=False)
    return Samples(images, [row["amount"] for row in rows], [row["scans"].split() for row in rows])


def save_description(folder: Path, description: Description) -> None:
    """Write `dataset.json`."""
    write_json(folder / "dataset.json", vars(description))


def load_description(folder: Path) -> Description:
    """Read `dataset.json`."""
    return Description(**json.loads((folder / "dataset.json").read_text(encoding="utf-8")))


def write_json(path: Path, values: Mapping[str, Any]) -> None:
    """Write a mapping as indented JSON with a final newline; parent folders are made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")
