"""Reading a `pt2` archive (`torch.export.save`) without torch and without running anything in it."""

from __future__ import annotations

import json
import math
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from integrations.pickle_scan import is_checkpoint_of_tensors
from integrations.pt2_program import suspicious_parts

MAX_RECORDS = 200_000
MAX_JSON_BYTES = 256 * 1024 * 1024
PROGRAM = "models/model.json"
SAMPLE_INPUTS = "data/sample_inputs/model.pt"
CONFIGS = {
    "data/weights/": "data/weights/model_weights_config.json",
    "data/constants/": "data/constants/model_constants_config.json",
}
TEXTS = frozenset(
    {"archive_format", "archive_version", "byteorder", "version", ".data/version", ".data/serialization_id"}
)

# numbers of torch.export's schema (torch/_export/serde/schema.py, ScalarType)
DTYPES = {
    1: "uint8",
    2: "int8",
    3: "int16",
    4: "int32",
    5: "int64",
    6: "float16",
    7: "float32",
    8: "float64",
    9: "complex32",
    10: "complex64",
    11: "complex128",
    12: "bool",
    13: "bfloat16",
    28: "uint16",
    34: "uint32",
    35: "uint64",
}


class BadArchiveError(ValueError):
    """The file is not a well-formed `pt2` archive."""


@dataclass(frozen=True)
class TensorSpec:
    """One input or output: name in the program, dtype as numpy names it, sizes (`None` varies)."""

    name: str
    dtype: str
    shape: tuple[int | None, ...]


@dataclass(frozen=True)
class Pt2Archive:
    """What an archive says about itself.

    `num_params` counts the elements of trainable parameters, tied ones once. `suspicions` names what
    could run code when the archive is loaded or called; empty means that nothing of the kind is there.
    """

    num_params: int
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    torch_version: str
    suspicions: tuple[str, ...]


def is_pt2(archive: zipfile.ZipFile) -> bool:
    """Whether a zip file declares itself as a `pt2` archive."""
    for one in archive.infolist():
        if one.filename.rpartition("/")[2] == "archive_format" and one.file_size < 16:
            return archive.read(one).strip() == b"pt2"
    return False


def read_pt2(archive: zipfile.ZipFile) -> Pt2Archive:
    """Read the description of the model. Raises `BadArchiveError`."""
    records = _records(archive)
    try:
        program = _json(archive, records, PROGRAM)
        weights = _json(archive, records, CONFIGS["data/weights/"])["config"]
        graph = program["graph_module"]["graph"]
        signature = program["graph_module"]["signature"]
        return Pt2Archive(
            num_params=_count(weights),
            inputs=_tensors(signature["input_specs"], "user_input", graph["tensor_values"]),
            outputs=_tensors(signature["output_specs"], "user_output", graph["tensor_values"]),
            torch_version=str(program.get("torch_version", "")),
            suspicions=(*_suspicious_records(archive, records), *suspicious_parts(program)),
        )
    except (KeyError, TypeError, AttributeError, ValueError, RecursionError) as error:
        raise BadArchiveError(f"the archive is damaged or of an unknown version ({error})") from error


def _records(archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """Records by name below the archive's one top folder."""
    found: dict[str, zipfile.ZipInfo] = {}
    tops = set()
    for one in archive.infolist():
        top, _, name = one.filename.partition("/")
        tops.add(top)
        # two readers may pick different records of one name, so the one checked need not be the one run
        if name in found or len(found) == MAX_RECORDS or one.flag_bits & 1:
            raise BadArchiveError("the archive has repeated, encrypted or too many records")
        found[name] = one
    if len(tops) != 1:
        raise BadArchiveError("the archive has no single top folder")
    return found


def _json(archive: zipfile.ZipFile, records: dict[str, zipfile.ZipInfo], name: str) -> Any:
    if records[name].file_size > MAX_JSON_BYTES:
        raise BadArchiveError(f"{name} is too large")
    return json.loads(archive.read(records[name]))


def _count(weights: dict[str, Any]) -> int:
    sizes = {
        str(entry["path_name"]): math.prod(int(size["as_int"]) for size in entry["tensor_meta"]["sizes"])
        for entry in weights.values()
        if entry["is_param"]
    }
    return sum(sizes.values())


def _tensors(specs: list[Any], kind: str, values: dict[str, Any]) -> tuple[TensorSpec, ...]:
    found = []
    for spec in specs:
        if kind not in spec:
            continue
        argument = spec[kind]["arg"]
        if "as_tensor" not in argument:
            # a number, None or the like: its form as the schema names it
            form = next(iter(argument)).removeprefix("as_")
            found.append(TensorSpec(str(spec[kind].get("name", "")), form, ()))
            continue
        name = str(argument["as_tensor"]["name"])
        shape = tuple(int(size["as_int"]) if "as_int" in size else None for size in values[name]["sizes"])
        found.append(TensorSpec(name, DTYPES.get(values[name]["dtype"], "unknown"), shape))
    return tuple(found)


def _suspicious_records(archive: zipfile.ZipFile, records: dict[str, zipfile.ZipInfo]) -> Iterator[str]:
    raw = {name for folder in CONFIGS for name in _raw_tensors(archive, records, folder)}
    described = {PROGRAM, *CONFIGS.values()}
    for name, info in records.items():
        if name in raw or name in described or name in TEXTS or name.startswith("extra/"):
            continue
        payload = name == SAMPLE_INPUTS or name.startswith(tuple(CONFIGS))
        if not (payload and is_checkpoint_of_tensors(archive.open(info))):
            yield f"holds {name[:80]}"


def _raw_tensors(archive: zipfile.ZipFile, records: dict[str, zipfile.ZipInfo], folder: str) -> Iterator[str]:
    """Records that the loader takes as bare bytes of a tensor: never unpickled, by every entry's word."""
    entries = (
        _json(archive, records, CONFIGS[folder])["config"].values() if CONFIGS[folder] in records else ()
    )
    pickled = {entry["path_name"] for entry in entries if entry["use_pickle"] is not False}
    for entry in entries:
        name = str(entry["path_name"])
        if re.fullmatch(r"(weight|tensor)_\d+", name) and name not in pickled:
            yield folder + name
