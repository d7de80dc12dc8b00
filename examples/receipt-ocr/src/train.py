"""Stage train: train the network that params.yaml names and export it."""

import argparse
import csv
import sys
from pathlib import Path

from receipt_ocr.dataset import load_description, load_samples, write_json
from receipt_ocr.exporting import describe, export, save_example
from receipt_ocr.measuring import as_input
from receipt_ocr.networks import build
from receipt_ocr.settings import SettingsError, Train
from receipt_ocr.training import DivergedError, Epoch, make_repeatable, train_epochs


def train(source: Path, output: Path, metrics: Path, history: Path, params: Path) -> None:
    """Train on the data set in `source`; write the model, its last metrics and the curve.

    Raises SettingsError for a wrong parameter, DivergedError if training fails.
    """
    settings, data = Train.read(params), load_description(source)
    make_repeatable(settings.seed)
    network = build(data, settings)
    samples, val = load_samples(source, "train"), load_samples(source, "val")
    epochs = []
    for epoch in train_epochs(network, settings, samples, val):
        epochs.append(epoch)
        print(" ".join(f"{name}={value:g}" for name, value in epoch.row().items()), flush=True)
    write_history(history, epochs)
    last = epochs[-1].row()
    totals = {"train_loss": last["train_loss"], "val_loss": last["val_loss"], "epochs": len(epochs)}
    write_json(metrics, totals)
    output.mkdir(parents=True, exist_ok=True)
    example = as_input(samples.images[:2])
    save_example(example, output / "input_example.npy")
    write_json(output / "model_info.json", describe(network, data, settings))
    export(network, example, output / "model.pt2")


def write_history(path: Path, epochs: list[Epoch]) -> None:
    """Write one row per epoch."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as stream:
        rows = csv.DictWriter(stream, fieldnames=list(epochs[0].row()), lineterminator="\n")
        rows.writeheader()
        rows.writerows(epoch.row() for epoch in epochs)


def main() -> None:
    """Parse the command line and run the stage."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--input", type=Path, required=True, help="folder of the composed data set")
    parser.add_argument("--output", type=Path, required=True, help="folder of the model")
    parser.add_argument("--metrics", type=Path, required=True, help="JSON file of the last epoch's metrics")
    parser.add_argument("--history", type=Path, required=True, help="CSV file of all epochs")
    options = parser.parse_args()
    try:
        train(options.input, options.output, options.metrics, options.history, Path("params.yaml"))
    except (SettingsError, DivergedError) as error:
        sys.exit(f"train: {error}")


if __name__ == "__main__":
    main()
