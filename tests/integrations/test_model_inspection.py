"""All files of a model are looked through in a process of its own: nothing runs, nothing is unbounded."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import os
import pickle
import stat
import tarfile
import time
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from integrations import archive_contents, model_inspection
from integrations.model_inspection import Inspection, inspect_files
from tests.integrations.small_models import Reader

BOMB_SIZE = 40 * 1024 * 1024


class Bomb:
    """Unpickling it creates a file."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (os.system, (f"touch {self.trace}",))


def zipped(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return out.getvalue()


def tarred(members: dict[str, bytes], mode: str = "w") -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


def saved(array: Any) -> bytes:
    out = io.BytesIO()
    np.save(out, array, allow_pickle=True)
    return out.getvalue()


def inspected(tmp_path: Path, files: dict[str, bytes], **limits: Any) -> Inspection:
    folder, scratch = tmp_path / "files", tmp_path / "scratch"
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    scratch.mkdir()
    return inspect_files(folder, list(files), scratch, env=os.environ, **limits)


def told(inspection: Inspection) -> dict[str, list[str]]:
    return {one["path"]: one["suspicions"] for one in inspection.files}


def test_a_model_of_mlflow_is_clean_and_tells_its_signature_and_parameters(
    archive: Path, tmp_path: Path
) -> None:
    columns = [{"type": "tensor", "tensor-spec": {"dtype": "float32", "shape": [-1, 1, 16, 24]}}]
    mlmodel = f"flavors: {{}}\nsignature:\n  inputs: '{json.dumps(columns)}'\n"
    found = inspected(
        tmp_path,
        {
            "MLmodel": mlmodel.encode(),
            "conda.yaml": b"channels:\n- conda-forge\ndependencies:\n- pip\n",
            "data/model.pt2": archive.read_bytes(),
            "input_example.npy": (archive.parent / "input_example.npy").read_bytes(),
        },
    )
    assert (found.error, told(found)) == ("", {path: [] for path in told(found)})
    assert found.clean
    assert [one["kind"] for one in found.files] == ["text", "text", "pt2", "numpy"]
    assert found.num_params == sum(one.numel() for one in Reader().parameters())
    assert found.signature == {
        "inputs": [{"name": "", "dtype": "float32", "shape": [None, 1, 16, 24]}],
        "outputs": [],
    }
    assert found.scanner.startswith("fickling ")
    assert found.to_dict()["clean"] is True


def test_without_a_signature_in_mlmodel_the_file_of_the_model_tells_it(archive: Path, tmp_path: Path) -> None:
    found = inspected(tmp_path, {"model.pt2": archive.read_bytes()})
    assert found.signature is not None
    assert found.signature["inputs"] == [{"name": "image", "dtype": "float32", "shape": [None, 1, 16, 24]}]
    assert [one["shape"] for one in found.signature["outputs"]] == [[None, 24, 11]]


def test_a_canary_is_found_in_every_wrapping_and_never_run(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    bomb = pickle.dumps(Bomb(trace))
    text = pickle.dumps(Bomb(trace), protocol=0)
    array = np.array([Bomb(trace)], dtype=object)
    files = {
        "plain.pkl": bomb,
        "disguised.json": bomb,
        "notes.txt": text + b"\nand some more text",
        "second.bin": pickle.dumps({"weights": 1}) + bomb,
        "second_old.bin": pickle.dumps({"weights": 1}) + text,
        "model.pt": zipped({"archive/data.pkl": bomb, "archive/version": b"3"}),
        "array.npy": saved(array),
        "arrays.npz": zipped({"a.npy": saved(np.zeros(3)), "b.npy": saved(array)}),
        "joblib.gz": gzip.compress(bomb),
        "joblib.z": zlib.compress(bomb),
        "joblib.bz2": bz2.compress(bomb),
        "joblib.xz": lzma.compress(bomb),
        "bundle.tar": tarred({"deep/model.pkl": bomb}),
        "bundle.tar.gz": tarred({"deep/model.pkl": bomb}, "w:gz"),
        "nested.zip": zipped({"inner.zip": zipped({"model.pkl": bomb})}),
    }
    found = inspected(tmp_path, files)
    assert found.error == ""
    for one in found.files:
        assert "posix.system" in one["imports"], one
        assert any("imports posix.system" in suspicion for suspicion in one["suspicions"]), one
    assert not found.clean
    assert not trace.exists()

    # the canary is alive
    pickle.loads(text + b"\nand some more text")  # noqa: S301  it is what would have happened
    assert trace.exists()


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("model.safetensors", pickle.dumps([1]), "named .safetensors, but its content is pickle"),
        ("weights.npy", b"just text", "named .npy, but its content is text"),
        ("model.onnx", zipped({"a": b"b"}), "named .onnx, but its content is zip"),
        ("logo.png", b"\x7fELF\x02", "native code"),
        ("lib.bin", b"\x7fELF\x02", "native code"),
        ("code/loader.py", b"import os\n", "Python code"),
        ("run", b"#!/bin/sh\nid\n", "a program"),
        ("model.h5", b"\x89HDF\r\n\x1a\n" + b'{"class_name": "Lambda"}', "Lambda layer"),
        ("weights.h5", b"\x89HDF\r\n\x1a\n" + b"weights", "HDF5 is not looked through"),
        ("packed.7z", b"7z\xbc\xaf\x27\x1c" + bytes(40), "7z archives are not looked through"),
        ("blob", bytes(range(256)), "unknown format"),
        ("cut.pkl", pickle.dumps(Path("x"))[:-4], "it ends in the middle of its instructions"),
        ("cut.zip", zipped({"a": b"b" * 100})[:-30], "cannot be looked through"),
        ("cut.npy", saved(np.zeros(1000))[:-8], "cut short"),
        ("cut.gz", gzip.compress(bytes(range(256)) * 50)[:-20], "cannot be looked through"),
        ("cut.tar", tarred({"a": b"b" * 5000})[:2000], "cannot be looked through"),
        ("many.pkl", pickle.dumps({str(n): n for n in range(600_000)}), "too many instructions"),
        ("registry.pkl", b"\x80\x02\x82\x01.", "imports copyreg"),
        ("hidden.pkl", b"\x80\x04\x8c\x02os\x8c\x06system\x86\x93.", "computes the names"),
        ("popped.pkl", b"\x80\x04\x8c\x02os\x8c\x01a0q\x00\x8c\x06systemq\x010h\x00h\x01\x93.", "os.system"),
        (
            "memo.pkl",
            pickle.dumps(["torch", "Size"], 4) + b"\x80\x04\x8c\x02os\x94\x8c\x06system\x94h\x00h\x01\x93.",
            "imports os.system",
        ),
        ("x.keras", zipped({"config.json": b'{"class_name": "Lambda"}', "metadata.json": b"{}"}), "Lambda"),
        (
            "y.keras",
            zipped({"config.json": b'{"module": "my.code", "class_name": "C"}', "metadata.json": b"{}"}),
            "uses my.code.C",
        ),
    ],
    # Names that every process gives: what a zip file holds depends on the clock.
    ids=lambda value: "content" if isinstance(value, bytes) else None,
)
def test_what_could_run_or_cannot_be_looked_through_is_named(
    tmp_path: Path, name: str, content: bytes, words: str
) -> None:
    found = inspected(tmp_path, {name: content})
    assert any(words in one for one in told(found)[name]), told(found)
    assert found.clean is False


@pytest.mark.parametrize(
    "content",
    [
        b"cat\ndog\nbird\n",
        b"car\nbus\nRabbit\n",
        b"index,loss\n1,2\n",
        b"import os\nos.system('x')\n",
        "영수증".encode(),
        "가".encode() * 400_000,
        b"I1\n.",
    ],
)
def test_text_is_not_taken_for_a_pickle(tmp_path: Path, content: bytes) -> None:
    found = inspected(tmp_path, {"labels.txt": content})
    assert (told(found), found.files[0]["kind"]) == ({"labels.txt": []}, "text")
    assert found.clean


def bombs() -> dict[str, bytes]:
    zeros = bytes(BOMB_SIZE)
    return {
        "bomb.zip": zipped({"zeros": zeros}),
        "bomb.npz": zipped({"zeros.npy": zeros}),
        "bomb.gz": gzip.compress(zeros),
        "bomb.xz": lzma.compress(zeros),
        "bomb.z": zlib.compress(zeros),
        "bomb.tar.bz2": tarred({"zeros": zeros}, "w:bz2"),
        "twice.zip": zipped({"inner.zip": zipped({"zeros": zeros})}),
    }


def test_bombs_are_named_and_not_unpacked(tmp_path: Path) -> None:
    files = bombs()
    assert max(map(len, files.values())) < BOMB_SIZE / 100
    started = time.monotonic()
    found = inspected(tmp_path, files)
    assert time.monotonic() - started < 60
    assert found.error == ""
    for path, suspicions in told(found).items():
        assert any("times its size" in one for one in suspicions), (path, suspicions)


def test_archives_that_do_harm_to_whoever_unpacks_them_are_named(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("link")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    out, tar = io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(link, "/etc/passwd")
        archive.writestr("../escape", "x")
    with tarfile.open(fileobj=tar, mode="w") as bundle:
        for name, kind in (("link", tarfile.SYMTYPE), ("hard", tarfile.LNKTYPE), ("pipe", tarfile.FIFOTYPE)):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "/etc/passwd"
            bundle.addfile(info)
        bundle.addfile(tarfile.TarInfo("/absolute"))
    deep = b"text"
    for level in range(archive_contents.MAX_DEPTH + 2):
        deep = zipped({f"{level}.zip" if level else "a.txt": deep})
    many = zipped({str(number): b"" for number in range(archive_contents.MAX_MEMBERS + 1)})
    found = told(
        inspected(
            tmp_path, {"a.zip": out.getvalue(), "b.tar": tar.getvalue(), "deep.zip": deep, "many.zip": many}
        )
    )
    assert found["a.zip"] == ["holds a link, link", "holds a file that leads out of it, ../escape"]
    assert found["b.tar"] == [
        "link: a link",
        "hard: a link",
        "pipe: a device",
        "/absolute: leads out of the archive",
    ]
    assert "nested more than 3 deep" in found["deep.zip"][0]
    assert found["many.zip"] == [f"holds more than {archive_contents.MAX_MEMBERS} files"]


def test_a_link_in_the_folder_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "link").symlink_to("/etc/passwd")
    (tmp_path / "scratch").mkdir()
    found = inspect_files(tmp_path / "files", ["link"], tmp_path / "scratch", env=os.environ)
    assert "There is no model file" in told(found)["link"][0]


def test_an_inspection_that_takes_too_long_is_ended_and_nothing_counts_as_clean(tmp_path: Path) -> None:
    started = time.monotonic()
    files = {
        "a.txt": b"fine",
        **{f"{n}.pkl": pickle.dumps({str(i): i for i in range(450_000)}) for n in "bcdefgh"},
    }
    found = inspected(tmp_path, files, time_limit=4)
    assert time.monotonic() - started < 20
    assert found.error == "The inspection took longer than 4 s."
    assert not found.clean
    assert told(found)["h.pkl"] == [model_inspection.NOT_REACHED]


# How far it gets differs: an allocation fails that can be told, or all of them do.
@pytest.mark.parametrize("megabytes", [80, 160, 220])
def test_an_inspection_that_needs_too_much_memory_ends_as_not_clean(tmp_path: Path, megabytes: int) -> None:
    big = pickle.dumps({str(i): i for i in range(450_000)})
    found = inspected(tmp_path, {"a.pkl": big}, memory_limit=megabytes * 1024**2)
    assert not found.clean
    assert "memory" in f"{found.error} {told(found)['a.pkl'][0]}"


def test_a_stopped_inspection_says_so(tmp_path: Path) -> None:
    long = pickle.dumps({str(i): i for i in range(450_000)})
    found = inspected(tmp_path, {"a.pkl": long, "b.pkl": long}, should_stop=lambda: True)
    assert found.error == "The inspection was stopped."
    assert not found.clean


def test_the_process_gets_no_credentials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    seen: dict[str, Any] = {}
    real = model_inspection.process_group.run

    def watched(argv: Any, **options: Any) -> Any:
        seen.update(options["env"])
        return real(argv, **options)

    monkeypatch.setattr(model_inspection.process_group, "run", watched)
    inspected(tmp_path, {"a.txt": b"x"})
    assert "secret" not in seen.values()
    assert seen["PATH"]
