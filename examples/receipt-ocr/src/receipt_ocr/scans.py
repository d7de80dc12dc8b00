"""Single digit scans as PNG files, and their split into training and validation scans."""

import csv
import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

SIDE = 8
"""Height and width of a scan in pixels."""

INK_LEVELS = 16
"""The scans count the dark dots of a 4x4 block, so ink runs from 0 (paper) to 16 (full)."""

INDEX_NAME = "index.csv"


@dataclass(frozen=True)
class Scan:
    """One scanned handwritten digit.

    Parameters: `name` is the file's stem (`digit-0001`), `label` the digit 0 to 9, `ink` a uint8 array
    [SIDE, SIDE] from 0 (paper) to 255 (full ink).
    """

    name: str
    label: int
    ink: np.ndarray


def write_scans(folder: Path, images: np.ndarray, labels: np.ndarray) -> list[Path]:
    """Write scans as `<label>/digit-<number>.png` (dark ink on white paper) and an index; return the PNGs.

    Parameters: `images` [N, SIDE, SIDE] with ink 0 to INK_LEVELS, `labels` [N].
    The bytes depend on the arguments only: PNG without compression is the same with every zlib.
    """
    _remove_scans(folder)
    paths = []
    for number, (image, label) in enumerate(zip(images, labels, strict=True), start=1):
        path = folder / str(int(label)) / f"digit-{number:04d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        paper = 255 - np.rint(image * (255 / INK_LEVELS)).astype(np.uint8)
        Image.fromarray(paper).save(path, compress_level=0)
        paths.append(path)
    with (folder / INDEX_NAME).open("w", newline="", encoding="utf-8") as stream:
        rows = csv.writer(stream, lineterminator="\n")
        rows.writerow(["file", "label"])
        rows.writerows([path.relative_to(folder).as_posix(), path.parent.name] for path in paths)
    return paths


def _remove_scans(folder: Path) -> None:
    """Unlink what an earlier import wrote: DVC may have linked these files to its cache."""
    for path in [*folder.glob("[0-9]/digit-*.png"), folder / INDEX_NAME]:
        path.unlink(missing_ok=True)


def read_scans(folder: Path) -> list[Scan]:
    """Read the scans that the folder's index lists, in its order.

    Raises FileNotFoundError if the index or a file is missing.
    """
    with (folder / INDEX_NAME).open(newline="", encoding="utf-8") as stream:
        return [_read_scan(folder / row["file"], int(row["label"])) for row in csv.DictReader(stream)]


def _read_scan(path: Path, label: int) -> Scan:
    with Image.open(path) as image:
        return Scan(name=path.stem, label=label, ink=255 - np.asarray(image, dtype=np.uint8))


def split_scans(scans: list[Scan], train_share: float, seed: int) -> tuple[list[Scan], list[Scan]]:
    """Split into training and validation scans; no image is in both.

    A scan's side follows from the seed and its own pixels. So equal images share a side, and an image
    keeps its side when the data grows: no later training set contains an earlier validation image.

    Raises ValueError if a digit is missing on one side, since no amount with it could be composed.
    """
    sides: tuple[list[Scan], list[Scan]] = ([], [])
    for scan in scans:
        sides[_draw(scan, seed) >= train_share].append(scan)
    for side, name in zip(sides, ("training", "validation"), strict=True):
        missing = sorted(set(range(10)) - {scan.label for scan in side})
        if missing:
            raise ValueError(f"no {name} scan of the digits {missing}: use more scans or another split_ratio")
    return sides


def _draw(scan: Scan, seed: int) -> float:
    """A number in [0, 1) that depends on the seed and the pixels only."""
    digest = hashlib.sha256(f"{seed}:".encode() + scan.ink.tobytes()).digest()
    return int.from_bytes(digest[:6], "big") / 2**48
