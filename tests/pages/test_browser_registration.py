"""Registering in a browser: the number with its consequences, the reason when it is needed, the files."""

import os
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from accounts.models import User
from accounts.roles import Role
from experiments.models import Job
from registry.models import ModelVersion
from tests.browser import OpenPage, accessibility_faults
from tests.people import make_user
from tests.versions import make_run, make_version

pytestmark = pytest.mark.django_db(transaction=True)

SHA = "3f" * 32
FACTS = {
    "architecture": "CNN-OCR",
    "datasets": {"data/receipts": "a" * 32},
    "params": {"train.learning_rate": "0.003", "train.epochs": "8"},
}
NASTY = "<img src=x onerror=alert(1)>"


def told(path: str, kind: str, *suspicions: str, **more: object) -> dict[str, object]:
    return {
        "path": path,
        "kind": kind,
        "size": 2_100_000,
        "suspicions": list(suspicions),
        "imports": [],
        "num_params": None,
        "inputs": [],
        "outputs": [],
        **more,
    }


def inspected(version: ModelVersion, *files: dict[str, object]) -> ModelVersion:
    version.manifest = [{"path": one["path"], "size": one["size"], "sha256": SHA} for one in files]
    version.inspection = {
        "scanner": "fickling 0.1.12",
        "clean": not any(one["suspicions"] for one in files),
        "error": "",
        "files": list(files),
        "num_params": 412_331,
        "signature": {
            "inputs": [{"name": "image", "dtype": "float32", "shape": [None, 1, 32, 128]}],
            "outputs": [{"name": "", "dtype": "float32", "shape": [None, 33, 12]}],
        },
    }
    version.save()
    return version


@pytest.fixture
def engineer() -> User:
    return make_user(Role.ENGINEER, username="engineer")


@pytest.fixture
def versions() -> dict[str, ModelVersion]:
    """A model with a release, a clean candidate, and a version of pickles."""
    release = make_version("1.2.0", stage="Production", facts=FACTS)
    candidate = inspected(
        make_version("1.3.0-rc2", stage="Staging", facts=FACTS),
        told("MLmodel", "text"),
        told("conda.yaml", "text"),
        told("data/model.pt2", "pt2", num_params=412_331),
        told("input_example.npy", "numpy"),
    )
    pickled = inspected(
        make_version("1.1.0", facts=FACTS, model_format="pickle"),
        told("MLmodel", "text"),
        told(
            "data/model.pth", "torch zip", "pickle", *(f"imports torch.nn.modules.x.L{n}" for n in range(12))
        ),
        told("extra.zip", "zip", f"{NASTY}: imports posix.system"),
    )
    fresh = make_version("1.0.0", facts=FACTS)
    return {"release": release, "candidate": candidate, "pickled": pickled, "fresh": fresh}


def run_address(**tags: str) -> str:
    run = make_run(
        params={"train.learning_rate": "0.001", "train.epochs": "8"},
        tags={
            "model_architecture": "CRNN",
            "dataset_name": "data/receipts",
            "dataset_hash": "b" * 32,
            **tags,
        },
        name="crnn-attention",
    )
    return f"/register/?run={run.run_id}&model=receipt-ocr"


def addresses(versions: dict[str, ModelVersion]) -> list[str]:
    files = [f"{versions[name].get_absolute_url()}files/" for name in ("candidate", "pickled", "fresh")]
    candidate = versions["candidate"].get_absolute_url()
    return [
        run_address(),
        f"{run_address()}&choice=patch",
        f"{run_address()}&choice=own&version=1.x",
        *files,
        candidate,
        f"{candidate}finalise/",
        f"{versions['release'].get_absolute_url()}finalise/",
    ]


def shoot(page: Page, name: str) -> None:
    """Keep a picture where somebody asked for one."""
    folder = os.environ.get("STAGEGATE_SCREENSHOTS")
    if folder:
        page.screenshot(path=str(Path(folder) / f"{name}.png"), full_page=True)


def test_everybody_can_read_the_pages_of_a_registration(
    open_page: OpenPage, versions: dict[str, ModelVersion], engineer: User
) -> None:
    for number, path in enumerate(addresses(versions)):
        for width in (1440, 390):
            page = open_page(path, engineer, width=width)
            assert accessibility_faults(page) == [], path
            excess = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
            assert excess <= 0, (path, width)
            shoot(page, f"registration-{number}-{width}")


def test_the_number_and_the_reason_follow_the_choice(
    open_page: OpenPage, versions: dict[str, ModelVersion], engineer: User
) -> None:
    page = open_page(run_address(), engineer)
    result, reason = page.locator("#registration-result"), page.get_by_role("textbox", name="Reason")
    expect(page.get_by_role("radio", name=re.compile("Major"))).to_be_checked()
    expect(result).to_contain_text("2.0.0")
    expect(reason).to_be_hidden()
    expect(page.get_by_role("textbox", name="Version")).to_be_hidden()

    page.get_by_role("radio", name=re.compile("Minor")).check()
    expect(reason).to_be_visible()
    expect(result).to_contain_text("1.3.0")
    expect(result).to_contain_text("moves less far")

    page.get_by_role("radio", name=re.compile("Release candidate")).check()
    expect(reason).to_be_hidden()
    expect(result).to_contain_text("2.0.0-rc1")

    page.get_by_role("radio", name=re.compile("Own number")).check()
    expect(result).to_contain_text("Write the number.")
    own = page.get_by_role("textbox", name="Version")
    own.press_sequentially("1.2.0")
    expect(result).to_contain_text("exists already")
    own.fill("")
    own.press_sequentially("1.9.0")
    expect(result).to_contain_text("1.9.0")
    expect(own).to_be_focused()
    expect(reason).to_be_visible()

    page.get_by_role("button", name="Register").click()
    expect(page.locator(".field-errors")).to_contain_text("Say why")
    expect(page.get_by_role("textbox", name="Version")).to_have_value("1.9.0")
    page.get_by_role("textbox", name="Reason").fill("The interface is the same.")
    page.get_by_role("button", name="Register").click()
    page.wait_for_url("**/jobs/*/")
    payload = Job.objects.get(kind="register").payload
    assert (payload["version"], payload["required_bump"]) == ("1.9.0", "major")
    assert payload["reason"] == "The interface is the same."


def test_another_model_brings_other_numbers(
    open_page: OpenPage, versions: dict[str, ModelVersion], engineer: User
) -> None:
    page = open_page(run_address(), engineer)
    page.get_by_role("combobox", name="Model").fill("")
    page.get_by_role("combobox", name="Model").press_sequentially("brand-new")
    expect(page.get_by_role("radio", name=re.compile("First version"))).to_be_checked()
    expect(page.locator("#registration-result")).to_contain_text("brand-new 1.0.0")
    assert accessibility_faults(page) == []


def test_a_candidate_is_made_final_from_its_page(
    open_page: OpenPage, versions: dict[str, ModelVersion], engineer: User
) -> None:
    page = open_page(versions["candidate"].get_absolute_url(), engineer)
    page.get_by_role("link", name=re.compile("Make final")).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Make final")
    page.get_by_role("button", name="Make 1.3.0").click()
    page.wait_for_url("**/jobs/*/")
    assert Job.objects.get(kind="finalise").payload["candidate"] == "1.3.0-rc2"


def test_names_in_archives_stay_text(
    open_page: OpenPage, versions: dict[str, ModelVersion], engineer: User
) -> None:
    page = open_page(f"{versions['pickled'].get_absolute_url()}files/", engineer)
    expect(page.get_by_text(f"{NASTY}: imports posix.system")).to_be_visible()
    assert page.locator("img[src='x']").count() == 0
