"""Stage evaluate: measure the exported model on the validation amounts."""

import argparse
import csv
import json
import sys
from itertools import chain
from pathlib import Path

from receipt_ocr.dataset import load_samples, write_json
from receipt_ocr.exporting import load
from receipt_ocr.measuring import measure
from receipt_ocr.scores import GAP, digit_pairs
from receipt_ocr.settings import Evaluate, SettingsError
from receipt_ocr.training import make_repeatable


def evaluate(model: Path, source: Path, metrics: Path, confusion: Path, params: Path) -> None:
    """Measure the archive in `model` on the data set in `source`; write metrics and digit confusions.

    Raises SettingsError for a wrong parameter.
    """
    settings = Evaluate.read(params)
    make_repeatable(seed=0)
    info = json.loads((model / "model_info.json").read_text(encoding="utf-8"))
    samples = load_samples(source, "val")
    measured = measure(load(model / "model.pt2"), info["architecture"], samples, settings.batch_size)
    write_json(metrics, measured.metrics())
    pairs = list(chain.from_iterable(map(digit_pairs, samples.amounts, measured.read)))
    write_confusion(confusion, [pair for pair in pairs if settings.confusion_gaps or GAP not in pair])
    print(" ".join(f"{name}={value:g}" for name, value in measured.metrics().items()))


def write_confusion(path: Path, pairs: list[tuple[str, str]]) -> None:
    """Write one row (actual, predicted) for every digit."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as stream:
        rows = csv.writer(stream, lineterminator="\n")
        rows.writerow(["actual", "predicted"])
        rows.writerows(pairs)


def main() -> None:
    """Parse the command line and run the stage."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True, help="folder of the model")
    parser.add_argument("--data", type=Path, required=True, help="folder of the composed data set")
    parser.add_argument("--metrics", type=Path, required=True, help="JSON file of metrics")
    parser.add_argument("--confusion", type=Path, required=True, help="CSV file of digit confusions")
    options = parser.parse_args()
    try:
        evaluate(options.model, options.data, options.metrics, options.confusion, Path("params.yaml"))
    except SettingsError as error:
        sys.exit(f"evaluate: {error}")


if __name__ == "__main__":
    main()
