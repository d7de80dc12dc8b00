"""The pages of one run in a browser: files that come while one looks, previews, notes, every tab readable."""

import pytest
from playwright.sync_api import expect

from accounts.models import User
from accounts.roles import Role
from experiments.models import Run, RunFile, RunListing
from tests.browser import OpenPage, accessibility_faults
from tests.people import make_user
from tests.run_file_contents import png, store
from tests.runs import add_curve, make_measured_run

pytestmark = pytest.mark.django_db(transaction=True)

LATER = 20_000  # milliseconds; a poll comes every second
FILES = {
    "plots/confusion.csv": b"actual,predicted\n1,1\n1,2\n2,2\n",
    "plots/loss.png": png(400, 300),
    "metrics.json": b'{"val_cer": 0.012, "nested": {"list": [1, 2, 3]}}',
    "table.csv": b"name,score\n" + b"row,1.5\n" * 150,
    "log.txt": b"one\ntwo\nthree\n",
    "README.md": b"# Title\n\n- text\n\n| a | b |\n|---|---|\n| 1 | 2 |\n",
    "x.svg": b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
}


@pytest.fixture
def someone() -> User:
    return make_user(Role.ENGINEER, username="someone")


@pytest.fixture
def run() -> Run:
    note = "**Better** than before.\n\n| a | b |\n|---|---|\n| 1 | 2 |"
    made = make_measured_run(
        {"val_cer": 0.0051, "loss": 0.5, "system/cpu": 50},
        params={"seed": "7", "text": "x" * 300},
        tags={"team": "ocr", "mlflow.note.content": note, "git_commit": "c" * 40},
        inputs=[{"name": "digits", "digest": "ab12", "source_type": "s3", "source": "s3://d", "context": ""}],
    )
    for key in made.metrics:
        add_curve(made, key, [2.0, 1.0])
    make_measured_run({"loss": 1}, tags={"mlflow.parentRunId": made.run_id}, name="child")
    return made


def test_files_come_while_one_looks(open_page: OpenPage, someone: User, run: Run) -> None:
    page = open_page(f"/runs/{run.run_id}/files/?path=log.txt", someone)
    expect(page.get_by_text("A worker asks MLflow")).to_be_visible()
    store(run, {**FILES, "log.txt": None})
    RunListing.objects.update(asked_at=None)
    expect(page.get_by_text("A worker fetches this file")).to_be_visible(timeout=LATER)
    RunFile.objects.all().delete()
    store(run, FILES)
    expect(page.locator("#L3")).to_contain_text("three", timeout=LATER)
    expect(page.locator(".live-poll")).to_have_count(0)
    page.locator("#L2 > a").click()
    expect(page.locator("#L2")).to_have_class("is-linked")
    page.get_by_label("Folders").get_by_role("link", name="Files").click()
    page.get_by_role("link", name="plots/").click()
    page.get_by_role("link", name="loss.png").click()
    image = page.get_by_role("img", name="plots/loss.png")
    expect(image).to_be_visible()
    assert image.evaluate("async image => { await image.decode(); return image.naturalWidth }") == 400


@pytest.mark.parametrize(("theme", "width"), [("light", 1280), ("dark", 390)])
def test_every_tab_and_preview_can_be_read(
    open_page: OpenPage, someone: User, run: Run, theme: str, width: int
) -> None:
    store(run, FILES)
    page = open_page(f"/runs/{run.run_id}/", someone, theme=theme, width=width)
    base = page.url
    tabs = ["", "metrics/", "system/", "files/", "children/", "versions/", "reproduce/"]
    for path in [*tabs, *(f"files/?path={name}" for name in FILES)]:
        page.goto(base + path)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
        assert accessibility_faults(page) == [], path
    expect(page.locator(".file-text")).to_contain_text("<script>alert(1)</script>")


def test_a_note_is_shown_before_mlflow_has_it(open_page: OpenPage, someone: User, run: Run) -> None:
    page = open_page(f"/runs/{run.run_id}/", someone)
    page.get_by_text("Edit the note").click()
    page.get_by_role("textbox", name="Note").fill("It *diverges*.")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("A change is being written to MLflow.")).to_be_visible()
    expect(page.locator("#run-note em")).to_have_text("diverges")
    page.get_by_role("button", name="Take away the tag team").click()
    expect(page.locator("#run-tags del")).to_have_text("ocr")
    page.locator("#run-more").click()
    page.get_by_role("button", name="Archive").click()
    expect(page.locator("#run-head h1")).to_contain_text("archived")
