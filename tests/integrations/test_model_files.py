"""Model files are told apart by content and never executed; archives that could run code are named."""

from __future__ import annotations

import contextlib
import io
import json
import os
import pickle
import random
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from integrations import model_file
from integrations.errors import IntegrationError
from integrations.model_files import inspect
from integrations.pt2_archive import TensorSpec
from integrations.pt2_program import is_guard, is_shape_expression
from tests.integrations.small_models import Reader

ROOT = Path(__file__).resolve().parents[2]


class Bomb:
    """Unpickling it creates a file."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (os.system, (f"touch {self.trace}",))


def rewritten(archive: Path, target: Path, change: Callable[[dict[str, bytes]], None]) -> Path:
    """A copy of an archive whose records were changed."""
    with zipfile.ZipFile(archive) as source:
        records = {one.filename.partition("/")[2]: source.read(one) for one in source.infolist()}
    change(records)
    with zipfile.ZipFile(target, "w") as out:
        for name, data in records.items():
            out.writestr(f"model/{name}", data)
    return target


def program_changed(change: Callable[[Any], None]) -> Callable[[dict[str, bytes]], None]:
    def apply(records: dict[str, bytes]) -> None:
        program = json.loads(records["models/model.json"])
        change(program)
        records["models/model.json"] = json.dumps(program).encode()

    return apply


def test_a_pt2_archive_tells_its_parameters_inputs_and_outputs(archive: Path, tmp_path: Path) -> None:
    disguised = tmp_path / "model.part"
    disguised.write_bytes(archive.read_bytes())
    about = inspect(disguised)

    assert about.kind == model_file.PT2
    assert about.suspicions == ()
    assert about.num_params == sum(p.numel() for p in Reader().parameters())
    assert about.inputs == (TensorSpec("image", "float32", (None, 1, 16, 24)),)
    assert [(spec.dtype, spec.shape) for spec in about.outputs] == [("float32", (None, 24, 11))]
    assert about.torch_version == torch.__version__
    assert about.size == archive.stat().st_size


def test_other_kinds_are_told_by_content(tmp_path: Path) -> None:
    model = torch.nn.Linear(2, 3)
    torch.save(model.state_dict(), tmp_path / "a")
    torch.save(model.state_dict(), tmp_path / "b", _use_new_zipfile_serialization=False)
    torch.jit.trace(model, torch.zeros(1, 2)).save(tmp_path / "c")
    (tmp_path / "d").write_bytes(pickle.dumps({"a": 1}))
    (tmp_path / "e").write_bytes(pickle.dumps(Path("x"), protocol=0))
    header = json.dumps({"w": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}}).encode()
    (tmp_path / "f").write_bytes(struct.pack("<Q", len(header)) + header + bytes(24))
    (tmp_path / "g").write_bytes(b"\x08\x09" + b"\x12\x05torch" + b"\x3a\x02\x12\x00" + b"\x42\x02\x10\x11")
    (tmp_path / "h").write_text("just some text.")
    (tmp_path / "i").write_bytes(b"")
    with zipfile.ZipFile(tmp_path / "j", "w") as out:
        out.writestr("readme", "x")

    kinds = {name: inspect(tmp_path / name).kind for name in "abcdefghij"}
    assert kinds == {
        "a": model_file.TORCH_ZIP,
        "b": model_file.PICKLE,
        "c": model_file.TORCHSCRIPT,
        "d": model_file.PICKLE,
        "e": model_file.PICKLE,
        "f": model_file.SAFETENSORS,
        "g": model_file.ONNX,
        "h": model_file.TEXT,
        "i": model_file.EMPTY,
        "j": model_file.ZIP,
    }
    safe = {name for name in kinds if not inspect(tmp_path / name).suspicions}
    assert safe == {"f", "h", "i", "j"}
    assert inspect(tmp_path / "f").num_params == 6


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickle_is_not_run_and_its_imports_are_named(tmp_path: Path, protocol: int) -> None:
    trace = tmp_path / "trace"
    (tmp_path / "plain.pkl").write_bytes(pickle.dumps(Bomb(trace), protocol=protocol))
    torch.save(Bomb(trace), tmp_path / "model.pt", pickle_protocol=max(protocol, 2))
    for name in ("plain.pkl", "model.pt"):
        assert "imports posix.system" in inspect(tmp_path / name).suspicions
    assert not trace.exists()


def test_computed_imports_are_suspicious_too(tmp_path: Path) -> None:
    # STACK_GLOBAL on names that come from a tuple instead of two strings
    hidden = b"\x80\x04\x8c\x02os\x8c\x06system\x86\x93."
    (tmp_path / "x").write_bytes(hidden)
    assert inspect(tmp_path / "x").suspicions == (
        "pickle",
        "its imports cannot be told: it computes the names that it imports",
    )


def bomb_record(trace: Path) -> bytes:
    out = io.BytesIO()
    torch.save(Bomb(trace), out)
    return out.getvalue()


def evaluating(trace: Path) -> Callable[[dict[str, bytes]], None]:
    def change(program: Any) -> None:
        size = program["graph_module"]["graph"]["tensor_values"]["image"]["sizes"][0]
        size["as_expr"]["expr_str"] = f"__import__('os').system('touch {trace}')"

    return program_changed(change)


def guarding(trace: Path) -> Callable[[dict[str, bytes]], None]:
    guards = [f"__import__('os').system('touch {trace}') == 0"]
    return program_changed(lambda program: program.update(guards_code=guards))


def calling(target: str) -> Callable[[dict[str, bytes]], None]:
    return program_changed(lambda p: p["graph_module"]["graph"]["nodes"][0].update(target=target))


def sampling(trace: Path) -> Callable[[dict[str, bytes]], None]:
    return lambda records: records.update({"data/sample_inputs/model.pt": bomb_record(trace)})


def weighing(trace: Path) -> Callable[[dict[str, bytes]], None]:
    def change(records: dict[str, bytes]) -> None:
        name = "data/weights/model_weights_config.json"
        config = json.loads(records[name])
        entry = next(iter(config["config"].values()))
        entry["use_pickle"] = True
        records["data/weights/" + entry["path_name"]] = bomb_record(trace)
        records[name] = json.dumps(config).encode()

    return change


def test_archives_that_run_code_when_torch_loads_them_are_named(archive: Path, tmp_path: Path) -> None:
    traces = {}
    for attack in (evaluating, guarding, sampling, weighing):
        trace = tmp_path / attack.__name__
        evil = rewritten(archive, tmp_path / f"{attack.__name__}.pt2", attack(trace))
        assert inspect(evil).suspicions, attack
        traces[str(evil)] = trace
    assert not any(trace.exists() for trace in traces.values())

    # the danger is real: each of these does run its code when torch loads or calls it
    program = (
        "import contextlib, sys, torch\n"
        "for path in sys.argv[1:]:\n"
        "    with contextlib.suppress(Exception):\n"
        "        torch.export.load(path).module()(torch.zeros(2, 1, 16, 24))\n"
    )
    subprocess.run([sys.executable, "-c", program, *traces], capture_output=True, check=True)
    assert [evil for evil, trace in traces.items() if not trace.exists()] == []


@pytest.mark.parametrize(
    "change",
    [
        calling("torch.os.system"),
        calling("torch.load"),
        calling("torch.ops.aten.from_file.default"),
        calling("torch.ops.load_library"),
        calling("torch.ops.aten.__class__"),
        calling("_operator.methodcaller"),
        calling("#evil.op"),
        lambda records: records.update({"data/aotinductor/model/lib.so": b"\x7fELF"}),
        lambda records: records.update({"models/other.json": records["models/model.json"]}),
        lambda records: records.update({"data/weights/model.pt": b"legacy"}),
        lambda records: records.update({"data/constants/custom_obj_0": b"x"}),
        program_changed(
            lambda p: p["graph_module"]["module_call_graph"][0]["signature"].update(
                in_spec='[1, {"type": "collections.defaultdict", "context": "x", "children_spec": []}]'
            )
        ),
    ],
)
def test_anything_that_an_exported_network_does_not_need_is_suspicious(
    archive: Path, tmp_path: Path, change: Callable[[dict[str, bytes]], None]
) -> None:
    assert inspect(rewritten(archive, tmp_path / "evil.pt2", change)).suspicions


@pytest.mark.parametrize(
    ("text", "harmless"),
    [
        ("Symbol('s77', positive=True, integer=True)", True),
        ("Mul(Integer(5), Symbol('s77', positive=True, integer=True))", True),
        ("FloorDiv(s0 + 1, 2)", True),
        ("Symbol('s0')._print", False),
        ("sympify('x')", False),
        ("Symbol('__import__')", False),
        ("Symbol(\"os.system('x')\")", False),
        ("Integer('5')", False),
        ("[x for x in (1,)]", False),
        ("lambda: 0", False),
        ("(", False),
        (None, False),
    ],
)
def test_shape_expressions(text: Any, harmless: bool) -> None:
    assert is_shape_expression(text) is harmless


@pytest.mark.parametrize(
    ("text", "harmless"),
    [
        ("L['x'].size()[0] >= 2", True),
        ("s0 % 2 == 0 and L['args'][0].stride()[1] == 1", True),
        ("L.__class__", False),
        ("open('x')", False),
        ("L['x'].numpy().tofile('x')", False),
    ],
)
def test_guards(text: str, harmless: bool) -> None:
    assert is_guard(text) is harmless


def test_broken_archives_raise_our_own_error_or_none(archive: Path, tmp_path: Path) -> None:
    whole = archive.read_bytes()
    dice = random.Random(7)
    for number in range(150):
        damaged = bytearray(whole[: dice.randrange(len(whole))] if number % 3 == 0 else whole)
        for _ in range(dice.randrange(20)):
            damaged[dice.randrange(len(damaged))] = dice.randrange(256)
        file = tmp_path / f"{number}.pt2"
        file.write_bytes(damaged)
        # any other exception fails the test
        with contextlib.suppress(IntegrationError):
            inspect(file)


def test_two_records_of_one_name_are_refused(archive: Path, tmp_path: Path) -> None:
    file = tmp_path / "twice.pt2"
    file.write_bytes(archive.read_bytes())
    with zipfile.ZipFile(file, "a") as out, pytest.warns(UserWarning, match="Duplicate name"):
        out.writestr(out.infolist()[0].filename, b"other")
    with pytest.raises(IntegrationError, match="repeated"):
        inspect(file)


def test_links_and_missing_files_are_refused(archive: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(archive)
    for name in ("link", "absent"):
        with pytest.raises(IntegrationError, match="no model file"):
            inspect(tmp_path / name)
