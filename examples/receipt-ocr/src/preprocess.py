"""Stage preprocess: split the scans, compose training and validation amounts from them."""

import argparse
import sys
from pathlib import Path

import numpy as np
from receipt_ocr.amounts import compose
from receipt_ocr.dataset import Description, save_description, save_samples, write_json
from receipt_ocr.scans import read_scans, split_scans
from receipt_ocr.settings import Data, Preprocess


def preprocess(source: Path, output: Path, metrics: Path, params: Path) -> None:
    """Read scans from `source`, write the data set to `output` and its counts to `metrics`.

    Raises SettingsError for a wrong parameter, ValueError if the scans cannot be split.
    """
    data, settings = Data.read(params), Preprocess.read(params)
    scans = read_scans(source)
    train, val = split_scans(scans, settings.split_ratio, settings.seed)
    # Two streams, so that the number of training amounts does not change the validation amounts.
    train_rng, val_rng = (np.random.default_rng([settings.seed, stream]) for stream in (0, 1))
    save_samples(output, "train", compose(train, settings.train_samples, settings, train_rng))
    save_samples(output, "val", compose(val, settings.val_samples, settings, val_rng))
    height, width = settings.canvas
    save_description(output, Description(data.name, data.version, height, width, settings.amount_digits[1]))
    counts = {
        "train_samples": settings.train_samples,
        "val_samples": settings.val_samples,
        "split_ratio": round(len(train) / len(scans), 6),
        "train_images": len(train),
        "val_images": len(val),
    }
    write_json(metrics, counts)
    print(f"composed amounts of {data.name} {data.version}: {counts}")


def main() -> None:
    """Parse the command line and run the stage."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--input", type=Path, required=True, help="folder of scans")
    parser.add_argument("--output", type=Path, required=True, help="folder of the composed data set")
    parser.add_argument("--metrics", type=Path, required=True, help="JSON file of counts")
    options = parser.parse_args()
    try:
        preprocess(options.input, options.output, options.metrics, Path("params.yaml"))
    except (ValueError, FileNotFoundError) as error:
        sys.exit(f"preprocess: {error}")


if __name__ == "__main__":
    main()
