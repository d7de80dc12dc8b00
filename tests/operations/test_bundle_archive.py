"""Archives that two programs would read differently: a bundle may be none of them."""

import io
import json
import zipfile

import pytest

from accounts.roles import Role
from audit import bundle_verifier
from tests.bundles import bundle_of, faults_of, make_subject, members, verified, zipped
from tests.people import make_user
from tests.trail import checkpoint_folder

pytestmark = pytest.mark.django_db(transaction=True)
__all__ = ["checkpoint_folder"]


@pytest.fixture
def content() -> bytes:
    return bundle_of(make_subject(), make_user(Role.AUDITOR, username="auditor"))


NAMES = {
    "VERSION.json": "another member differs by its spelling only",
    "\N{FULLWIDTH LATIN SMALL LETTER V}ersion.json": "another member differs by its spelling only",
    "../version.json": "it is no name of a file in the bundle",
    "/version.json": "it is no name of a file in the bundle",
    "audit\\..\\version.json": "it is no name of a file in the bundle",
    "C:version.json": "it is no name of a file in the bundle",
    "version.json.": "it is no name of a file in the bundle",
    "folder/": "it is no name of a file in the bundle",
    "report\u202elmth.json": "it is no name of a file in the bundle",
}


def test_a_name_that_is_another_or_leads_elsewhere_is_named(content: bytes) -> None:
    whole = members(content)
    for name, told in NAMES.items():
        outcome = faults_of(whole | {name: b"{}"})  # listed in the manifest, and signed
        assert any(told in one for one in outcome), (name, outcome)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_second_member_of_a_name_and_a_link_are_found(content: bytes) -> None:
    for name, mode, told in (
        ("version.json", 0, "more than once"),
        ("link", 0o120777, "it is no plain file"),
    ):
        target = io.BytesIO(content)
        with zipfile.ZipFile(target, "a") as archive:
            info = zipfile.ZipInfo(name)
            info.external_attr = mode << 16
            archive.writestr(info, b"{}")
        outcome = verified(target.getvalue()).faults
        assert any(one.startswith(f"{name}: ") and told in one for one in outcome), (name, outcome)


@pytest.mark.parametrize(
    ("place", "value"), [(8, 1), (10, zipfile.ZIP_BZIP2), (10, zipfile.ZIP_LZMA), (10, 99)]
)
def test_a_member_that_few_programs_unpack_is_named_and_not_read(
    content: bytes, place: int, value: int
) -> None:
    forged = bytearray(content)
    entry = content.index(b"PK\x01\x02")  # of the first member in the list: its flags, how it is packed
    forged[entry + place] |= value
    assert verified(bytes(forged)).faults == ["README.txt: it is no plain file"]


def test_broken_bytes_of_a_member_are_named(content: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        one = archive.getinfo("report.html")
    start = one.header_offset + 30 + len(one.filename)
    forged = content[:start] + b"\xff" * 40 + content[start + 40 :]
    assert any(text.startswith("report.html: it cannot be read") for text in verified(forged).faults)


def hidden(content: bytes) -> bytes:
    """Return the archive with a member that only those find who read it from its beginning."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        start = archive.start_dir
    one = zipped({"version.json": b"{}"})
    with zipfile.ZipFile(io.BytesIO(one)) as archive:
        local = one[: archive.start_dir]
    body = content[:start] + local + content[start:]
    at = body.rindex(b"PK\x05\x06")
    offset = int.from_bytes(body[at + 16 : at + 20], "little") + len(local)
    return body[: at + 16] + offset.to_bytes(4, "little") + body[at + 20 :]


def test_what_the_list_of_members_does_not_tell_is_found(content: bytes) -> None:
    assert verified(content).ok
    told = "the archive: it holds bytes that belong to no member"
    assert verified(hidden(content)).faults == [told]
    assert verified(b"#!/bin/sh\n" + content).faults == [told]
    target = io.BytesIO(content)
    with zipfile.ZipFile(target, "a") as archive:
        archive.comment = b"version 2.0.0"
    assert verified(target.getvalue()).faults == [told]


def test_json_that_means_two_things_or_no_number_is_refused(content: bytes) -> None:
    whole = members(content)
    text = whole["version.json"].decode()
    for forged, told in (
        (
            text.replace('"stage":', '"stage": "Production",\n "stage":', 1),
            "a name stands twice in an object",
        ),
        (text.replace('"val_cer": 0.01123', '"val_cer": NaN'), "NaN is no number"),
        (text.replace('"val_cer": 0.01123', '"val_cer": -Infinity'), "-Infinity is no number"),
    ):
        assert forged != text
        outcome = faults_of(whole | {"version.json": forged.encode()})
        assert any(one.startswith("version.json: it cannot be read") and told in one for one in outcome), (
            outcome
        )


def test_what_unpacks_to_too_much_is_not_unpacked(content: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = members(content)
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, value in (whole | {"card.md": b" " * 70_000_000}).items():
            archive.writestr(name, value)
    assert "card.md: it cannot be read: it is too large" in verified(target.getvalue()).faults
    for bound in ("_LARGEST_IN_ALL", "_MOST_MEMBERS"):
        with monkeypatch.context() as lower:
            lower.setattr(f"audit.bundle_archive.{bound}", 10)
            assert verified(content).faults == ["the archive: it is too large"]
    assert verified(content).ok


def test_a_bundle_of_another_format_asks_for_its_own_verifier(content: bytes) -> None:
    whole = members(content)
    signed = json.loads(whole["MANIFEST.json"])
    signed["statement"]["format"] = "stagegate evidence bundle 2"
    outcome = faults_of(whole | {"MANIFEST.json": json.dumps(signed).encode()})
    assert outcome == [
        f"MANIFEST.json: it cannot be read: this verifier knows {bundle_verifier.FORMAT!r} only"
    ]
