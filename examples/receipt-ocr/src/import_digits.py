"""Write scikit-learn's handwritten digit scans as single PNG files, ready for `dvc add`."""

import argparse
from pathlib import Path

from receipt_ocr.scans import write_scans
from sklearn.datasets import load_digits


def main() -> None:
    """Parse the command line and write the scans."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, required=True, help="folder to write to")
    parser.add_argument("--limit", type=int, help="write the first LIMIT scans only")
    options = parser.parse_args()
    if options.limit is not None and options.limit < 1:
        parser.error("--limit must be at least 1")
    digits = load_digits()
    images, labels = digits.images[: options.limit], digits.target[: options.limit]
    paths = write_scans(options.output, images, labels)
    print(f"{len(paths)} scans written to {options.output}")


if __name__ == "__main__":
    main()
