"""Importing the digit scans and splitting them by image."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from receipt_ocr.scans import Scan, read_scans, split_scans, write_scans
from sklearn.datasets import load_digits


def _files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*.*")}


def test_all_1797_scans_are_imported_without_loss(scans: list[Scan]) -> None:
    digits = load_digits()
    assert [scan.label for scan in scans] == digits.target.tolist()
    assert np.array_equal(np.rint(np.stack([scan.ink for scan in scans]) * (16 / 255)), digits.images)


def test_importing_the_same_scans_again_writes_the_same_bytes(raw: Path, tmp_path: Path) -> None:
    digits = load_digits()
    write_scans(tmp_path, digits.images, digits.target)
    assert len(_files(raw)) == 1798
    assert _files(tmp_path) == _files(raw)


def test_a_limited_import_holds_the_first_scans_of_the_full_one(
    raw: Path, project: Path, tmp_path: Path
) -> None:
    command = [sys.executable, "src/import_digits.py", "--output", str(tmp_path / "raw"), "--limit", "40"]
    subprocess.run(command, cwd=project, check=True, capture_output=True)
    files, full = _files(tmp_path / "raw"), _files(raw)
    index = files.pop("index.csv")
    assert len(files) == 40
    assert files.items() <= full.items()
    assert full["index.csv"].startswith(index)


def test_an_import_of_no_scans_is_refused(project: Path, tmp_path: Path) -> None:
    command = [sys.executable, "src/import_digits.py", "--output", str(tmp_path / "raw"), "--limit", "0"]
    done = subprocess.run(command, cwd=project, check=False, capture_output=True, text=True)
    assert done.returncode == 2
    assert "--limit must be at least 1" in done.stderr


def test_a_smaller_import_leaves_nothing_of_a_larger_one(tmp_path: Path) -> None:
    digits = load_digits()
    write_scans(tmp_path, digits.images[:30], digits.target[:30])
    write_scans(tmp_path, digits.images[:10], digits.target[:10])
    assert len(list(tmp_path.glob("*/*.png"))) == 10
    assert len(read_scans(tmp_path)) == 10


def test_an_import_does_not_write_through_a_link_to_the_cache(tmp_path: Path) -> None:
    digits = load_digits()
    (path, *_) = write_scans(tmp_path / "raw", digits.images[:1], digits.target[:1])
    cached = tmp_path / "cached.png"
    cached.hardlink_to(path)
    before = cached.read_bytes()
    write_scans(tmp_path / "raw", 16 - digits.images[:1], digits.target[:1])
    assert path.read_bytes() != before
    assert cached.read_bytes() == before


def test_no_image_is_on_both_sides_and_none_is_lost(scans: list[Scan]) -> None:
    train, val = split_scans(scans, 0.8, seed=7)
    assert {scan.name for scan in train}.isdisjoint(scan.name for scan in val)
    assert {scan.ink.tobytes() for scan in train}.isdisjoint(scan.ink.tobytes() for scan in val)
    assert sorted(scan.name for scan in train + val) == sorted(scan.name for scan in scans)


@pytest.mark.parametrize("share", [0.5, 0.8])
def test_the_split_comes_close_to_the_share_that_was_asked_for(scans: list[Scan], share: float) -> None:
    train, _ = split_scans(scans, share, seed=7)
    assert len(train) / len(scans) == pytest.approx(share, abs=0.03)


def test_another_seed_splits_differently(scans: list[Scan]) -> None:
    first, second = (split_scans(scans, 0.8, seed)[1] for seed in (1, 2))
    assert [scan.name for scan in first] != [scan.name for scan in second]


def test_a_scan_keeps_its_side_when_more_scans_arrive(scans: list[Scan]) -> None:
    few_train, few_val = split_scans(scans[:1200], 0.8, seed=7)
    train, val = split_scans(scans, 0.8, seed=7)
    assert {scan.name for scan in few_train} < {scan.name for scan in train}
    assert {scan.name for scan in few_val} < {scan.name for scan in val}


def test_a_copy_of_an_image_is_on_the_side_of_the_original(scans: list[Scan]) -> None:
    copies = [replace(scan, name=f"copy-{scan.name}") for scan in scans]
    _, val = split_scans(scans + copies, 0.8, seed=7)
    names = {scan.name for scan in val}
    assert all((scan.name in names) == (f"copy-{scan.name}" in names) for scan in scans)


def test_a_split_that_lacks_a_digit_on_one_side_is_refused(scans: list[Scan]) -> None:
    without_nines = [scan for scan in scans if scan.label != 9]
    with pytest.raises(ValueError, match=r"no training scan of the digits \[9\]"):
        split_scans(without_nines, 0.8, seed=7)
