"""The verifier alone: its canonical form, its proofs, and its command line without the product."""

import json
import struct
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from audit import canonical_json, chain, merkle, standing_alone, verifier
from audit.events import Event
from tests.rules.test_chain import RFC_NUMBERS, documents, make_chain

KEY = Ed25519PrivateKey.generate()
KEYS = {verifier.key_id(KEY.public_key()): KEY.public_key()}


def pem(key: Any = KEY) -> str:
    """Return the public half of `key`."""
    made: bytes = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return made.decode()


def records(length: int) -> list[dict[str, Any]]:
    return [asdict(link) | {"at": chain.instant(link.at)} for link in make_chain(length)]


def checkpoint_line(part: list[dict[str, Any]], previous: str = verifier.START) -> str:
    line = {
        "kind": "checkpoint",
        "first": part[0]["sequence"],
        "sequence": part[-1]["sequence"],
        "count": part[-1]["sequence"],
        "hash": part[-1]["hash"],
        "root": merkle.Tree([record["hash"] for record in part]).root,
        "at": "2026-01-31T09:30:00.000000Z",
        "previous": previous,
        "key": verifier.key_id(KEY.public_key()),
    }
    return canonical_json.canonical(line | {"signature": KEY.sign(verifier.signed_text(line)).hex()})


def proven(record: dict[str, Any], part: list[dict[str, Any]]) -> dict[str, Any]:
    path = merkle.Tree([one["hash"] for one in part]).path(record["sequence"] - part[0]["sequence"])
    return record | {"proof": {"checkpoint": part[-1]["sequence"], "path": path}}


def test_the_start_and_the_events_are_those_of_the_product() -> None:
    assert verifier.GENESIS == chain.GENESIS
    assert Event.AUDIT_CHECKPOINTED == verifier.CHECKPOINTED
    assert set(verifier.FIELDS) == set(chain.Link.__dataclass_fields__)


@given(documents)
def test_its_canonical_form_is_that_of_the_product(document: Any) -> None:
    assert canonical_json.canonical(document) == chain.canonical(document)


@given(st.floats(allow_nan=False, allow_infinity=False) | st.integers())
def test_it_writes_numbers_as_the_product_does_or_refuses_them_as_well(number: float) -> None:
    try:
        written = chain.canonical(number)
    except ValueError:
        with pytest.raises(ValueError, match="no canonical form"):
            canonical_json.canonical(number)
    else:
        assert canonical_json.canonical(number) == written


@pytest.mark.parametrize(("bits", "written"), RFC_NUMBERS)
def test_numbers_are_written_as_the_standard_says(bits: str, written: str) -> None:
    assert canonical_json.canonical(struct.unpack(">d", bytes.fromhex(bits))[0]) == written


@pytest.mark.parametrize("value", [10**400, 2**1024 - 1, float("nan"), "a\x00b", "\ud800", object(), b"x"])
def test_what_has_no_canonical_form_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="no canonical form"):
        canonical_json.canonical({"value": [value]})


@given(st.integers(1, 40), st.data())
def test_every_entry_of_a_stretch_can_be_proven_and_no_other(length: int, data: st.DataObject) -> None:
    hashes = [record["hash"] for record in records(length)]
    tree = merkle.Tree(hashes)
    index = data.draw(st.integers(0, length - 1))
    path = tree.path(index)
    assert verifier.root_of_path(hashes[index], index, length, path) == tree.root
    assert verifier.root_of_path("0" * 64, index, length, path) != tree.root
    with pytest.raises(ValueError, match="too long"):
        verifier.root_of_path(hashes[index], index, length, [*path, "0" * 64])
    if path:
        with pytest.raises(ValueError, match="too short"):
            verifier.root_of_path(hashes[index], index, length, path[:-1])


def test_the_tree_is_that_of_the_standard() -> None:
    """RFC 9162 splits at the largest power of two below the number of leaves."""

    def root(hashes: list[str]) -> bytes:
        if len(hashes) == 1:
            return verifier.node(bytes.fromhex(hashes[0]))
        split = 1 << (len(hashes) - 1).bit_length() - 1
        return verifier.node(root(hashes[:split]), root(hashes[split:]))

    hashes = [record["hash"] for record in records(40)]
    for length in range(1, 41):
        assert merkle.Tree(hashes[:length]).root == root(hashes[:length]).hex()


def test_an_excerpt_is_proven_entry_by_entry() -> None:
    whole = records(12)
    first = checkpoint_line(whole[:5])
    second = checkpoint_line(whole[5:], verifier.line_digest(json.loads(first)))
    read = verifier.read_checkpoints([first, second], KEYS)
    excerpt = [proven(whole[1], whole[:5]), proven(whole[7], whole[5:]), proven(whole[8], whole[5:])]
    report = verifier.verify(excerpt, read)
    assert (report.ok, report.mode, report.entries, report.first, report.last) == (True, "excerpt", 3, 2, 9)


@pytest.mark.parametrize("change", ["content", "hash too", "other proof", "no proof", "order", "twice"])
def test_an_excerpt_with_a_false_entry_is_not_proven(change: str) -> None:
    whole = records(9)
    read = verifier.read_checkpoints([checkpoint_line(whole)], KEYS)
    excerpt = [proven(record, whole) for record in whole[2:6]]
    if change in ("content", "hash too"):
        excerpt[1]["actor_name"] = "mallory"
    if change == "hash too":
        excerpt[1]["hash"] = verifier.digest(excerpt[1])
    if change == "other proof":
        excerpt[1]["proof"] = excerpt[2]["proof"]
    if change == "no proof":
        excerpt[1]["proof"] = None
    if change == "order":
        excerpt[1], excerpt[2] = excerpt[2], excerpt[1]
    if change == "twice":
        excerpt.insert(1, excerpt[0])
    report = verifier.verify(excerpt, read)
    assert report.fault is not None
    assert report.fault["kind"] == {"content": "altered", "order": "order", "twice": "order"}.get(
        change, "rewritten"
    )


@pytest.mark.parametrize("line", ["", "{", "[]", '{"sequence":4,"sequence":4}', "[" * 100_000, "\ud800"])
def test_a_line_that_cannot_be_read_is_a_fault_at_its_place(line: str) -> None:
    whole = records(6)
    read = verifier.read_checkpoints([checkpoint_line(whole)], KEYS)
    lines = [json.dumps(record) for record in whole]
    lines[3] = line
    report = verifier.verify(verifier.read_lines(lines), read)
    assert report.fault is not None
    assert (report.fault["kind"], report.fault["sequence"]) == ("unreadable", 4)


@pytest.mark.parametrize("change", [{"sequence": 4.0}, {"more": 1}, {"at": None}, {"data": []}])
def test_what_the_hash_does_not_cover_is_a_fault(change: dict[str, Any]) -> None:
    whole = records(6)
    whole[3] |= change
    read = verifier.read_checkpoints([checkpoint_line(records(6))], KEYS)
    report = verifier.verify(whole, read)
    assert report.fault is not None
    assert (report.fault["kind"], report.fault["sequence"]) == ("unreadable", 4)


@pytest.mark.parametrize("line", ["", "{}", "[]", "7", '{"kind":"checkpoint"}', "[" * 100_000])
def test_a_checkpoint_that_cannot_be_read_is_a_fault(line: str) -> None:
    with pytest.raises(verifier.FaultError, match="checkpoint line 2"):
        verifier.read_checkpoints([checkpoint_line(records(2)), line], KEYS)


def test_without_a_checkpoint_nothing_is_proven() -> None:
    report = verifier.verify(records(3), verifier.Checkpoints())
    assert report.fault is not None
    assert report.fault["kind"] == "checkpoint"
    assert verifier.verify([], verifier.Checkpoints()).ok


def test_keys_of_other_kinds_are_refused() -> None:
    with pytest.raises(ValueError, match="Ed25519"):
        verifier.read_keys(pem(X25519PrivateKey.generate()))
    with pytest.raises(ValueError, match="Ed25519"):
        verifier.read_keys("nothing")
    assert len(verifier.read_keys(pem() + pem(Ed25519PrivateKey.generate()))) == 2


def run_alone(folder: Path, *more: str) -> "subprocess.CompletedProcess[str]":
    """Run the file where nothing of the product can be imported."""
    (folder / "verifier.py").write_text(standing_alone.trail(), encoding="utf-8")
    files = ["verifier.py", "export.jsonl", "checkpoints.jsonl", "public_key.pem", *more]
    return subprocess.run(
        [sys.executable, "-I", *files], cwd=folder, capture_output=True, text=True, check=False
    )


@pytest.fixture
def exported(tmp_path: Path) -> Path:
    """A folder with an export of six entries, of which five are signed."""
    whole = records(6)
    (tmp_path / "export.jsonl").write_text("".join(f"{chain.canonical(record)}\n" for record in whole))
    (tmp_path / "checkpoints.jsonl").write_text(f"{checkpoint_line(whole[:5])}\n")
    (tmp_path / "public_key.pem").write_text(pem())
    return tmp_path


def test_it_runs_alone_and_says_that_all_is_whole(exported: Path) -> None:
    done = run_alone(exported)
    assert (done.returncode, done.stderr) == (0, "")
    assert "6 entries form one unbroken chain" in done.stdout
    assert "Not signed yet: 1" in done.stdout
    report = json.loads(run_alone(exported, "--json").stdout)
    assert (report["ok"], report["entries"], report["covered_to"], report["uncovered"]) == (True, 6, 5, 1)


def test_it_runs_alone_and_names_the_fault(exported: Path) -> None:
    path = exported / "export.jsonl"
    path.write_text(path.read_text().replace('"job 3"', '"job 9"'))
    done = run_alone(exported)
    assert (done.returncode, done.stdout) == (1, "FAULT at entry 3: the content does not match the hash.\n")
    assert json.loads(run_alone(exported, "--json").stdout)["fault"]["sequence"] == 3


def test_it_runs_alone_and_names_a_false_checkpoint(exported: Path) -> None:
    (exported / "public_key.pem").write_text(pem(Ed25519PrivateKey.generate()))
    done = run_alone(exported)
    assert done.returncode == 1
    assert "checkpoint line 1: it is signed with a key nobody trusts" in done.stdout


def test_files_that_cannot_be_read_are_another_status(exported: Path) -> None:
    (exported / "public_key.pem").write_text("no key")
    done = run_alone(exported)
    assert (done.returncode, done.stdout) == (2, "")
    assert "cannot be read" in done.stderr
    assert run_alone(exported, "--unknown").returncode == 2


def test_it_imports_nothing_of_the_product(exported: Path) -> None:
    script = "import sys; sys.path.insert(0, '.'); import verifier; print(*sys.modules)"
    run_alone(exported)
    done = subprocess.run(
        [sys.executable, "-I", "-c", script], cwd=exported, capture_output=True, text=True, check=True
    )
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert not loaded & {"django", "audit", "config", "accounts", "registry", "experiments", "integrations"}
